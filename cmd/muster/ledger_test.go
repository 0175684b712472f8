package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/bot/fakeslack"
	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/tracker/builtin"
	"github.com/musterbot/muster/store/bolt"
)

// killed is the campaign of the kill test.
const killed = "log4j-rce"

// all reads the records of a kind.
func all[T any](ctx context.Context, r campaign.Reader, scope campaign.Scope, kind campaign.RecordKind) (map[string]T, error) {
	out := map[string]T{}
	for stored, err := range campaign.LoadAll[T](ctx, r, scope, kind) {
		if err != nil {
			return nil, err
		}
		out[stored.ID] = stored.Value
	}
	return out, nil
}

// onItsWay names what is not finished: waves, effects, envelopes, and what is not
// sealed. What the end of the first leads to is seen with the later ones.
func onItsWay(ctx context.Context, r campaign.Reader) (left []string, err error) {
	waves, err := all[campaign.Wave](ctx, r, killed, campaign.KindWave)
	for id, w := range waves {
		if w.Status != campaign.WaveFiled || w.Watched {
			left = append(left, fmt.Sprintf("wave %s is %s, and its message says %s", id, w.Status, w.Shown))
		}
	}
	if err != nil {
		return nil, err
	}
	for _, scope := range []campaign.Scope{campaign.Sys, killed} {
		effects, err := all[campaign.Effect](ctx, r, scope, campaign.KindEffect)
		if err != nil {
			return nil, err
		}
		for id, e := range effects {
			if e.Status != campaign.EffectDone && e.Status != campaign.EffectDead {
				left = append(left, fmt.Sprintf("%s effect %s about %q is %s after %d attempts (it waits for tickets: %t): %s", e.Kind, id, e.Subject, e.Status, e.Attempts, e.Waits, e.LastError))
			}
		}
	}
	pending, err := unheard(ctx, r)
	if left = append(left, pending...); err != nil || len(left) > 0 {
		return left, err
	}
	verdict, err := campaign.VerifyAudit(ctx, r, killed)
	if verdict.Unsealed > 0 {
		left = append(left, verdict.String())
	}
	return left, err
}

// unheard lists what was typed or pressed and is not carried out yet.
func unheard(ctx context.Context, r campaign.Reader) (left []string, err error) {
	inbox, err := all[campaign.Envelope](ctx, r, campaign.Sys, campaign.KindInbox)
	for key, e := range inbox {
		if e.Status == campaign.InboxPending {
			left = append(left, fmt.Sprintf("%s %s is pending", e.Kind, key))
		}
	}
	return left, err
}

// ledger is what there is to compare, read from the file of the store after the
// program has ended, and from the workspace.
type ledger struct {
	t               *testing.T
	ws              *fakeslack.Workspace
	services, teams int

	effects, answers map[string]campaign.Effect
	inbox            map[string]campaign.Envelope
	contacts         map[string]campaign.Contact
	tickets          map[string]campaign.Ticket
	waves            map[string]campaign.Wave
	plan             map[string]campaign.PlanTicket
	asked            map[campaign.Person]int // planned messages
	audit            []campaign.AuditRecord
	filed            []filedTicket
	posted           map[string][]fakeslack.Message // by key

	lost lostTime // what was acknowledged then may be missing

	// What was counted on the way.
	firsts, acked, carriedOut, lostCommands, lostPosts int
}

// lostTime is what a store forgot; zero when it forgot nothing.
type lostTime struct{ from, to time.Time }

func (l lostTime) has(at time.Time) bool { return !at.Before(l.from) && !at.After(l.to) }

// planPart is a stored piece of the frozen plan.
type planPart struct {
	Tickets  []campaign.PlanTicket  `json:"tickets"`
	Contacts []campaign.PlanContact `json:"contacts"`
}

// filedTicket is a ticket as a tracker holds it.
type filedTicket struct{ key, name, title string }

// builtinTickets reads the tracker that stands in the store.
func builtinTickets(ctx context.Context, store campaign.Store) ([]filedTicket, error) {
	tracker, err := builtin.New(builtin.Options{Store: store})
	if err != nil {
		return nil, err
	}
	var found []filedTicket
	for ticket, err := range tracker.All(ctx) {
		if err != nil {
			return nil, err
		}
		found = append(found, filedTicket{ticket.Key, ticket.Name(), ticket.Title})
	}
	return found, nil
}

