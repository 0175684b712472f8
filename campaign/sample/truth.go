package sample

import (
	"fmt"
	"iter"
	"time"

	"github.com/musterbot/muster/campaign"
)

// Truth is what is so about one service, whether or not any scan shows it.
type Truth struct {
	Service    string // component:default/checkout-api
	Name       string
	Owner      string // blank when nobody answers for it
	Scanned    bool   // false: nothing but its owner can tell
	Affected   bool   // runs a log4j-core that Log4Shell affects, as first installed
	Version    string // of log4j-core, as first installed; blank when it runs none
	Path       string // where the library is
	Exposure   campaign.Exposure
	Repository string
	Assets     []string
}

// Truths yields the truth about every service, in a fixed order.
func (c *Company) Truths() iter.Seq[Truth] {
	return func(yield func(Truth) bool) {
		for i := range c.services {
			if !yield(c.truth(i)) {
				return
			}
		}
	}
}

func (c *Company) truth(i int) Truth {
	s := c.services[i]
	t := Truth{
		Service: c.ref(i), Name: c.name(i), Scanned: s.how != never, Affected: s.affected, Version: s.version,
		Exposure: s.exposure, Repository: c.repository(i), Assets: c.assets(i),
	}
	if s.team >= 0 {
		t.Owner = c.teamRef(int(s.team))
	}
	if s.version != "" {
		t.Path = c.jarPath(i, s.version)
	}
	return t
}

func (c *Company) repository(i int) string {
	if c.services[i].shared {
		return SharedRepository
	}
	return "github.com/acme/" + c.name(i)
}

func (c *Company) jarPath(i int, version string) string {
	return fmt.Sprintf("/opt/%s/lib/log4j-core-%s.jar", c.name(i), version)
}

// assets returns the names under which scans know a service.
func (c *Company) assets(i int) []string {
	s := c.services[i]
	switch s.how {
	case byTrivy:
		return []string{"registry.acme.example/" + c.name(i) + ":1.4.2"}
	case byHostList:
		var hosts []string
		for host := int(s.hostsAt); host < c.opts.Hosts; host += c.byHost {
			hosts = append(hosts, fmt.Sprintf("host-%05d", host+1))
		}
		if len(hosts) > 0 {
			return hosts
		}
	}
	return []string{c.name(i)}
}

// Fix records that a service runs another version of log4j-core from a time
// on; scans from then on show it. NotFound when there is no such service.
func (c *Company) Fix(ref, version string, at time.Time) error {
	i, ok := c.number[ref]
	if !ok {
		return campaign.Refuse(campaign.NotFound, fmt.Sprintf("The sample company has no service %s.", ref))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fixes[i] = append(c.fixes[i], fix{at: at, version: version})
	return nil
}

// versionAt returns the log4j-core that a service ran at a time; blank for none.
func (c *Company) versionAt(i int, at time.Time) string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	version := c.services[i].version
	var since time.Time
	for _, f := range c.fixes[i] {
		if !f.at.After(at) && !f.at.Before(since) {
			version, since = f.version, f.at
		}
	}
	return version
}
