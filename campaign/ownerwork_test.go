package campaign_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

// watchedStore counts how often a kind is read, and refuses writes when it is
// told to.
type watchedStore struct {
	campaign.Store
	read   map[campaign.RecordKind]int
	refuse func(campaign.Change) error
}

func (s *watchedStore) Get(ctx context.Context, scope campaign.Scope, kind campaign.RecordKind, id string) (campaign.Record, error) {
	s.read[kind]++
	return s.Store.Get(ctx, scope, kind, id)
}

func (s *watchedStore) Apply(ctx context.Context, c campaign.Change) error {
	if s.refuse != nil {
		if err := s.refuse(c); err != nil {
			return err
		}
	}
	return s.Store.Apply(ctx, c)
}

// watched returns the option that puts a watchedStore into a house.
func watched(s *watchedStore) func(*campaign.Options) {
	return func(o *campaign.Options) {
		*s = watchedStore{Store: o.Store, read: map[campaign.RecordKind]int{}}
		o.Store = s
	}
}

// burden gives Ann's checkout ticket n more open tasks, and finished ones beside
// them, and returns the IDs of the open ones.
func (h *house) burden(id string, n, finished int) []string {
	h.t.Helper()
	checkout := h.taskNamed(id, "checkout")
	ticket := stored[campaign.Ticket](h, id, campaign.KindTicket, checkout.Ticket)
	var open []string
	for i := range n + finished {
		task := checkout
		task.Name = fmt.Sprintf("extra-%03d", i)
		task.ID = campaign.TaskID(task.Name, task.Track)
		if i >= n {
			task.Status = campaign.TaskVerified
		} else {
			open = append(open, task.ID)
		}
		h.put(id, campaign.KindTask, task.ID, task)
		ticket.Tasks = append(ticket.Tasks, task.ID)
	}
	h.put(id, campaign.KindTicket, ticket.ID, ticket)
	return open
}

func (h *house) inStatus(id string, status campaign.TaskStatus) (n int) {
	h.t.Helper()
	for _, t := range all[campaign.Task](h, id, campaign.KindTask) {
		if t.Status == status {
			n++
		}
	}
	return n
}

func TestAMethodIsOnlyWords(t *testing.T) {
	h := newHouse(t)
	h.estate()
	id := h.ready()
	h.launch(id, campaign.SliceAll)
	m, err := h.engine.Claim(t.Context(), h.by(ben), id, campaign.TaskSet{Contact: string(ben)}, campaign.Claim{Method: "100%s <!channel> %d"})
	require.NoError(t, err)
	require.Contains(t, m.Text, "search counts as done, by 100%s &lt;!channel&gt; %d.")
}

func TestAnOwnerOfManyIsDoneWithAllOfThem(t *testing.T) {
	h := newHouse(t)
	h.estate()
	id := h.ready()
	h.launch(id, campaign.SliceAll)
	h.burden(id, 210, 150)
	_, err := h.engine.Claim(t.Context(), h.by(ann), id, campaign.TaskSet{Contact: string(ann)}, campaign.Claim{Method: campaign.MethodFlag})
	require.NoError(t, err)
	require.Equal(t, 212, h.inStatus(id, campaign.TaskClaimed), "checkout, ledger and the 210")
	require.Equal(t, 150, h.inStatus(id, campaign.TaskVerified), "what was finished stays")
}

func TestACrashAmongManyLosesNoneOfThem(t *testing.T) {
	var store watchedStore
	h := newHouse(t, watched(&store))
	h.estate()
	id := h.ready()
	h.launch(id, campaign.SliceAll)
	h.burden(id, 210, 0)
	steps := 0
	store.refuse = func(c campaign.Change) error {
		if slices.ContainsFunc(c.Records, func(r campaign.Record) bool { return r.Kind == campaign.KindTask }) {
			steps++
		}
		if steps > 1 {
			return &campaign.Error{Kind: campaign.Unavailable, Message: "The store is away."}
		}
		return nil
	}
	request, set, claim := h.by(ann), campaign.TaskSet{Contact: string(ann)}, campaign.Claim{Method: campaign.MethodFlag}
	_, err := h.engine.Claim(t.Context(), request, id, set, claim)
	refused(t, err, campaign.Unavailable)
	require.Equal(t, 100, h.inStatus(id, campaign.TaskClaimed))

	store.refuse = nil
	for range 2 { // the envelope again, and once more after it was carried out
		m, err := h.engine.Claim(t.Context(), request, id, set, claim)
		require.NoError(t, err)
		require.Contains(t, m.Text, "done, by flag")
		require.Equal(t, 212, h.inStatus(id, campaign.TaskClaimed))
	}
}

func TestTheCatalogIsReadOnceForAPerson(t *testing.T) {
	var store watchedStore
	h := newHouse(t, watched(&store))
	h.estate()
	id := h.ready()
	store.read = map[campaign.RecordKind]int{}
	_, unknown, err := h.engine.UnknownOf(t.Context(), eve, id)
	require.NoError(t, err)
	require.Equal(t, []string{"archive"}, unknown)
	require.Equal(t, 1, store.read[campaign.KindCatalog])

	_, unknown, err = h.engine.UnknownOf(t.Context(), ben, id)
	require.NoError(t, err)
	require.Empty(t, unknown)
	_, err = h.engine.ImportCatalog(t.Context(), h.by(cara), campaign.Catalog{
		Units: map[string]campaign.Unit{"group:default/eve": {Ref: "group:default/eve", Name: "eve", Members: []string{"user:default/ben"}}},
		Services: map[string]campaign.Service{
			"component:default/archive": {Ref: "component:default/archive", Name: "archive", Owner: "group:default/eve"},
		},
		Members: map[string]campaign.Member{"user:default/ben": {Ref: "user:default/ben", Name: "ben", Email: "ben@example.com"}},
	})
	require.NoError(t, err)
	_, unknown, err = h.engine.UnknownOf(t.Context(), ben, id)
	require.NoError(t, err)
	require.Len(t, unknown, 1, "he has joined Eve's team since")
}