// audits opens the store's file and compares all that was planned, done and seen.
func (c *city) audits() {
	t := c.t
	t.Helper()
	store, err := bolt.Open(c.db, bolt.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, store.Close()) }()
	filed, err := builtinTickets(c.ctx, store)
	require.NoError(t, err)
	c.auditsStore(store, filed, lostTime{})
}

// auditsStore is audits for an open store, of which something may be lost, and
// for what a tracker holds.
func (c *city) auditsStore(store campaign.Store, filed []filedTicket, lost lostTime) *ledger {
	t := c.t
	t.Helper()
	left, err := onItsWay(c.ctx, store)
	require.NoError(t, err)
	require.Empty(t, left)
	for _, scope := range []campaign.Scope{campaign.Sys, killed} {
		open, err := store.Index(c.ctx, scope, "effect_open", "", campaign.IndexHit{}, 0)
		require.NoError(t, err)
		require.Empty(t, open, "open effects of %s", scope)
		verdict, err := campaign.VerifyAudit(c.ctx, store, scope)
		require.NoError(t, err)
		require.True(t, verdict.OK(), "%s: %+v", scope, verdict)
		require.Zero(t, verdict.Unsealed, scope)
	}
	differences, err := campaign.Recount(c.ctx, store, killed)
	require.NoError(t, err)
	require.Empty(t, differences)

	l := c.opensLedger(store)
	l.filed, l.lost = filed, lost
	l.ticketsOnce()
	l.messagesOnce()
	l.commandsOnce()
	l.answersGiven()
	t.Logf("%d tickets, %d messages with a key, %d envelopes, %d audit records", len(l.filed), len(l.posted), len(l.inbox), len(l.audit))
	return l
}

func (c *city) opensLedger(store campaign.Store) *ledger {
	t := c.t
	t.Helper()
	l := &ledger{t: t, ws: c.ws, services: c.services, teams: c.teams, plan: map[string]campaign.PlanTicket{}, asked: map[campaign.Person]int{}, posted: map[string][]fakeslack.Message{}}
	read := func(err error) { t.Helper(); require.NoError(t, err) }
	var err error
	l.effects, err = all[campaign.Effect](c.ctx, store, killed, campaign.KindEffect)
	read(err)
	l.answers, err = all[campaign.Effect](c.ctx, store, campaign.Sys, campaign.KindEffect)
	read(err)
	l.inbox, err = all[campaign.Envelope](c.ctx, store, campaign.Sys, campaign.KindInbox)
	read(err)
	l.contacts, err = all[campaign.Contact](c.ctx, store, killed, campaign.KindContact)
	read(err)
	l.tickets, err = all[campaign.Ticket](c.ctx, store, killed, campaign.KindTicket)
	read(err)
	l.waves, err = all[campaign.Wave](c.ctx, store, killed, campaign.KindWave)
	read(err)
	parts, err := all[planPart](c.ctx, store, killed, campaign.KindPlanPart)
	read(err)
	for _, part := range parts {
		for _, ticket := range part.Tickets {
			l.plan[ticket.ID] = ticket
		}
		for _, contact := range part.Contacts {
			l.asked[contact.Person]++
		}
	}
	for after := uint64(0); ; {
		page, err := store.Audit(c.ctx, killed, after, 0)
		read(err)
		if len(page) == 0 {
			break
		}
		l.audit, after = append(l.audit, page...), page[len(page)-1].Seq
	}
	for _, channel := range c.ws.Channels() {
		for _, m := range c.ws.Messages(channel.ID) {
			if key := keyOf(m); key != "" {
				l.posted[key] = append(l.posted[key], m)
			}
		}
	}
	return l
}

// keyOf reads the key that a message carries for us.
func keyOf(m fakeslack.Message) string {
	var data struct {
		Payload struct {
			Key  string `json:"key"`
			Part string `json:"part"`
		} `json:"event_payload"`
	}
	if len(m.Metadata) == 0 || json.Unmarshal(m.Metadata, &data) != nil {
		return ""
	}
	if data.Payload.Part != "" {
		return data.Payload.Key + "/" + data.Payload.Part
	}
	return data.Payload.Key
}

