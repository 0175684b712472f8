package sample

import (
	"math/rand/v2"
	"time"

	"github.com/musterbot/muster/campaign"
)

// Trouble is what real companies have and the demo's has not. Shares are of all
// services unless they say otherwise; days count from 0, at Options.Start.
type Trouble struct {
	Unowned     float64 // nobody answers for them; of half of these the team is gone
	Conflicting float64 // the catalog and the table of owners disagree; the table is right about half
	Unscanned   float64 // not scanned on day 0
	Never       float64 // never scanned; a part of Unscanned
	Gaps        float64 // of assets, left out by a day's round
	Regressions float64 // of fixes, undone a day later
	Near        float64 // ship a jar of that name under a group of their own; half of these are log4j-core
	Distro      float64 // of services that are scanned by host: the distribution's package is there too
	OwnScans    float64 // of services that Trivy scans: their team scans as well

	FollowUps      [2]int // days on which the advisories ask for more
	OutageDay      int    // Trivy finds no jar anywhere
	ReorganisedDay int    // one team in twenty is merged into another
	CalmFrom       int    // from this day on there are no gaps and no regressions
}

// RealTrouble is the trouble of a company that is run well.
func RealTrouble() Trouble {
	return Trouble{
		Unowned: 0.04, Conflicting: 0.02, Unscanned: 0.40, Never: 0.125, Gaps: 0.03, Regressions: 0.015, Near: 0.01, Distro: 0.15, OwnScans: 0.05,
		FollowUps: [2]int{5, 9}, OutageDay: 7, ReorganisedDay: 6, CalmFrom: 12,
	}
}

// Days is how long a company's story is.
const Days = 14

// lastRollOut is the day by which all are scanned that ever will be.
const lastRollOut = 10

// trouble draws services that have it.
func (c *Company) trouble(rng *rand.Rand, order []int) {
	t := c.opts.Trouble
	n := float64(c.opts.Services)
	for place, i := range order {
		s := c.draw(rng, i, place)
		s.affected = rng.Float64() < c.opts.Affected
		switch {
		case place < sharedServices:
			s.shared, s.affected, s.version = true, true, "2.14.1"
		case place >= c.opts.Services-int(t.Never*n):
			s.how = never
		case place >= c.opts.Services-int(t.Unscanned*n):
			s.since = uint8(1 + place%lastRollOut)
		}
		if s.affected && s.version == "" {
			s.version = affectedVersions[rng.IntN(len(affectedVersions))]
		}
		switch {
		case s.how != never && !s.affected && rng.Float64() < t.Near/(1-c.opts.Affected):
			s.near = nearHarmless
			if rng.IntN(2) == 0 {
				s.near, s.version = nearAffected, "2.14.1"
			}
		case s.how == byHostList && rng.Float64() < t.Distro:
			s.distro = true
		case s.how == byTrivy && rng.Float64() < t.OwnScans*3: // a third is Trivy's
			s.ownScan = true
		}
		switch place := rng.Float64(); {
		case s.shared:
		case place < t.Unowned:
			s.team, s.dangling = -1, place < t.Unowned/2
		case place < t.Unowned+t.Conflicting && c.opts.Teams > 1:
			s.claimedBy = int16(1 + (int(s.team)+1+rng.IntN(c.opts.Teams-1))%c.opts.Teams)
			s.tableIsRight = rng.IntN(2) == 0
		}
		c.services[i] = s
	}
}

// near is a jar that has the library's name and another group.
type near uint8

const (
	nearNone near = iota
	nearAffected
	nearHarmless
)

// Day returns the day that a moment falls on; what is before the start is day 0.
func (c *Company) Day(at time.Time) int {
	return max(0, int(at.Sub(c.opts.Start)/(24*time.Hour)))
}

// RoundOn returns when the round of scans of a day starts.
func (c *Company) RoundOn(day int) time.Time {
	return c.opts.Start.Add(time.Duration(day) * 24 * time.Hour)
}

// Advice returns how far the advisories go on a day: 1 is Log4Shell, 2 and 3 are
// what followed. A company without trouble stays at 1.
func (c *Company) Advice(day int) int {
	advice := 1
	if t := c.opts.Trouble; t != nil {
		for _, from := range t.FollowUps {
			if day >= from {
				advice++
			}
		}
	}
	return advice
}

// seen returns whether the round at a time shows an asset of a service.
func (c *Company) seen(i, asset int, at time.Time) bool {
	s, t := c.services[i], c.opts.Trouble
	if s.how == never || t == nil {
		return s.how != never
	}
	day := c.Day(at)
	if day < int(s.since) {
		return false
	}
	return day >= t.CalmFrom || c.chance(saltGap, i, asset, day) >= t.Gaps
}

// blind returns whether the scanner of a service finds no jars at a time.
func (c *Company) blind(i int, at time.Time) bool {
	t := c.opts.Trouble
	return t != nil && c.services[i].how == byTrivy && c.Day(at) == t.OutageDay
}

// undone returns when a fix is undone; false when it stays.
func (c *Company) undone(i int, f fix) (time.Time, bool) {
	t := c.opts.Trouble
	if t == nil {
		return time.Time{}, false
	}
	at := f.at.Add(24 * time.Hour)
	return at, c.Day(at) < t.CalmFrom && c.chance(saltUndone, i, int(f.layer[0]), c.Day(f.at)) < t.Regressions
}

// Chance is a number from 0 to below 1 that the company's seed and the keys alone
// decide, for who plays its people.
func (c *Company) Chance(keys ...int) float64 { return c.chance(append([]int{saltPeople}, keys...)...) }

const (
	saltGap = iota + 1
	saltUndone
	saltPeople
)

func (c *Company) chance(keys ...int) float64 {
	x := c.opts.Seed
	for _, k := range keys { // splitmix64
		x += uint64(k) + 0x9e3779b97f4a7c15
		x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
		x = (x ^ x>>27) * 0x94d049bb133111eb
		x ^= x >> 31
	}
	return float64(x>>11) / (1 << 53)
}

// merged returns the team that has a team's work on a day.
func (c *Company) merged(team, day int) int {
	t := c.opts.Trouble
	if t != nil && day >= t.ReorganisedDay && team%20 == 7 && team+1 < c.opts.Teams {
		return team + 1
	}
	return team
}

// ownerOn returns who the catalog says answers for a service on a day.
func (c *Company) ownerOn(i, day int) string {
	s := c.services[i]
	switch {
	case s.dangling:
		return dissolvedTeam
	case s.team >= 0:
		return c.teamRef(c.merged(int(s.team), day))
	}
	return ""
}

// tableOwnerOn returns who the table of owners says answers for a service that it
// disagrees about; "" for the others.
func (c *Company) tableOwnerOn(i, day int) string {
	s := c.services[i]
	if s.claimedBy == 0 {
		return ""
	}
	return c.teamRef(c.merged(int(s.claimedBy-1), day))
}

// layers returns the layers of a service that can be affected.
func (s service) layers() []campaign.Layer {
	if s.distro {
		return []campaign.Layer{campaign.LayerApplication, campaign.LayerHost}
	}
	return []campaign.Layer{campaign.LayerApplication}
}
