package main

import (
	"cmp"

	"github.com/sirupsen/logrus"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/advisory"
	"github.com/musterbot/muster/configs"
	"github.com/musterbot/muster/templates"
)

// slackParts is what the engine needs of Slack.
type slackParts struct {
	messenger campaign.Messenger
	channels  campaign.Channels
	directory campaign.Directory
	roles     campaign.Roles
	files     campaign.Files      // nil where Slack is not asked
	command   campaign.ChannelRef // the command channel; its ID is blank when there is none
	found     map[string]string   // IDs of the digests' channels, by how they are written
}

// newEngine translates the configuration for the domain. tune may be nil.
func newEngine(cfg configs.Config, store campaign.Store, tracker campaign.Tracker, s slackParts, clock campaign.Clock, log logrus.FieldLogger, tune func(*campaign.WorkOptions)) (*campaign.Engine, error) {
	words, err := templates.Load(cfg.TemplatesDir)
	if err != nil {
		return nil, err
	}
	pager, err := newPager(cfg.Paging)
	if err != nil {
		return nil, err
	}
	o := campaign.Options{
		Store: store, Matcher: advisory.Matcher{}, Renderer: words, Tracker: tracker, Pager: pager,
		Messenger: s.messenger, Channels: s.channels, Directory: s.directory, Roles: s.roles, Files: s.files, Documents: documents{},
		Clock: clock, Log: log, Company: cfg.Company, Zone: cfg.TimeZone, CommandChannel: s.command,
		Brakes: campaign.Brakes{
			SecondPersonAbove: cfg.Brakes.SecondPersonAbove, AdmissionPerDay: cfg.Brakes.AdmissionPerDay, AdmissionShare: cfg.Brakes.AdmissionShare,
		},
		Quorum: cfg.Review.Quorum, FreshFor: cfg.Inventory.FreshFor,
		Pace: planPace(cfg),
		Work: campaign.WorkOptions{
			Lease: cfg.Work.Lease, UncertainWait: cfg.Work.UncertainWait, Poll: cfg.Work.Poll,
			Heartbeat: cfg.Work.Heartbeat, Coalesce: cfg.Work.Coalesce, TrackPoll: cfg.Work.TrackPoll,
			Workers: cfg.Work.Workers,
		},
	}
	for _, d := range cfg.Digests {
		o.Digests = append(o.Digests, campaign.DigestSchedule{
			Audience: campaign.Audience(d.Audience), Cron: d.Schedule, Zone: d.TimeZone,
			Channel: cmp.Or(s.found[d.Channel], d.Channel), Written: d.Channel,
		})
	}
	if cfg.Inventory.KEV != "" {
		o.Exploits = &kevFile{path: cfg.Inventory.KEV}
	}
	if cfg.Tracker.Kind == "builtin" {
		o.Work.TrackPoll = -1 // nobody but Muster changes its tickets
	}
	if run, ok := store.(campaign.Run); ok {
		o.Epoch = run.Epoch
	}
	if tune != nil {
		tune(&o.Work)
	}
	return campaign.New(o)
}

// rolesOf translates the members of the roles.
func rolesOf(r configs.Roles) map[campaign.Role][]string {
	return map[campaign.Role][]string{
		campaign.Commander: r.Commander, campaign.Reviewer: r.Reviewer, campaign.Helper: r.Helper,
		campaign.Executive: r.Executive, campaign.Counsel: r.Counsel, campaign.Auditor: r.Auditor, campaign.Operator: r.Operator,
	}
}
