package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/tracker/builtin"
	"github.com/musterbot/muster/configs"
	"github.com/musterbot/muster/store/bolt"
)

// holder is whoever holds the store: the running service, or this process. A
// store that several may hold is opened by each.
type holder struct {
	campaign.Reader
	campaign.Durable
	estate
	running bool // it is the running service
	close   func() error
}

// promised is the durability of the store of the running service.
type promised struct{}

func (promised) Durability(context.Context) (campaign.Durability, error) { return bolt.Promise(), nil }

// The waits for a store that another process holds without listening yet.
const (
	holdFor   = 5 * time.Second // a service that starts or stops, another import
	holdEvery = 100 * time.Millisecond
)

// openHolder reaches the running service by the socket beside the store's file,
// or opens the file itself when no service runs. For patience it waits for a
// process that holds the file and does not listen. A store in Redis it opens
// beside the services that use it.
func openHolder(ctx context.Context, cfg configs.Config, patience time.Duration, log logrus.FieldLogger) (*holder, error) {
	if isShared(cfg.Store) {
		store, err := openStore(ctx, cfg.Store, log)
		if err != nil {
			return nil, err
		}
		return workBeside(cfg, store, log)
	}
	path, err := storePath(cfg.Store)
	if err != nil {
		return nil, err
	}
	for until := time.Now().Add(patience); ; {
		client, err := dialLocal(ctx, path)
		if err == nil {
			return &holder{Reader: client, Durable: promised{}, estate: client, running: true, close: client.close}, nil
		}
		if !errors.Is(err, errNoService) {
			return nil, err
		}
		store, err := bolt.Open(path, bolt.Options{LockTimeout: holdEvery})
		switch {
		case err == nil:
			return holdAlone(cfg, path, store, log)
		case campaign.KindOf(err) != campaign.Unavailable:
			return nil, err
		case time.Now().After(until):
			return nil, &campaign.Error{Kind: campaign.Unavailable, Err: err, Message: fmt.Sprintf("The store %s is held by another process that does not answer, such as another import. Nothing was changed; run this again in a moment.", path)}
		}
		if err := (campaign.RealClock{}).Wait(ctx, holdEvery); err != nil {
			return nil, err
		}
	}
}

// holdAlone works on the file itself, without Slack.
func holdAlone(cfg configs.Config, path string, store *bolt.Store, log logrus.FieldLogger) (*holder, error) {
	if socket, err := socketPath(path); err == nil {
		_ = os.Remove(socket) // left behind: we hold the file, so nobody listens there
	}
	return workBeside(cfg, store, log)
}

// workBeside works on a store without Slack: it claims nothing, and what has to
// go out waits for a service.
func workBeside(cfg configs.Config, store store, log logrus.FieldLogger) (*holder, error) {
	tracker, err := builtin.New(builtin.Options{Store: store})
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	engine, err := newEngine(cfg, store, tracker, slackParts{messenger: offline{}, channels: offline{}, directory: offline{}, roles: offline{}}, campaign.RealClock{}, log, nil)
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return &holder{Reader: store, Durable: store, estate: engine, close: store.Close}, nil
}

// localActor is who types at this machine, for the audit log.
func localActor(environ func(string) string) campaign.Person {
	name := environ("USER")
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	return campaign.NewPerson("local", cmp.Or(name, "unknown"))
}
