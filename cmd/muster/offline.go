package main

import (
	"context"
	"time"

	"github.com/musterbot/muster/campaign"
)

// offline stands where Slack would, in a subcommand that works on the store
// while no service runs: everything is refused without effect, so that what is
// to go out stays pending until the service starts. Nobody has a role.
type offline struct{}

var (
	_ campaign.Messenger = offline{}
	_ campaign.Channels  = offline{}
	_ campaign.Directory = offline{}
	_ campaign.Roles     = offline{}
)

func notHere() error {
	return campaign.Refuse(campaign.Unavailable, "Slack is not asked while the service is down. What was read is kept, and what has to go out waits for `muster serve`.")
}

func (offline) Post(context.Context, campaign.Post) (campaign.MessageRef, error) {
	return campaign.MessageRef{}, notHere()
}

func (offline) Find(context.Context, string, string, string, time.Time) (campaign.MessageRef, error) {
	return campaign.MessageRef{}, notHere()
}

func (offline) Edit(context.Context, campaign.MessageRef, campaign.Message) error { return notHere() }

func (offline) Respond(context.Context, string, campaign.Message) error { return notHere() }

func (offline) EnsureChannel(context.Context, string, bool) (campaign.ChannelRef, error) {
	return campaign.ChannelRef{}, notHere()
}

func (offline) Dress(context.Context, string, campaign.Dress) error { return notHere() }

func (offline) Invite(context.Context, string, []string) error { return notHere() }

func (offline) ByEmail(context.Context, string) (campaign.User, error) {
	return campaign.User{}, notHere()
}

func (offline) ByID(context.Context, campaign.Person) (campaign.User, error) {
	return campaign.User{}, notHere()
}

func (offline) Named(context.Context, string) (campaign.User, error) {
	return campaign.User{}, notHere()
}

func (offline) Has(context.Context, campaign.Person, campaign.Role) (bool, error) {
	return false, notHere()
}

func (offline) Members(context.Context, campaign.Role) ([]campaign.Person, error) {
	return nil, notHere()
}
