package bot

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"

	"github.com/musterbot/muster/campaign"
)

// event is what is read of Slack's events.
type event struct {
	Type     string          `json:"type"`
	Subtype  string          `json:"subtype"`
	User     json.RawMessage `json:"user"` // an ID, or the whole person
	BotID    string          `json:"bot_id"`
	Channel  string          `json:"channel"`
	Text     string          `json:"text"`
	TS       string          `json:"ts"`
	ThreadTS string          `json:"thread_ts"`
	Tab      string          `json:"tab"`
	Place    string          `json:"channel_type"`
	Files    []droppedFile   `json:"files"`
}

// droppedFile is a file that came with a message.
type droppedFile struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Private  string `json:"url_private"`
	Download string `json:"url_private_download"`
	Size     int64  `json:"size"`
}

// maxFiles bounds the files of one message that are looked at; Slack takes ten.
const maxFiles = 10

func (d *Dispatcher) event(ctx context.Context, e campaign.Envelope) (outcome, error) {
	var body struct {
		Event event `json:"event"`
	}
	if err := json.Unmarshal(e.Payload, &body); err != nil {
		return outcome{}, fmt.Errorf("decode event: %w", err)
	}
	ev := body.Event
	switch ev.Type {
	case "message":
		return d.message(ctx, e, ev)
	case "app_home_opened":
		return outcome{home: ev.Tab != "messages"}, nil
	case "user_change", "team_join":
		u, err := readPerson(ev.User)
		if err != nil {
			return outcome{}, fmt.Errorf("decode %s: %w", ev.Type, err)
		}
		return outcome{}, d.opts.People.Changed(ctx, u)
	case "member_left_channel":
		me, err := d.opts.BotUser(ctx)
		if err != nil || idOf(ev.User) != me {
			return outcome{}, err
		}
		return d.shutOut(ctx, ev.Channel, "Muster was removed from")
	case "channel_left", "group_left":
		return d.shutOut(ctx, ev.Channel, "Muster was removed from")
	case "channel_archive", "group_archive":
		return d.shutOut(ctx, ev.Channel, "Somebody archived")
	}
	return outcome{}, nil // one that we did not subscribe to
}

// notRead answers who writes to Muster itself: a "done" there must not get lost.
const notRead = "*I cannot read answers here, so nothing was done with this.*\nPress the buttons of my messages, type `/campaign help`, or ask in the help channel of your campaign."

// message takes what a person says in a channel as a question, or as a word in
// the thread of one. What bots say, edits and joins are none.
func (d *Dispatcher) message(ctx context.Context, e campaign.Envelope, ev event) (outcome, error) {
	if ev.BotID != "" || ev.Subtype != "" && ev.Subtype != "file_share" && ev.Subtype != "thread_broadcast" || idOf(ev.User) == "" {
		return outcome{}, nil
	}
	r := campaign.Request{Key: e.Key, Actor: e.Actor, At: e.At}
	for _, f := range ev.Files[:min(len(ev.Files), maxFiles)] {
		err := d.opts.Engine.TakeDrop(ctx, r, campaign.Dropped{
			File: f.ID, Name: f.Name, URL: cmp.Or(f.Download, f.Private), Size: f.Size,
			Channel: ev.Channel, Thread: cmp.Or(ev.ThreadTS, ev.TS), Direct: ev.Place == "im",
		})
		if err != nil {
			return outcome{}, err
		}
	}
	if ev.Place == "im" && len(ev.Files) == 0 {
		return outcome{replies: []campaign.Reply{{To: e.Actor.User(), Message: campaign.Message{Text: notRead}}}}, nil
	}
	if ev.ThreadTS != "" && ev.ThreadTS != ev.TS {
		return outcome{}, d.opts.Engine.FollowThread(ctx, r, ev.Channel, ev.ThreadTS, ev.Text)
	}
	return outcome{}, d.opts.Engine.AskQuestion(ctx, r, campaign.QuestionAsked{Channel: ev.Channel, TS: ev.TS, Text: ev.Text})
}

// shutOut tells those who steer that Muster cannot hear or speak in a channel of
// a campaign any more.
func (d *Dispatcher) shutOut(ctx context.Context, channel, what string) (outcome, error) {
	c, err := d.opts.Engine.CampaignOfChannel(ctx, channel)
	if campaign.KindOf(err) == campaign.NotFound && err != nil {
		return outcome{}, nil // no channel of ours
	}
	if err != nil {
		return outcome{}, err
	}
	to := c.CommandRef.ID
	if to == "" || to == channel {
		to = d.opts.CommandChannel
	}
	if to == "" || to == channel {
		to = c.Commander.User()
	}
	lost := "questions there are not heard"
	if c.CommandRef.ID == channel {
		lost = "what concerns the commander comes here"
	}
	text := fmt.Sprintf("*%s <#%s>, a channel of %s.*\nUntil it is back, %s; everything else goes on and nothing is lost. Type `/invite @Muster` there, or unarchive it.",
		what, channel, campaign.Escape(c.Title), lost)
	return outcome{replies: []campaign.Reply{{To: to, Message: campaign.Message{Text: text}}}}, nil
}
