package main

import (
	"context"
	"net/url"
	"strings"

	"github.com/sirupsen/logrus"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/configs/secret"
	"github.com/musterbot/muster/store/bolt"
	"github.com/musterbot/muster/store/redis"
)

// store is a campaign.Store that says how durable it is.
type store interface {
	campaign.Store
	campaign.Durable
}

// isShared reports whether several processes may have the store open at a time.
// Where they may not, one holds it and the others ask that one (see openHolder).
func isShared(address secret.URL) bool {
	return strings.HasPrefix(address.Reveal(), "redis")
}

// storePath returns the file of a bolt store.
func storePath(address secret.URL) (string, error) {
	u, err := url.Parse(address.Reveal())
	if err != nil || u.Scheme != "bolt" {
		return "", campaign.Refuse(campaign.Invalid, "The address of the store cannot be read. Nothing was opened; write bolt://PATH or a Redis address in `store` or MUSTER_STORE.")
	}
	return u.Host + u.Path, nil // bolt://./muster.db has "." for a host
}

// openStore opens the store that the configuration names.
func openStore(ctx context.Context, address secret.URL, log logrus.FieldLogger) (store, error) {
	if isShared(address) {
		return redis.Open(ctx, address.Reveal(), redis.Options{Log: log})
	}
	path, err := storePath(address)
	if err != nil {
		return nil, err
	}
	return bolt.Open(path, bolt.Options{})
}
