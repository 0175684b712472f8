package campaign

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Blocklist is what campaigns keep from coming back: what a new build is compared
// with before it is merged. It is also the file that `muster check` reads, in
// JSON.
type Blocklist struct {
	AsOf   time.Time `json:"as_of"`
	Blocks []Block   `json:"campaigns"`
}

// Block is what one campaign blocks.
type Block struct {
	Campaign   string     `json:"id"`
	Title      string     `json:"title"`
	Status     Status     `json:"status"`
	Advisories []Advisory `json:"advisories,omitempty"`
	Pattern    string     `json:"pattern,omitempty"`
	Floors     []Floor    `json:"floors,omitempty"`

	Overrides  []Override  `json:"overrides,omitempty"`
	Statements []Statement `json:"statements,omitempty"`
}

// blocks says whether what a campaign looked for must not come back: it has been
// launched, or was carried through. A draft may still turn out to be nothing.
func (c Campaign) blocks() bool {
	switch c.Status {
	case Running, Paused, Closing, Closed:
		return len(c.Advisories) > 0 || c.Pattern != "" || len(c.Floors) > 0
	}
	return false
}

// ReadBlocklist returns what the launched and closed campaigns of a store block,
// the newest first.
func ReadBlocklist(ctx context.Context, r Reader, now time.Time) (Blocklist, error) {
	list := Blocklist{AsOf: Stamp(now), Blocks: []Block{}}
	campaigns, err := readCampaigns(ctx, r)
	if err != nil {
		return list, fmt.Errorf("read what campaigns block: %w", err)
	}
	for _, c := range campaigns {
		if !c.blocks() {
			continue
		}
		statements, err := readStatements(ctx, r, c.ID)
		if err != nil {
			return list, fmt.Errorf("read what campaigns block: %w", err)
		}
		list.Blocks = append(list.Blocks, Block{
			Campaign: c.ID, Title: c.Title, Status: c.Status, Advisories: c.Advisories, Pattern: c.Pattern, Floors: c.Floors,
			Overrides: c.Overrides, Statements: statements,
		})
	}
	return list, nil
}

// readCampaigns returns all campaigns, the newest first.
func readCampaigns(ctx context.Context, r Reader) ([]Campaign, error) {
	var all []Campaign
	for after := ""; ; {
		names, err := r.List(ctx, Sys, KindName, after, 0)
		if err != nil {
			return nil, err
		}
		if len(names) == 0 {
			break
		}
		for _, name := range names {
			after = name.ID
			c, _, err := Load[Campaign](ctx, r, Scope(name.ID), KindCampaign, self)
			if KindOf(err) == NotFound && err != nil {
				continue // the name was taken, and the process died before the campaign was stored
			}
			if err != nil {
				return nil, err
			}
			all = append(all, c)
		}
	}
	slices.SortFunc(all, func(a, b Campaign) int { return b.CreatedAt.Compare(a.CreatedAt) })
	return all, nil
}

// Checker tells what a blocklist says of a component. It is safe for concurrent
// use.
type Checker struct {
	blocks []Block
	judges []Judge
}

// NewChecker prepares a blocklist for many components. Invalid names the
// campaign whose criteria cannot be read.
func NewChecker(m Matcher, list Blocklist) (*Checker, error) {
	c := &Checker{blocks: list.Blocks}
	for _, b := range list.Blocks {
		judge, err := m.Compile(Criteria{Advisories: b.Advisories, Pattern: b.Pattern, Floors: b.Floors, Overrides: b.Overrides, Statements: b.Statements})
		if err != nil {
			return nil, fmt.Errorf("prepare campaign %s: %w", b.Campaign, err)
		}
		c.judges = append(c.judges, judge)
	}
	return c, nil
}

// Warning is a component that a campaign blocks. Its JSON is what `muster check`
// prints and /v1/check answers with.
type Warning struct {
	Campaign  string    `json:"campaign"` // its ID
	Title     string    `json:"title"`
	Advisory  string    `json:"advisory"`
	PURL      string    `json:"purl"`
	Component Component `json:"-"`
	Verdict   Verdict   `json:"verdict"`
	Fixed     []string  `json:"fixed"` // versions to move to, lowest first; never nil
	Why       string    `json:"why,omitempty"`
}

// Check returns a warning for each campaign and advisory that concerns the
// component.
func (c *Checker) Check(component Component) []Warning {
	var warnings []Warning
	for i, judge := range c.judges {
		for _, f := range judge.Judge(component) {
			warnings = append(warnings, Warning{
				Campaign: c.blocks[i].Campaign, Title: c.blocks[i].Title, Advisory: f.Advisory, PURL: component.PURL, Component: component,
				Verdict: f.Verdict, Fixed: append([]string{}, f.Fixed...), Why: f.Why,
			})
		}
	}
	return warnings
}
