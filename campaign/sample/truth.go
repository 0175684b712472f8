package sample

import (
	"fmt"
	"iter"
	"slices"
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

// Services returns how many services the company has.
func (c *Company) Services() int { return len(c.services) }

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

// assetCount is how many assets a service has.
func (c *Company) assetCount(i int) int {
	s := c.services[i]
	if s.how != byHostList {
		return 1
	}
	return max(1, (c.opts.Hosts-int(s.hostsAt)+c.byHost-1)/c.byHost)
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
// on; scans from then on show it. NotFound when there is no such service. In a
// company with trouble a few fixes are undone a day later.
func (c *Company) Fix(ref, version string, at time.Time) error {
	return c.install(ref, fix{layer: campaign.LayerApplication, at: at, version: version})
}

// FixLayer is Fix for one layer: the host's is the distribution's package. partly
// leaves one host in three as it was.
func (c *Company) FixLayer(ref string, layer campaign.Layer, version string, at time.Time, partly bool) error {
	return c.install(ref, fix{layer: layer, at: at, version: version, partly: partly})
}

func (c *Company) install(ref string, f fix) error {
	i, ok := c.number[ref]
	if !ok {
		return campaign.Refuse(campaign.NotFound, fmt.Sprintf("The sample company has no service %s.", ref))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fixes[i] = append(c.fixes[i], f)
	if at, undone := c.undone(i, f); undone {
		c.fixes[i] = append(c.fixes[i], fix{layer: f.layer, at: at, version: c.services[i].installed(f.layer)})
	}
	return nil
}

// installed is what a layer had at first; blank for nothing.
func (s service) installed(layer campaign.Layer) string {
	switch {
	case layer == campaign.LayerApplication:
		return s.version
	case s.distro:
		return debianInstalled
	}
	return ""
}

// versionAt returns the log4j of a service's layer that one of its assets had at a
// time; blank for none.
func (c *Company) versionAt(i int, layer campaign.Layer, asset int, at time.Time) string {
	version := c.services[i].installed(layer)
	c.mu.RLock()
	defer c.mu.RUnlock()
	var since time.Time
	for _, f := range c.fixes[i] {
		if f.layer == layer && !f.at.After(at) && !f.at.Before(since) && !(f.partly && asset%3 == 2) {
			version, since = f.version, f.at
		}
	}
	return version
}

// State is what is so about one layer of a service at one time.
type State struct {
	Service    string         `json:"service"`
	Name       string         `json:"name"`
	Layer      campaign.Layer `json:"layer"`
	Owner      string         `json:"owner,omitempty"`    // who truly answers for it; blank when nobody does
	Versions   []string       `json:"versions,omitempty"` // of log4j, each once, over all assets
	Vulnerable bool           `json:"vulnerable"`         // by the advice of the day
	Scanned    bool           `json:"scanned"`            // some scan has seen it by then
}

// States yields the truth about every layer of every service at a time.
func (c *Company) States(at time.Time) iter.Seq[State] {
	return func(yield func(State) bool) {
		for i, s := range c.services {
			for _, layer := range s.layers() {
				if !yield(c.state(i, layer, at)) {
					return
				}
			}
		}
	}
}

// State returns the truth about one layer of a service at a time; false when there
// is no such service.
func (c *Company) State(ref string, layer campaign.Layer, at time.Time) (State, bool) {
	i, ok := c.number[ref]
	if !ok {
		return State{}, false
	}
	return c.state(i, layer, at), true
}

func (c *Company) state(i int, layer campaign.Layer, at time.Time) State {
	s, day := c.services[i], c.Day(at)
	out := State{Service: c.ref(i), Name: c.name(i), Layer: layer, Owner: c.ownerOn(i, day), Scanned: s.how != never && day >= int(s.since)}
	switch {
	case s.dangling:
		out.Owner = ""
	case s.tableIsRight:
		out.Owner = c.tableOwnerOn(i, day)
	}
	advice := c.Advice(day)
	for asset := range min(3, c.assetCount(i)) { // hosts of one service differ by their number's rest of three
		version := c.versionAt(i, layer, asset, at)
		if version != "" && !slices.Contains(out.Versions, version) {
			out.Versions = append(out.Versions, version)
		}
		out.Vulnerable = out.Vulnerable || Vulnerable(layer, version, advice)
	}
	return out
}
