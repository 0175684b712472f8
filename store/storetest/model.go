package storetest

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/musterbot/muster/campaign"
)

// model is a store of one scope as simple as can be: lists and loops.
type model struct {
	records  map[string]campaign.Record
	rows     map[campaign.IndexHit]bool
	counters map[string]int64
	audit    uint64
	seq      int
	entries  []*modelEntry
}

type modelEntry struct {
	campaign.DueEntry
	seq      int
	attempts int
	token    string
	again    *modelEntry
}

func newModel() *model {
	return &model{records: map[string]campaign.Record{}, rows: map[campaign.IndexHit]bool{}, counters: map[string]int64{}}
}

func (m *model) find(id string) *modelEntry {
	i := slices.IndexFunc(m.entries, func(e *modelEntry) bool { return e.ID == id })
	if i < 0 {
		return nil
	}
	return m.entries[i]
}

func (m *model) drop(id string) {
	m.entries = slices.DeleteFunc(m.entries, func(e *modelEntry) bool { return e.ID == id })
}

// refuses reports whether the change is a Conflict.
func (m *model) refuses(c campaign.Change) bool {
	for _, r := range c.Records {
		if m.records[r.ID].Version != r.Version {
			return true
		}
	}
	for _, f := range c.Finish {
		if e := m.find(f.ID); e == nil || e.token == "" || e.token != f.Token {
			return true
		}
	}
	return false
}

func (m *model) apply(c campaign.Change) {
	for _, r := range c.Records {
		r.Version++
		if m.records[r.ID] = r; len(r.Data) == 0 {
			delete(m.records, r.ID)
		}
	}
	for _, e := range c.Index {
		hit := campaign.IndexHit{Key: e.Key, ID: e.ID}
		if m.rows[hit] = true; e.Remove {
			delete(m.rows, hit)
		}
	}
	for _, d := range c.Count {
		m.counters[d.Name] += d.By
	}
	m.audit += uint64(len(c.Audit))
	for _, f := range c.Finish {
		m.finish(f)
	}
	for _, d := range c.Due {
		m.due(d)
	}
}

func (m *model) finish(f campaign.Finish) {
	e := m.find(f.ID)
	again := e.again
	e.token, e.again = "", nil
	if !f.RetryAt.IsZero() {
		if e.At = f.RetryAt; again != nil && again.At.Before(e.At) {
			e.At = again.At
		}
		return
	}
	m.drop(f.ID)
	if again != nil {
		m.entries = append(m.entries, again)
	}
}

func (m *model) due(d campaign.DueEntry) {
	e := m.find(d.ID)
	switch {
	case e == nil && d.Remove, e != nil && d.Restore:
	case e == nil:
		m.seq++
		m.entries = append(m.entries, &modelEntry{DueEntry: d, seq: m.seq})
	case d.Remove && e.token == "":
		m.drop(d.ID)
	case d.Remove:
		e.again = nil
	case e.token == "":
		e.advance(d.At)
	case e.again == nil:
		m.seq++
		d.Lane, d.Serial = e.Lane, e.Serial
		e.again = &modelEntry{DueEntry: d, seq: m.seq}
	default:
		e.again.advance(d.At)
	}
}

func (e *modelEntry) advance(at time.Time) {
	if at.Before(e.At) {
		e.At = at
	}
}

// claimable returns what can be claimed now or later, in the order of claiming.
func (m *model) claimable() []*modelEntry {
	var out []*modelEntry
	for _, e := range m.entries {
		behind := slices.ContainsFunc(m.entries, func(o *modelEntry) bool {
			return e.Serial != "" && o.Serial == e.Serial && o.seq < e.seq
		})
		if e.token == "" && !behind {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b *modelEntry) int {
		return cmp.Or(cmp.Compare(a.Lane, b.Lane), a.At.Compare(b.At), cmp.Compare(a.seq, b.seq))
	})
	return out
}

// claim returns what a claim is to return, but for the tokens.
func (m *model) claim(at time.Time, n int) (campaign.Claims, []*modelEntry) {
	var want campaign.Claims
	var taken []*modelEntry
	for _, e := range m.claimable() {
		switch {
		case !e.At.After(at) && len(taken) < n:
			taken = append(taken, e)
			want.Entries = append(want.Entries, campaign.Claimed{
				Scope: scope, ID: e.ID, Lane: e.Lane, Serial: e.Serial, At: e.At, Attempts: e.attempts,
			})
			e.attempts++
		case want.Next.IsZero() || e.At.Before(want.Next):
			want.Next = e.At
		}
	}
	return want, taken
}

// drawn makes random changes mostly such that land.
type drawn struct {
	*rapid.T
	m      *model
	leases []campaign.Claimed // also those that ended
}

var drawnIDs = rapid.SampledFrom([]string{"a", "b", "c", "d"})