// postedAt is when a message was posted.
func postedAt(t *testing.T, m fakeslack.Message) time.Time {
	t.Helper()
	seconds, err := strconv.ParseFloat(m.TS, 64)
	require.NoError(t, err)
	return time.UnixMicro(int64(seconds * 1e6))
}

// ackedAt is when a delivery was acknowledged at last.
func ackedAt(d fakeslack.Delivery) time.Time {
	var at time.Time
	for _, a := range d.Attempts {
		if a.Acked.After(at) {
			at = a.Acked
		}
	}
	return at
}

// ticketsOnce compares the plan's tickets with the campaign's and the tracker's.
func (l *ledger) ticketsOnce() {
	t := l.t
	require.Len(t, l.plan, l.services)
	filed := map[string][]filedTicket{}
	for _, ticket := range l.filed {
		filed[ticket.key] = append(filed[ticket.key], ticket)
	}
	require.Equal(t, slices.Sorted(maps.Keys(l.plan)), slices.Sorted(maps.Keys(filed)), "planned and filed")
	require.Equal(t, slices.Sorted(maps.Keys(l.plan)), slices.Sorted(maps.Keys(l.tickets)), "planned and known")
	for key, same := range filed {
		require.Len(t, same, 1, "tickets of %s", key)
		require.Equal(t, l.tickets[key].Ref.ID, same[0].name)
		require.Equal(t, l.plan[key].Title, same[0].title)
	}
}

// messagesOnce compares what was planned to be said with what people can read.
func (l *ledger) messagesOnce() {
	t := l.t
	firsts := map[string]int{}
	for id, e := range l.effects {
		require.Equal(t, campaign.EffectDone, e.Status, "%s effect %s about %s: %s", e.Kind, id, e.Subject, e.LastError)
		switch e.Kind {
		case campaign.EffectFirstMessage:
			firsts[strings.TrimPrefix(e.Subject, "contact/")]++
		case campaign.EffectMessage:
		default:
			require.Empty(t, l.posted[id])
			continue
		}
		require.Equal(t, 1, len(l.posted[id]), "messages of %s effect %s about %s", e.Kind, id, e.Subject)
	}
	for key, same := range l.posted {
		id, _, _ := strings.Cut(key, "/")
		_, planned := l.effects[id]
		_, answer := l.answers[id]
		if l.lost.has(postedAt(t, same[0])) {
			l.lostPosts++
		} else {
			require.True(t, planned || answer, "%s was never planned: %s", key, same[0].Text)
		}
		require.Equal(t, 1, len(same), "messages of %s: %s", key, same[0].Text)
	}
	require.Len(t, l.waves, 2)
	for id, w := range l.waves {
		m, found := l.ws.Message(w.Progress.Channel, w.Progress.TS)
		require.True(t, found, id)
		require.Contains(t, m.Text, "is out", "the newest word on wave %s", id)
	}
	require.Len(t, firsts, l.teams)
	l.firsts = len(firsts)
	for person := range l.asked {
		require.Equal(t, 1, firsts[string(person)], "first messages to %s", person)
		contact := l.contacts[string(person)]
		require.NotContains(t, contact.Text, "more of your services", "the first message is about the exposed ones")
		m := l.posted[contact.First][0]
		require.Equal(t, campaign.MessageRef{Channel: m.Channel, TS: m.TS}, contact.Message)
		require.Equal(t, l.asked[person]-1, contact.Asked, "further messages to %s", person)
	}
}

// told is what the workspace delivered, and what the audit log must say of it.
type told struct {
	fakeslack.Delivery
	what, url string
	by        string
	action    string // of the one record that it leads to; "" where it depends
}

// deliveries reads what was typed and pressed.
func (l *ledger) deliveries() []told {
	var out []told
	for _, d := range l.ws.Deliveries("", "") {
		var payload struct {
			Text   string `json:"text"`
			URL    string `json:"response_url"`
			UserID string `json:"user_id"` // of a command
			User   struct {
				ID string `json:"id"`
			} `json:"user"` // of a press
			Actions []struct {
				ID string `json:"action_id"`
			} `json:"actions"`
		}
		require.NoError(l.t, json.Unmarshal(d.Payload, &payload))
		item := told{Delivery: d, what: payload.Text, url: payload.URL, by: payload.UserID + payload.User.ID}
		switch {
		case len(payload.Actions) > 0:
			item.what = payload.Actions[0].ID
		case d.Kind != "slash_commands":
			continue
		}
		word, _, _ := strings.Cut(item.what, " ")
		item.action = map[string]string{
			"floor": "campaign.floor", "edit": "campaign.edit", "pause": "campaign.pause", "resume": "campaign.resume", "ask": "ask.send",
		}[word]
		out = append(out, item)
	}
	return out
}

