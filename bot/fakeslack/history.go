package fakeslack

import (
	"cmp"
	"slices"
)

// readable finds a channel whose messages the bot may read.
func (r *request) readable() (*channel, error) {
	c, err := r.w.visible(r.str("channel"))
	if err != nil {
		return nil, err
	}
	if err := r.needsFor(c.kind, "history"); err != nil {
		return nil, err
	}
	if !c.has(r.w.bot.ID) {
		return nil, fail("not_in_channel")
	}
	return c, nil
}

// within cuts messages, oldest first, to the asked span of time.
func (r *request) within(messages []*Message) ([]*Message, error) {
	edge := func(name string, otherwise int64) (int64, error) {
		s := r.str(name)
		if s == "" || s == "0" {
			return otherwise, nil
		}
		at, ok := parseTS(s)
		if !ok {
			return 0, fail("invalid_ts_" + name)
		}
		return at, nil
	}
	oldest, err := edge("oldest", -1)
	if err != nil {
		return nil, err
	}
	latest, err := edge("latest", 1<<62)
	if err != nil {
		return nil, err
	}
	if r.flag("inclusive") {
		oldest--
		latest++
	}
	place := func(edge int64) int {
		at, _ := slices.BinarySearchFunc(messages, edge, func(m *Message, edge int64) int {
			ts, _ := parseTS(m.TS)
			return cmp.Compare(ts, edge)
		})
		return at
	}
	from, to := place(oldest+1), place(latest)
	if from >= to {
		return nil, nil
	}
	return messages[from:to], nil
}

func channelHistory(r *request) (fields, error) {
	c, err := r.readable()
	if err != nil {
		return nil, err
	}
	span, err := r.within(c.messages)
	if err != nil {
		return nil, err
	}
	found := make([]*Message, 0, len(span))
	for _, m := range slices.Backward(span) { // the newest first
		if m.ThreadTS == "" || m.ThreadTS == m.TS || m.Broadcast {
			found = append(found, m)
		}
	}
	// Pages are cut by time, so that a post in between shifts none of them.
	if at := r.str("cursor"); at != "" {
		before, err := decodeCursor(at)
		if err != nil {
			return nil, fail("invalid_cursor")
		}
		skip := slices.IndexFunc(found, func(m *Message) bool {
			ts, _ := parseTS(m.TS)
			return ts < int64(before)
		})
		if skip < 0 {
			skip = len(found)
		}
		found = found[skip:]
	}
	limit := r.number("limit", 100)
	if limit <= 0 || limit > 999 {
		limit = 100
	}
	cursor := ""
	if len(found) > limit {
		found = found[:limit]
		last, _ := parseTS(found[limit-1].TS)
		cursor = encodeCursor(int(last))
	}
	return r.messages(c, found, cursor), nil
}

func threadReplies(r *request) (fields, error) {
	c, err := r.readable()
	if err != nil {
		return nil, err
	}
	root := c.message(r.str("ts"))
	if root == nil {
		return nil, fail("thread_not_found")
	}
	if root.ThreadTS != "" && root.ThreadTS != root.TS { // any message of the thread names it
		if root = c.message(root.ThreadTS); root == nil {
			return nil, fail("thread_not_found")
		}
	}
	replies := make([]*Message, 0, len(c.threads[root.TS]))
	for _, ts := range c.threads[root.TS] {
		replies = append(replies, c.message(ts))
	}
	replies, err = r.within(replies)
	if err != nil {
		return nil, err
	}
	found := append([]*Message{root}, replies...) // the root comes first on every span
	from, to, cursor, err := r.page(len(found), 1000, 1000)
	if err != nil {
		return nil, err
	}
	return r.messages(c, found[from:to], cursor), nil
}

func (r *request) messages(c *channel, found []*Message, cursor string) fields {
	out := make([]fields, 0, len(found))
	for _, m := range found {
		out = append(out, m.wire(r.w, r.flag("include_all_metadata")))
	}
	answer := fields{"messages": out, "has_more": cursor != "", "pin_count": len(c.pins)}
	if cursor != "" {
		answer["response_metadata"] = nextCursor(cursor)
	}
	return answer
}
