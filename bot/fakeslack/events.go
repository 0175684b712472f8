package fakeslack

import (
	"encoding/json"
	"slices"
)

// event tells the app what happened, when it has subscribed. The lock is held;
// the first attempt is queued before event returns, so events keep their order.
func (w *Workspace) event(name string, inner fields) {
	if w.opts.Events != nil && !slices.Contains(w.opts.Events, name) {
		return
	}
	if w.waiting >= w.opts.MaxDeliveries {
		return // Slack drops events too when an app is far behind
	}
	id := w.id("Ev")
	payload, err := json.Marshal(fields{
		"token": "fake-verification", "team_id": w.team, "context_team_id": w.team, "api_app_id": w.appID,
		"event": inner, "type": "event_callback", "event_id": id, "event_time": w.opts.Now().Unix(),
		"is_ext_shared_channel": false, "event_context": "1-" + text(inner, "type") + "-" + w.team,
		"authorizations": []fields{{
			"enterprise_id": nil, "team_id": w.team, "user_id": w.bot.ID, "is_bot": true,
			"is_enterprise_install": false,
		}},
	})
	if err != nil {
		return // made of our own plain values
	}
	p := &parcel{kind: eventsAPI, typ: text(inner, "type"), payload: payload, text: text(inner, "text")}
	w.record(p, id)
	first := w.begin(p, 0, "")
	w.waiting++
	w.run(func() {
		defer func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.waiting--
		}()
		w.pursue(p, first)
	})
}

func messageEventName(c *channel) string {
	return "message." + map[channelKind]string{
		public: "channels", private: "groups", direct: "im", group: "mpim",
	}[c.kind]
}

// messageEvent tells the app of a new message where it is a member, its own
// included, and of a mention beside it.
func (w *Workspace) messageEvent(c *channel, m *Message) {
	if !c.has(w.bot.ID) {
		return
	}
	inner := m.wire(w, true)
	inner["channel"], inner["channel_type"], inner["event_ts"] = c.id, string(c.kind), m.TS
	if m.BotID == "" {
		inner["client_msg_id"] = uuid()
	}
	w.event(messageEventName(c), inner)
	if m.BotID != "" || c.kind == direct {
		return
	}
	for _, found := range live.FindAllStringSubmatch(m.Text, -1) {
		if found[1] == "@"+w.bot.ID {
			mention := fields{
				"type": "app_mention", "user": m.User, "text": m.Text, "ts": m.TS, "channel": c.id,
				"event_ts": m.TS, "team": w.team,
			}
			if m.ThreadTS != "" {
				mention["thread_ts"] = m.ThreadTS
			}
			w.event("app_mention", mention)
			return
		}
	}
}
