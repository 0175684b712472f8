package campaign_test

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/advisory"
	"github.com/musterbot/muster/store/bolt"
)

// The people of the house. Mei and Tom review, Hal and Ida help, Cara and
// Devi command; Ann, Ben and Eve are on teams that own services.
const (
	cara = campaign.Person("T1/UCARA")
	devi = campaign.Person("T1/UDEVI")
	mei  = campaign.Person("T1/UMEI")
	tom  = campaign.Person("T1/UTOM")
	hal  = campaign.Person("T1/UHAL")
	ida  = campaign.Person("T1/UIDA")
	ann  = campaign.Person("T1/UANN")
	ben  = campaign.Person("T1/UBEN")
	eve  = campaign.Person("T1/UEVE")
)

// The channels of a campaign that newCampaign made.
const (
	commandChannel = "CCOMMAND"
	helpChannel    = "CHELP"
)

// monday is when every test starts: a Monday at nine, UTC.
var monday = time.Date(2021, 12, 13, 9, 0, 0, 0, time.UTC)

// house is an engine over a real store, with an outside that behaves.
type house struct {
	t         testing.TB
	opts      campaign.Options
	path      string // of the store's file
	store     campaign.Store
	clock     *testClock
	slack     *fakeSlack
	tracker   *fakeTracker
	directory fakeDirectory
	roles     *fakeRoles
	engine    *campaign.Engine

	mu      sync.Mutex
	request int
}

// newHouse builds a house; adjust may change the options before the engine is
// made.
func newHouse(t testing.TB, adjust ...func(*campaign.Options)) *house {
	t.Helper()
	path := filepath.Join(t.TempDir(), "muster.db")
	store, err := bolt.Open(path, bolt.Options{})
	require.NoError(t, err)
	clock := newTestClock(monday)
	h := &house{
		t: t, path: path, store: store, clock: clock, slack: newFakeSlack(clock), tracker: newFakeTracker(),
		directory: fakeDirectory{
			cara: "Cara", devi: "Devi", mei: "Mei", tom: "Tom", hal: "Hal", ida: "Ida", ann: "Ann", ben: "Ben", eve: "Eve",
		},
		roles: &fakeRoles{members: map[campaign.Role][]campaign.Person{
			campaign.Commander: {cara, devi}, campaign.Reviewer: {mei, tom, cara}, campaign.Helper: {hal, ida},
		}},
	}
	t.Cleanup(func() { require.NoError(t, h.store.Close()) })
	h.tracker.clock = clock
	h.opts = campaign.Options{
		Store: store, Matcher: advisory.Matcher{}, Renderer: plainRenderer{}, Messenger: h.slack, Channels: h.slack,
		Directory: h.directory, Roles: h.roles, Tracker: h.tracker, Clock: clock, Company: "Example",
		CommandChannel: campaign.ChannelRef{ID: commandChannel, Name: "security"},
	}
	for _, a := range adjust {
		a(&h.opts)
	}
	h.engine, err = campaign.New(h.opts)
	require.NoError(t, err)
	return h
}

// by returns a request of its own by a person.
func (h *house) by(p campaign.Person) campaign.Request {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.request++
	return campaign.Request{Key: fmt.Sprintf("trigger-%d", h.request), Actor: p}
}

// newCampaign stores a draft that Cara commands, with a track "mitigate" that
// has no instructions yet; adjust may change it first.
func (h *house) newCampaign(adjust ...func(*campaign.Campaign)) string {
	h.t.Helper()
	c := campaign.Campaign{
		ID: "log4j-rce", Title: "log4j RCE", Status: campaign.Draft, CreatedBy: cara, CreatedAt: h.clock.Now(),
		Commander: cara, Zone: "UTC", Grouping: campaign.ByService,
		CommandRef: campaign.ChannelRef{ID: commandChannel}, HelpRef: campaign.ChannelRef{ID: helpChannel},
		Tracks: []campaign.Track{{
			Name: "mitigate", Kind: campaign.TrackMitigate, Proof: campaign.ProofSecondPerson, Due: h.clock.Now().Add(9 * time.Hour),
			Methods: []string{campaign.MethodClassRemoved, campaign.MethodFlag, campaign.MethodIsolated},
		}},
	}
	for _, a := range adjust {
		a(&c)
	}
	h.put(c.ID, campaign.KindCampaign, "self", c)
	return c.ID
}

