package campaign_test

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/musterbot/muster/campaign"
)

// importsOwners brings a catalog and lets everything follow.
func (h *house) importsOwners(c campaign.Catalog) campaign.ImportReport {
	h.t.Helper()
	report, err := h.engine.ImportCatalog(h.t.Context(), h.by(cara), c)
	require.NoError(h.t, err)
	h.settle()
	return report
}

func TestWorkFollowsItsServiceToItsNewOwner(t *testing.T) {
	h, id := allLaunched(t)
	ledger := h.ticketNamed(id, "ledger")
	report := h.importsOwners(catalogNow(map[string]string{"ledger": "eve"}))
	require.Equal(t, 1, report.Reassigned)
	require.False(t, report.Held)
	task := h.taskNamed(id, "ledger")
	require.Equal(t, "group:default/eve", task.Owner)
	require.Equal(t, string(eve), task.Contact)
	require.Equal(t, ledger.ID, task.Ticket, "a ticket keeps its ID")
	require.Equal(t, "eve", h.tracker.now(ledger.ID).Assignee)
	require.Len(t, h.firsts(eve), 1, "one message to who has it now")
	require.NotContains(t, stored[campaign.Contact](h, id, campaign.KindContact, string(ann)).Tickets, ledger.ID)
	require.Equal(t, "group:default/ann", h.taskNamed(id, "checkout").Owner)
	h.sound(id)

	said := len(h.slack.said(eve.User()))
	require.Zero(t, h.importsOwners(catalogNow(map[string]string{"ledger": "eve"})).Reassigned)
	require.Len(t, h.slack.said(eve.User()), said, "nothing is said twice")
}

func TestAGroupOfAnotherNameIsTheSamePeople(t *testing.T) {
	h, id := allLaunched(t)
	tickets := h.tracker.filed()
	said := len(h.slack.said(ann.User()))
	c := catalogNow(nil)
	c.Units["group:default/payments"] = campaign.Unit{Ref: "group:default/payments", Name: "payments", Parent: "group:default/org", Members: []string{"user:default/ann"}}
	delete(c.Units, "group:default/ann")
	for _, name := range []string{"checkout", "ledger"} {
		s := c.Services["component:default/"+name]
		s.Owner = "group:default/payments"
		c.Services[s.Ref] = s
	}
	require.Zero(t, h.importsOwners(c).Reassigned)
	for _, name := range []string{"checkout", "ledger"} {
		require.Equal(t, "group:default/payments", h.taskNamed(id, name).Owner)
		require.Equal(t, string(ann), h.taskNamed(id, name).Contact)
	}
	require.Len(t, h.slack.said(ann.User()), said, "nobody is told of a name")
	require.Len(t, h.tracker.filed(), len(tickets))
	h.sound(id)
}

func TestWhatADissolvedTeamHadGoesToTheOneAboveOrToAPerson(t *testing.T) {
	tests := map[string]struct{ lead, owner string }{
		"a lead above":  {"user:default/eve", "group:default/org"},
		"nobody at all": {"", "group:default/ben"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h, id := allLaunched(t)
			c := catalogNow(nil)
			org := c.Units["group:default/org"]
			org.Lead = tt.lead
			c.Units[org.Ref] = org
			delete(c.Units, "group:default/ben")
			before := len(all[campaign.Task](h, id, campaign.KindTask))
			h.importsOwners(c)
			require.Equal(t, tt.owner, h.taskNamed(id, "search").Owner)
			require.Len(t, all[campaign.Task](h, id, campaign.KindTask), before)
			if tt.lead == "" {
				require.Len(t, h.triaged(id), 1)
				_, err := h.engine.PassWork(t.Context(), h.by(cara), id, all[campaign.Reassignment](h, id, campaign.KindReassignment)[0].ID, "eve")
				require.NoError(t, err)
				h.settle()
				require.Equal(t, "group:default/eve", h.taskNamed(id, "search").Owner)
			}
			h.sound(id)
		})
	}
}