// triggerOf returns the trigger that a request came with: the fake gives each its own.
func triggerOf(request string) string {
	trigger, _, _ := strings.Cut(request, "/")
	return trigger
}

// received are the envelopes of what was typed and pressed, by their trigger.
func (l *ledger) received() map[string]campaign.Envelope {
	found := map[string]campaign.Envelope{}
	for key, e := range l.inbox {
		found[triggerOf(key)] = e
	}
	return found
}

// commandsOnce compares what people were told to be taken with what the audit
// log says was done.
func (l *ledger) commandsOnce() {
	t := l.t
	received, byRequest := l.received(), map[string][]campaign.AuditRecord{}
	once := map[string]bool{}
	for _, r := range l.audit {
		if r.Request == "" {
			continue
		}
		byRequest[triggerOf(r.Request)] = append(byRequest[triggerOf(r.Request)], r)
		same := r.Request + " " + r.Action + " " + r.Subject
		require.False(t, once[same], "done twice: %s", same)
		once[same] = true
	}
	attested, accepted := map[string]bool{}, map[string]bool{}
	carriedOut := map[string]int{}
	for _, d := range l.deliveries() {
		e, kept := received[d.Key]
		if d.Acked {
			l.acked++
		}
		if d.Acked && !kept {
			require.True(t, l.lost.has(ackedAt(d.Delivery)), "acknowledged and lost: %s", d.what)
			l.lostCommands++
		}
		if !kept {
			require.Empty(t, byRequest[d.Key], d.what)
			continue
		}
		require.Equal(t, campaign.InboxDone, e.Status, "%s: %s", d.what, e.Problem)
		l.carriedOut++
		records := byRequest[d.Key]
		if d.action != "" {
			require.Len(t, records, 1, "%s by %s", d.what, d.Key)
			require.Equal(t, d.action, records[0].Action)
			carriedOut[d.action]++
		}
		if name, ok := strings.CutPrefix(d.what, "attest "); ok {
			name, _, _ = strings.Cut(name, " ")
			if !attested[name] {
				require.Len(t, records, 1, "the first %s", d.what)
				carriedOut["attest"]++
			} else {
				require.Empty(t, records, "%s was attested before", name)
			}
			attested[name] = true
		}
		if d.what == "task.on_it" {
			if !accepted[d.by] {
				require.NotEmpty(t, records, "the first press by %s", d.by)
				carriedOut["on it"]++
			}
			accepted[d.by] = true
		}
	}
	require.NotZero(t, carriedOut["on it"])
	require.NotZero(t, carriedOut["attest"])
	actions := map[string]int{}
	for _, r := range l.audit {
		actions[r.Action]++
	}
	require.Equal(t, 1, actions["campaign.launch"])
	require.Equal(t, 1, actions["hold.decide"])
	require.Equal(t, len(l.waves), actions["wave.launch"])
	require.Equal(t, len(l.waves), actions["wave.filed"])
	t.Logf("carried out once each: %v", carriedOut)
}

// answersGiven finds the answer to everything that was typed and pressed.
func (l *ledger) answersGiven() {
	t := l.t
	byURL := map[string][]campaign.Effect{}
	for id, e := range l.answers {
		require.Equal(t, campaign.EffectDone, e.Status, "answer %s: %s", id, e.LastError)
		var p struct {
			URL string `json:"url"`
		}
		require.NoError(t, json.Unmarshal(e.Payload, &p))
		byURL[p.URL] = append(byURL[p.URL], e)
	}
	received := l.received()
	for _, d := range l.deliveries() {
		if _, kept := received[d.Key]; kept && !strings.HasPrefix(d.what, "dryrun.") {
			require.Len(t, byURL[d.url], 1, "answers to %s", d.what)
		}
	}
}