func (d drawn) id() string { return drawnIDs.Draw(d.T, "id") }

// ids returns none to all, each once.
func (d drawn) ids(what string) []string {
	return rapid.SliceOfNDistinct(drawnIDs, 0, 4, rapid.ID[string]).Draw(d.T, what)
}

// data is nothing, short, or so long that a store may treat it in a way of its own.
func (d drawn) data() string {
	return rapid.OneOf(rapid.StringN(0, 3, -1), rapid.Map(rapid.IntRange(300, 900), func(n int) string { return strings.Repeat("x", n) })).Draw(d.T, "data")
}

func (d drawn) time() time.Time {
	return now.Add(time.Duration(rapid.IntRange(-5, 5).Draw(d.T, "minutes")) * time.Minute)
}

func (d drawn) change() campaign.Change {
	c := campaign.Change{Scope: scope}
	some := func(what string) bool { return rapid.Bool().Draw(d.T, what) }
	for _, id := range d.ids("records") {
		r := put(id, 0, d.data())
		r.Version = d.m.records[r.ID].Version
		if rapid.IntRange(0, 15).Draw(d.T, "stale") == 0 {
			r.Version++
		}
		c.Records = append(c.Records, r)
	}
	if some("index") {
		c.Index = append(c.Index, campaign.IndexEntry{Name: "i", Key: d.id(), ID: d.id(), Remove: some("unindex")})
	}
	if some("count") {
		c.Count = append(c.Count, campaign.CounterDelta{Name: d.id(), By: rapid.Int64Range(-2, 2).Draw(d.T, "by")})
	}
	if some("audit") {
		c.Audit = append(c.Audit, campaign.AuditRecord{Action: "x"})
	}
	for _, id := range d.ids("due") {
		what := rapid.IntRange(0, 7).Draw(d.T, "what")
		c.Due = append(c.Due, campaign.DueEntry{
			ID: id, At: d.time(), Lane: rapid.SampledFrom([]campaign.Lane{campaign.Interactive, campaign.Bulk}).Draw(d.T, "lane"),
			Serial: rapid.SampledFrom([]string{"", "s", "t"}).Draw(d.T, "serial"),
			Remove: what < 2, Restore: what == 2,
		})
	}
	if len(d.leases) > 0 && some("finish") {
		lease := rapid.SampledFrom(d.leases).Draw(d.T, "lease")
		f := campaign.Finish{ID: lease.ID, Token: lease.Token}
		if some("retry") {
			f.RetryAt = d.time()
		}
		c.Finish = append(c.Finish, f)
	}
	return c
}

// agreesWithModel compares a store with the model over random series, each in
// a store of its own.
func agreesWithModel(t *testing.T, open func(t *testing.T) campaign.Store) {
	ctx := t.Context()
	rapid.Check(t, func(rt *rapid.T) {
		s := open(t)
		defer func() { _ = s.Close() }()
		m := newModel()
		d := drawn{T: rt, m: m}
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			if rapid.IntRange(0, 2).Draw(rt, "claim") > 0 {
				c := d.change()
				err := s.Apply(ctx, c)
				if m.refuses(c) {
					require.Equal(rt, campaign.Conflict, campaign.KindOf(err), "%v", err)
				} else {
					require.NoError(rt, err)
					m.apply(c)
				}
				continue
			}
			r := campaign.ClaimRequest{Now: d.time(), Lease: held, N: rapid.IntRange(1, 3).Draw(rt, "n")}
			got, err := s.Claim(ctx, r)
			require.NoError(rt, err)
			want, taken := m.claim(r.Now, r.N)
			d.leases = append(d.leases, got.Entries...)
			for i := range min(len(got.Entries), len(taken)) {
				taken[i].token = got.Entries[i].Token
				want.Entries[i].Token = got.Entries[i].Token
			}
			require.Equal(rt, want, got)
		}
		requireSame(rt, ctx, s, m)
	})
}

func requireSame(rt *rapid.T, ctx context.Context, s campaign.Reader, m *model) {
	list, err := s.List(ctx, scope, kind, "", 0)
	require.NoError(rt, err)
	require.Len(rt, list, len(m.records))
	for _, r := range list {
		require.Equal(rt, m.records[r.ID], r)
	}
	hits, err := s.Index(ctx, scope, "i", "", campaign.IndexHit{}, 0)
	require.NoError(rt, err)
	require.Len(rt, hits, len(m.rows))
	for _, hit := range hits {
		require.Contains(rt, m.rows, hit)
	}
	counters, err := s.Counters(ctx, scope, "")
	require.NoError(rt, err)
	for name, n := range m.counters {
		require.Equal(rt, n, counters[name], name)
	}
	audit, err := s.Audit(ctx, scope, 0, 0)
	require.NoError(rt, err)
	require.Len(rt, audit, int(m.audit))
}