func TestALargeReorganisationWaitsForASecondPerson(t *testing.T) {
	h := newHouse(t, func(o *campaign.Options) { o.Brakes.SecondPersonAbove = 1 })
	h.estate()
	id := h.ready()
	_, err := h.engine.Launch(t.Context(), h.by(cara), id, campaign.SliceAll)
	require.NoError(t, err)
	h.grantAll(id)
	h.settle()
	fresh := catalogNow(map[string]string{"checkout": "eve", "ledger": "eve"})
	for range 2 {
		report := h.importsOwners(fresh)
		require.True(t, report.Held)
		require.Equal(t, 2, report.Reassigned)
	}
	require.Equal(t, "group:default/ann", h.taskNamed(id, "ledger").Owner, "nothing moved")
	require.Equal(t, 1, h.grantAll(id), "one question for the same import")
	h.settle()
	require.Equal(t, "group:default/eve", h.taskNamed(id, "ledger").Owner)
	require.Equal(t, "group:default/eve", h.taskNamed(id, "checkout").Owner)
	require.Len(t, h.firsts(eve), 1, "one message for both")
	h.sound(id)
}

// grantAll lets Devi agree to whatever waits, and returns how much did.
func (h *house) grantAll(id string) (n int) {
	h.t.Helper()
	for _, hold := range all[campaign.Hold](h, id, campaign.KindRequest) {
		if hold.Status == campaign.HoldOpen {
			n++
			_, err := h.engine.Decide(h.t.Context(), h.by(devi), id, hold.ID, true)
			require.NoError(h.t, err)
			h.drain()
		}
	}
	return n
}

// Whatever happens to the catalog, no task is lost, the counters are right, and
// each open task is with somebody who can be asked or before a person.
func TestNoCatalogLosesATask(t *testing.T) {
	t.Parallel()
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue { // each imports and settles for a second
		require.NoError(t, f.Value.Set("25"))
		t.Cleanup(func() { _ = f.Value.Set(f.DefValue) })
	}
	rapid.Check(t, func(r *rapid.T) {
		h, id := allLaunched(t)
		before := len(all[campaign.Task](h, id, campaign.KindTask))
		for range rapid.IntRange(1, 3).Draw(r, "imports") {
			teams := []string{"ann", "ben", "eve", "gone", ""}
			owners := map[string]string{}
			for _, name := range []string{"checkout", "ledger", "search", "archive", "wiki"} {
				owners[name] = rapid.SampledFrom(teams).Draw(r, name)
			}
			c := catalogNow(owners)
			for _, team := range []string{"ann", "ben", "eve"} {
				switch rapid.SampledFrom([]string{"stays", "stays", "dissolved", "renamed"}).Draw(r, team) {
				case "dissolved":
					delete(c.Units, "group:default/"+team)
				case "renamed":
					u := c.Units["group:default/"+team]
					delete(c.Units, u.Ref)
					u.Ref += "-new"
					c.Units[u.Ref] = u
					for ref, s := range c.Services {
						if s.Owner == "group:default/"+team {
							s.Owner = u.Ref
							c.Services[ref] = s
						}
					}
				}
			}
			if rapid.Bool().Draw(r, "a lead above") {
				org := c.Units["group:default/org"]
				org.Lead = "user:default/eve"
				c.Units[org.Ref] = org
			}
			if gone := rapid.SampledFrom([]string{"", "ledger", "search"}).Draw(r, "gone"); gone != "" {
				delete(c.Services, "component:default/"+gone)
			}
			h.importsOwners(c)
			tasks := all[campaign.Task](h, id, campaign.KindTask)
			if len(tasks) < before {
				r.Fatalf("%d of %d tasks are left", len(tasks), before)
			}
			before = len(tasks)
			h.soundFor(r, id, c, tasks)
		}
	})
}

