package bolt

import (
	"context"

	"github.com/musterbot/muster/campaign"
)

// Promise is what a store of this package promises, whoever holds its file.
func Promise() campaign.Durability {
	return campaign.Durability{
		Promise: "The store is one file and durable: what Muster acknowledged is on disk. Back it up with the machine.",
	}
}

// Durability implements campaign.Durable.
func (*Store) Durability(context.Context) (campaign.Durability, error) { return Promise(), nil }
