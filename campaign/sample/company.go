// Package sample makes companies up: people in four time zones, teams under
// VPs, services with owners and scans, and the truth about which of them run
// log4j-core. One seed gives one company, for the demo, for tests and for
// benches.
//
// A company keeps its services in one list of small values; catalog entries,
// components and hosts are worked out from a service's number whenever they are
// asked for, so that 10,000 services on 100,000 hosts fit.
package sample

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/musterbot/muster/campaign"
)

// Options shape a company. The zero value is the demo's: 84 services, of which
// 47 are known to be affected.
type Options struct {
	Seed       uint64
	Services   int     // default 84; at least 16
	Teams      int     // default 12; at least VPs and Directors
	VPs        int     // default 3
	Directors  int     // between VPs and teams; default 0: none
	Members    int     // people in a team; default 5
	Hosts      int     // hosts of the services that are scanned by host; default 40
	Components int     // components on an asset, about; default 20
	Affected   float64 // share of all services that scans show affected; default 0.55

	Trouble *Trouble  // default: none, as in the demo
	Start   time.Time // of day 0, when its round of scans starts; default 10 December 2021, 14:00 UTC
}

func (o Options) withDefaults() (Options, error) {
	for value, preset := range map[*int]int{&o.Services: 84, &o.Teams: 12, &o.VPs: 3, &o.Members: 5, &o.Hosts: 40, &o.Components: 20} {
		if *value == 0 {
			*value = preset
		}
	}
	if o.Affected == 0 {
		o.Affected = 0.55
	}
	if o.Start.IsZero() {
		o.Start = time.Date(2021, 12, 10, 14, 0, 0, 0, time.UTC)
	}
	switch {
	case o.Services < minServices:
		return o, campaign.Refuse(campaign.Invalid, fmt.Sprintf("A sample company has at least %d services.", minServices))
	case o.VPs < 1, o.Teams < o.VPs, o.Directors < 0, o.Directors > 0 && (o.Teams < o.Directors || o.Directors < o.VPs):
		return o, campaign.Refuse(campaign.Invalid, "A sample company needs a team for every VP and director, and a director for every VP if there are directors.")
	case o.Members < 2, o.Hosts < 1, o.Components < 1:
		return o, campaign.Refuse(campaign.Invalid, "A sample company needs two people in a team, a host and a component.")
	case o.Affected < 0 || o.Affected > maxAffected:
		return o, campaign.Refuse(campaign.Invalid, fmt.Sprintf("At most a share of %.2f of a sample company can be affected.", maxAffected))
	}
	return o, nil
}

const (
	minServices    = 16
	sharedServices = 9 // built from one repository
	unscannedEvery = 8 // one service in eight is never scanned
	maxAffected    = 0.75
	dissolvedTeam  = "group:default/dissolved-team"
)

// SharedRepository is what nine affected services are built from: one change
// fixes all of them.
const SharedRepository = "github.com/acme/shop-core"

// Company is a company that does not exist. Its methods may be called from
// several goroutines.
type Company struct {
	opts     Options
	services []service
	number   map[string]int // by ref
	byHost   int            // services scanned by host

	mu    sync.RWMutex
	fixes map[int][]fix // by service, in the order given
}

// service is what is decided once; the rest follows from its number.
type service struct {
	team     int16 // -1: nobody's
	how      source
	hostsAt  int32 // among the services scanned by host
	affected bool
	version  string // of log4j-core, when affected
	exposure campaign.Exposure
	tier     uint8
	shared   bool
	dangling bool // its owner is not in the catalog

	// With trouble only; see Trouble.
	since        uint8 // the day of its first scan
	near         near
	distro       bool // its hosts have the distribution's package as well
	ownScan      bool
	claimedBy    int16 // 1 + the team that the table of owners names; 0: it does not disagree
	tableIsRight bool
}

// source is how a service's assets are scanned.
type source uint8