func (h *house) soundFor(r *rapid.T, id string, c campaign.Catalog, tasks []campaign.Task) {
	wrong, err := h.engine.Recount(h.t.Context(), id)
	if err != nil || len(wrong) > 0 {
		r.Fatalf("counters: %v %v", wrong, err)
	}
	before := map[string]bool{}
	for _, one := range all[campaign.Reassignment](h, id, campaign.KindReassignment) {
		if one.Status == campaign.ReassignmentTriage {
			for _, target := range one.Targets {
				before[target] = true
			}
		}
		if one.Status == campaign.ReassignmentMoving {
			r.Fatalf("%+v still moves", one)
		}
	}
	units := slices.Collect(maps.Keys(c.Units))
	for _, t := range tasks {
		if t.Status.Actionable() && !before[t.Target] && !slices.Contains(units, t.Owner) {
			r.Fatalf("%s", fmt.Sprintf("%s is with %s, and before nobody", t.Name, t.Owner))
		}
	}
}

func TestWhatMovedBetweenPlanAndFilingGoesOnToItsNewOwner(t *testing.T) {
	h := newHouse(t)
	h.estate()
	id := h.ready()
	h.launch(id, campaign.SliceExposed)
	h.importsOwners(catalogNow(map[string]string{"search": "eve"}))
	require.Equal(t, "group:default/eve", h.taskNamed(id, "search").Owner)

	h.launch(id, campaign.SliceRest)
	h.settle()
	task, ticket := h.taskNamed(id, "search"), h.ticketNamed(id, "search")
	require.Equal(t, "group:default/eve", task.Owner)
	require.Equal(t, string(eve), task.Contact)
	require.Equal(t, ticket.ID, task.Ticket)
	require.Equal(t, "eve", h.tracker.now(ticket.ID).Assignee)
	require.Len(t, h.firsts(eve), 1)
	require.NotContains(t, stored[campaign.Contact](h, id, campaign.KindContact, string(ben)).Tickets, ticket.ID)
	h.sound(id)
}

func TestNobodyIsAskedInTheMorningForWhatMovedAtNight(t *testing.T) {
	h := newHouse(t)
	h.estate()
	h.clock.advance(17 * time.Hour) // two at night
	h.scan(log4jCore, "checkout", "ledger", "search")
	id := h.ready()
	h.launch(id, campaign.SliceAll)
	h.settle()
	require.Empty(t, h.firsts(ben), "he sleeps")
	h.importsOwners(catalogNow(map[string]string{"search": "eve"}))
	h.clock.advance(8 * time.Hour)
	h.settle()
	require.Empty(t, h.slack.said(ben.User()))
	require.Len(t, h.firsts(eve), 1)
	left, err := h.engine.Outstanding(t.Context(), id)
	require.NoError(t, err)
	require.Zero(t, left)

	h.importsOwners(catalogNow(nil)) // and back
	h.settle()
	require.Len(t, h.firsts(ben), 1, "he never had a first message")
	h.sound(id)
}

func TestALateTargetHasOneTicketThoughScansComeAgainAndItsOwnerChanges(t *testing.T) {
	h, id := allLaunched(t)
	h.scan(log4jCore, "wiki") // joins, and its wave is not filed yet
	h.scan(log4jCore, "wiki", "archive")
	h.importsOwners(catalogNow(map[string]string{"wiki": "ben"}))
	h.scan(log4jCore, "wiki")
	h.settle()
	var holding []string
	for _, ticket := range all[campaign.Ticket](h, id, campaign.KindTicket) {
		if slices.Contains(ticket.Tasks, h.taskNamed(id, "wiki").ID) {
			holding = append(holding, ticket.ID)
		}
	}
	require.Len(t, holding, 1)
	require.Equal(t, holding[0], h.taskNamed(id, "wiki").Ticket)
	require.Equal(t, "group:default/ben", h.taskNamed(id, "wiki").Owner)
	asked := 0
	for _, p := range []campaign.Person{ann, ben, eve} {
		for _, m := range append(h.asks(p, "more_work"), h.asks(p, "first_message")...) {
			if strings.Contains(m.Message.Text, `"Names":["wiki"`) {
				asked++
			}
		}
	}
	require.Equal(t, 1, asked)
	h.sound(id)
}