// put stores a record as it is, over whatever is there.
func (h *house) put(scope string, kind campaign.RecordKind, id string, value any) {
	h.t.Helper()
	ctx := context.Background()
	var version uint64
	if old, err := h.store.Get(ctx, campaign.Scope(scope), kind, id); err == nil {
		version = old.Version
	}
	record, err := campaign.Put(kind, id, version, value)
	require.NoError(h.t, err)
	require.NoError(h.t, h.store.Apply(ctx, campaign.Change{Scope: campaign.Scope(scope), Records: []campaign.Record{record}}))
}

// campaign returns a campaign as it is stored.
func (h *house) campaign(id string) campaign.Campaign {
	h.t.Helper()
	return stored[campaign.Campaign](h, id, campaign.KindCampaign, "self")
}

// task returns a task as it is stored.
func (h *house) task(id, task string) campaign.Task {
	h.t.Helper()
	return stored[campaign.Task](h, id, campaign.KindTask, task)
}

// stored returns one record.
func stored[T any](h *house, scope string, kind campaign.RecordKind, id string) T {
	h.t.Helper()
	value, _, err := campaign.Load[T](context.Background(), h.store, campaign.Scope(scope), kind, id)
	require.NoError(h.t, err)
	return value
}

// all returns the records of a kind in a scope, in the order of their IDs.
func all[T any](h *house, scope string, kind campaign.RecordKind) []T {
	h.t.Helper()
	var values []T
	for stored, err := range campaign.LoadAll[T](context.Background(), h.store, campaign.Scope(scope), kind) {
		require.NoError(h.t, err)
		values = append(values, stored.Value)
	}
	return values
}

// audited returns the actions of a scope's log, in order.
func (h *house) audited(id string) []string {
	h.t.Helper()
	records, err := h.store.Audit(context.Background(), campaign.Scope(id), 0, 0)
	require.NoError(h.t, err)
	var actions []string
	for _, r := range records {
		actions = append(actions, r.Action)
	}
	return actions
}

// planned is a message that is stored as an effect, sent or not.
type planned struct {
	Key      string
	To       string           `json:"to"`
	Thread   string           `json:"thread"`
	Message  campaign.Message `json:"message"`
	Remember string           `json:"remember"`
}

// planned returns the messages that a campaign planned for a channel or a user,
// in the order of their keys.
func (h *house) planned(id, to string) []planned {
	h.t.Helper()
	var found []planned
	for _, e := range all[campaign.Effect](h, id, campaign.KindEffect) {
		if e.Kind != campaign.EffectMessage {
			continue
		}
		p := planned{Key: e.Subject}
		require.NoError(h.t, json.Unmarshal(e.Payload, &p))
		if p.To == to {
			found = append(found, p)
		}
	}
	return found
}

// press returns the value of a message's button, or fails when it has none.
func press(t testing.TB, m campaign.Message, action string) string {
	t.Helper()
	for _, b := range m.Buttons {
		if b.Action == action {
			return b.Value
		}
	}
	require.Fail(t, "no such button", "%s in %+v", action, m.Buttons)
	return ""
}

// refused asserts that an error has this kind and words for people.
func refused(t *testing.T, err error, kind campaign.Kind) string {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, kind.String(), campaign.KindOf(err).String(), "%v", err)
	words := campaign.PublicMessage(err)
	require.NotEqual(t, "Something went wrong on our side.", words)
	return words
}

// plainRenderer shows a template's name and its data.
type plainRenderer struct{}

func (plainRenderer) Texts() map[string]string { return map[string]string{"ticket": "as of today"} }

func (plainRenderer) Render(_ map[string]string, name string, data any) (string, error) {
	encoded, err := json.Marshal(data)
	if err != nil {
		return "", fmt.Errorf("encode data of %s: %w", name, err)
	}
	return name + " " + string(encoded), nil
}

func (plainRenderer) Mrkdwn(markdown string) string { return markdown }

func (plainRenderer) Steps(markdown string) []campaign.Step {
	var steps []campaign.Step
	for line := range strings.Lines(markdown) {
		number, text, ok := strings.Cut(strings.TrimSpace(line), ". ")
		if ok && number == fmt.Sprint(len(steps)+1) {
			steps = append(steps, campaign.Step{Number: len(steps) + 1, Text: text})
		}
	}
	return steps
}