const (
	byCycloneDX source = iota
	byTrivy
	byHostList
	never
)

type fix struct {
	layer   campaign.Layer
	at      time.Time
	version string
	partly  bool // one host in three keeps what it has
}

// New makes the company up. Equal options give equal companies.
func New(opts Options) (*Company, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	c := &Company{opts: opts, services: make([]service, opts.Services), number: map[string]int{}, fixes: map[int][]fix{}}
	rng := c.random(0)
	order := rng.Perm(opts.Services)
	if opts.Trouble != nil {
		c.trouble(rng, order)
	} else {
		c.peace(rng, order)
	}
	for i := range c.services {
		c.number[c.ref(i)] = i
		if c.services[i].how == byHostList {
			c.services[i].hostsAt = int32(c.byHost)
			c.byHost++
		}
	}
	return c, nil
}

// peace draws the services of a company without trouble.
func (c *Company) peace(rng *rand.Rand, order []int) {
	unscanned := c.opts.Services / unscannedEvery
	affected := int(c.opts.Affected*float64(c.opts.Services) + 0.999)
	for place, i := range order {
		s := c.draw(rng, i, place)
		switch {
		case place < sharedServices:
			s.shared, s.affected, s.version = true, true, "2.14.1"
		case place >= c.opts.Services-unscanned:
			s.how, s.affected = never, place%2 == 0
		default:
			s.affected = place < affected
		}
		if s.affected && s.version == "" {
			s.version = affectedVersions[rng.IntN(len(affectedVersions))]
		}
		c.services[i] = s
	}
	c.leaveUnowned(order)
}

// affectedVersions are releases of log4j-core before the first fix; 2.12.1 is
// the last for Java 7 and 2.3 the last for Java 6.
var affectedVersions = []string{"2.14.1", "2.14.1", "2.14.0", "2.13.3", "2.11.2", "2.8.1", "2.12.1", "2.3"}

func (c *Company) draw(rng *rand.Rand, i, place int) service {
	s := service{team: int16(i % c.opts.Teams), how: source(place % 3), tier: uint8(1 + rng.IntN(3))}
	switch rng.IntN(6) {
	case 0, 1:
		s.exposure = campaign.Exposed
	case 2, 3, 4:
		s.exposure = campaign.NotExposed
	case 5:
		if place%4 == 0 { // a few say nothing, and count as exposed
			break
		}
		s.exposure = campaign.Isolated
	}
	return s
}

// leaveUnowned takes the owner from three services: two have none, and the
// team of one is gone.
func (c *Company) leaveUnowned(order []int) {
	for n, place := range []int{sharedServices, sharedServices + 1, len(order) - 1} {
		s := &c.services[order[place]]
		s.team, s.dangling = -1, n == 1
	}
}

// random is the company's own sequence number n, the same for ever.
func (c *Company) random(n uint64) *rand.Rand { return rand.New(rand.NewPCG(c.opts.Seed, n)) }

// name returns a service's name, unique by construction.
func (c *Company) name(i int) string {
	name := subjects[i%len(subjects)] + "-" + roles[i/len(subjects)%len(roles)]
	if round := i / (len(subjects) * len(roles)); round > 0 {
		name += fmt.Sprintf("-%d", round+1)
	}
	return name
}

func (c *Company) ref(i int) string { return "component:default/" + c.name(i) }

var (
	subjects = []string{
		"checkout", "ledger", "partner", "search", "payments", "orders", "catalog", "shipping", "pricing", "identity", "billing", "returns",
		"reviews", "loyalty", "stock", "fraud", "invoice", "media", "profile", "wallet", "tax", "routing", "supplier", "warehouse", "alerts",
		"forecast", "payroll", "settlement", "coupon", "gift", "tracking", "customs",
	}
	roles = []string{"api", "gw", "worker", "batch", "web", "sync", "store", "stream", "admin", "jobs", "edge", "report"}
)
