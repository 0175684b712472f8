package main

import (
	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/paging/opsgenie"
	"github.com/musterbot/muster/campaign/paging/pagerduty"
	"github.com/musterbot/muster/campaign/paging/webhook"
	"github.com/musterbot/muster/configs"
)

// newPager translates the configuration; nil where nobody is to be paged.
func newPager(c configs.Paging) (campaign.Pager, error) {
	switch c.Kind {
	case "pagerduty":
		return pagerduty.New(pagerduty.Options{URL: c.URL.Reveal(), Key: c.Key, IncidentKey: c.IncidentKey})
	case "opsgenie":
		return opsgenie.New(opsgenie.Options{URL: c.URL.Reveal(), Key: c.Key, IncidentKey: c.IncidentKey})
	case "webhook":
		return webhook.New(webhook.Options{URL: c.URL, Secret: c.Key})
	}
	return nil, nil
}