func TestALaterLayerJoinsTheTicketThatMovedToItsOwner(t *testing.T) {
	h := newHouse(t)
	h.estate()
	layered := func(host string) campaign.Catalog {
		c := catalogNow(nil)
		s := c.Services["component:default/wiki"]
		s.Owners = map[campaign.Layer]string{campaign.LayerHost: "group:default/" + host}
		c.Services[s.Ref] = s
		return c
	}
	h.importsOwners(layered("ben"))
	h.scanLayer(campaign.LayerHost, "wiki")
	id := h.ready()
	h.launch(id, campaign.SliceAll)
	h.settle()
	h.importsOwners(layered("eve"))
	h.scanLayer(campaign.LayerApplication, "wiki")
	h.settle()
	var names []string
	for _, ticket := range all[campaign.Ticket](h, id, campaign.KindTicket) {
		if ticket.Name == "wiki" {
			names = append(names, ticket.Owner)
			require.Len(t, ticket.Tasks, 2)
		}
	}
	require.Equal(t, []string{"group:default/eve"}, names, "one ticket for each service and owner")
	h.sound(id)
}

// scanLayer imports a scan of now that sees log4j on one layer of a service.
func (h *house) scanLayer(layer campaign.Layer, service string) {
	h.t.Helper()
	_, err := h.engine.ImportScans(h.t.Context(), h.by(cara), func(yield func(campaign.Scan, *campaign.Refusal) bool) {
		yield(campaign.Scan{
			Asset: service, Source: "scanner of " + string(layer), At: h.clock.Now(), Layer: layer, Components: []campaign.Component{{PURL: log4jCore, Layer: layer}},
		}, nil)
	})
	require.NoError(h.t, err)
}

func TestAHeavyTicketThatMovesBeforeItIsFiledMovesWhole(t *testing.T) {
	t.Parallel()
	const services = 1_100
	h := newHouse(t, func(o *campaign.Options) { o.Brakes.SecondPersonAbove = 10 * services })
	owned := func(owner string) campaign.Catalog {
		fresh := catalogNow(nil)
		for i := range services {
			ref := fmt.Sprintf("component:default/b-%04d", i)
			fresh.Services[ref] = campaign.Service{Ref: ref, Name: ref[len("component:default/"):], Owner: "group:default/" + owner}
		}
		return fresh
	}
	h.importsOwners(owned("ben"))
	names := make([]string, 0, services)
	for i := range services {
		names = append(names, fmt.Sprintf("b-%04d", i))
	}
	h.scan(log4jCore, names...)
	id := h.readyWith(func(id string) {
		grouping := campaign.ByTeam
		_, err := h.engine.Edit(t.Context(), h.by(cara), id, campaign.CampaignEdit{Grouping: &grouping})
		require.NoError(t, err)
	})
	h.importsOwners(owned("eve"))
	h.launch(id, campaign.SliceAll)
	for range 5 {
		h.settle()
	}
	left := 0
	for _, task := range all[campaign.Task](h, id, campaign.KindTask) {
		if strings.HasPrefix(task.Name, "b-") && (task.Owner != "group:default/eve" || task.Contact != string(eve)) {
			left++
		}
	}
	require.Zero(t, left, "tasks that stayed behind")
	require.Len(t, h.firsts(eve), 1)
	held := map[string]bool{}
	for _, task := range all[campaign.Task](h, id, campaign.KindTask) {
		held[task.Ticket] = true
	}
	require.Len(t, held, 2, "all are on one ticket, but what nobody has scanned: on none")
	h.sound(id)
}

func TestACatalogThatLacksMuchIsRefused(t *testing.T) {
	h := newHouse(t)
	full := catalogNow(nil)
	for i := range 40 {
		ref := fmt.Sprintf("component:default/s-%02d", i)
		full.Services[ref] = campaign.Service{Ref: ref, Name: ref, Owner: "group:default/ann"}
	}
	h.importsOwners(full)
	_, err := h.engine.ImportCatalog(t.Context(), h.by(cara), catalogNow(nil))
	require.Contains(t, refused(t, err, campaign.Conflict), "lacks 40 of the 45 services")
	again := h.importsOwners(full)
	require.Zero(t, again.New+again.Changed, "nothing was lost")
	report, err := h.engine.ShrinkCatalog(t.Context(), h.by(cara), catalogNow(nil))
	require.NoError(t, err)
	require.Equal(t, 40, report.Gone)
}