func TestNotOursIsPutBeforeTheCommander(t *testing.T) {
	h := newHouse(t)
	h.estate()
	id := h.ready()
	h.launch(id, campaign.SliceAll)
	request := h.by(ben)
	for range 2 {
		m, err := h.engine.NotOurs(t.Context(), request, id, campaign.TaskSet{Contact: string(ben)}, "<payments> & co")
		require.NoError(t, err)
		require.Contains(t, m.Text, "not yours")
	}
	var told []string
	for _, p := range h.planned(id, commandChannel) {
		if strings.HasPrefix(p.Message.Text, "reassign_triage") {
			told = append(told, p.Message.Text)
		}
	}
	require.Len(t, told, 1)
	require.Contains(t, told[0], "UBEN")
	require.Contains(t, told[0], `["search"]`)
	require.Contains(t, told[0], "payments\\u003e \\u0026 co", "in his words, which the template escapes")
	require.Equal(t, campaign.TaskOpen, h.taskNamed(id, "search").Status, "it stays open, and counted for him")
}

func TestConfirmingAllLeavesWhatIsOthers(t *testing.T) {
	h := newHouse(t)
	h.estate()
	id := h.ready()
	h.launch(id, campaign.SliceAll)
	h.burden(id, 120, 0)
	claim := campaign.Claim{Method: campaign.MethodFlag}
	_, err := h.engine.Claim(t.Context(), h.by(cara), id, campaign.TaskSet{Contact: string(ann)}, claim)
	require.NoError(t, err)
	_, err = h.engine.Claim(t.Context(), h.by(ben), id, campaign.TaskSet{Contact: string(ben)}, claim)
	require.NoError(t, err)

	_, err = h.engine.ConfirmNamed(t.Context(), h.by(ann), id, []string{"search"}, "looked")
	require.Contains(t, refused(t, err, campaign.Forbidden), "another team")
	request := h.by(ann)
	m, err := h.engine.ConfirmNamed(t.Context(), request, id, []string{"all"}, "looked")
	require.NoError(t, err)
	require.Contains(t, m.Text, "1 claim waits for somebody else")
	require.Equal(t, 122, h.inStatus(id, campaign.TaskVerified))
	require.Equal(t, campaign.TaskClaimed, h.taskNamed(id, "search").Status)
	m, err = h.engine.ConfirmNamed(t.Context(), request, id, []string{"all"}, "looked")
	require.NoError(t, err)
	require.Contains(t, m.Text, "Confirmed")
	_, err = h.engine.ConfirmNamed(t.Context(), h.by(ben), id, []string{"all"}, "looked")
	require.Contains(t, refused(t, err, campaign.Forbidden), "1 claim waits for somebody else")
}

func TestAButtonIsAboutWhatItsMessageNames(t *testing.T) {
	h := newHouse(t)
	h.estate()
	id := h.ready()
	h.launch(id, campaign.SliceAll)
	h.settle()
	_, err := h.engine.Claim(t.Context(), h.by(cara), id, campaign.TaskSet{Tasks: []string{h.taskNamed(id, "checkout").ID}}, campaign.Claim{Method: campaign.MethodIsolated})
	require.NoError(t, err)
	c := catalogNow(nil)
	for _, name := range []string{"late-1", "late-2"} {
		c.Services["component:default/"+name] = campaign.Service{Ref: "component:default/" + name, Name: name, Owner: "group:default/ann"}
	}
	h.importsOwners(c)
	h.scan(log4jCore, "late-1", "late-2")
	h.settle()
	more := h.asks(ann, "more_work")
	more = more[len(more)-1:]
	for _, action := range []string{"task.on_it", "task.done", "task.not_ours", "task.blocked"} {
		value := press(t, more[0].Message, action)
		require.ElementsMatch(t, []string{h.taskNamed(id, "late-1").ID, h.taskNamed(id, "late-2").ID}, strings.Split(strings.TrimPrefix(value, id+"|"), ","), action)
	}
	require.Equal(t, id+"|contact/"+string(ann), press(t, more[0].Message, "task.show_all"))

	ids := []string{h.taskNamed(id, "late-1").ID, h.taskNamed(id, "late-2").ID}
	moved := h.taskNamed(id, "late-2") // to Ben since
	moved.Owner, moved.Contact = "group:default/ben", string(ben)
	h.put(id, campaign.KindTask, moved.ID, moved)
	m, err := h.engine.OnIt(t.Context(), h.by(ann), id, campaign.TaskSet{Tasks: ids})
	require.NoError(t, err)
	require.Contains(t, m.Text, "late-1")
	require.NotContains(t, m.Text, "late-2")
	_, err = h.engine.OnIt(t.Context(), h.by(ann), id, campaign.TaskSet{Tasks: ids[1:]})
	refused(t, err, campaign.Forbidden)
}
