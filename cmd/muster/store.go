package main

import (
	"net/url"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/configs/secret"
	"github.com/musterbot/muster/store/bolt"
)

// storePath returns the file of a bolt store. Configuration has checked the
// address; what it names beside a file, this version does not have.
func storePath(address secret.URL) (string, error) {
	u, err := url.Parse(address.Reveal())
	if err != nil {
		return "", campaign.Refuse(campaign.Invalid, "The address of the store cannot be read. Nothing was opened; write bolt://PATH in `store` or MUSTER_STORE.")
	}
	if u.Scheme != "bolt" {
		return "", campaign.Refuse(campaign.Invalid, "Stores at "+u.Scheme+":// are not in this version yet. Nothing was opened; write bolt://PATH in `store` or MUSTER_STORE, for one process with a file of its own.")
	}
	return u.Host + u.Path, nil // bolt://./muster.db has "." for a host
}

// openStore opens the store that the configuration names.
func openStore(address secret.URL, o bolt.Options) (campaign.Store, error) {
	path, err := storePath(address)
	if err != nil {
		return nil, err
	}
	return bolt.Open(path, o)
}
