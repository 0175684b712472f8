package campaign

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
)

// openHelpChannel plans the campaign's help channel: made once, under a lease of
// our own on its name, since Slack has made two of one name for others.
func (tx *transaction) openHelpChannel(c Campaign) error {
	if c.HelpRef.ID != "" {
		return tx.welcome(c) // the instructions may be others now
	}
	name := helpName(c.ID)
	return tx.effect(Effect{
		ID: opaqueID(c.ID, "channel", name), Kind: EffectChannel, Subject: self, Lane: Interactive, Serial: "channel/" + name,
	}, channelPayload{Name: name})
}

// channelMade keeps the help channel's ID and plans what it wears: topic,
// welcome, pin.
func channelMade(tx *transaction, e Effect) error {
	var ref ChannelRef
	if err := json.Unmarshal(e.Result, &ref); err != nil {
		return fmt.Errorf("decode result of effect %s: %w", e.ID, err)
	}
	c, err := tx.campaign()
	if err != nil || c.HelpRef.ID != "" {
		return err
	}
	c.HelpRef = ref
	if err := save(tx, KindCampaign, self, c); err != nil {
		return err
	}
	return tx.welcome(c)
}

// welcome posts the instructions into the help channel; they are pinned once
// they are there. A new revision posts anew, since an edit would notify nobody.
func (tx *transaction) welcome(c Campaign) error {
	if c.HelpRef.ID == "" {
		return nil
	}
	helpers, err := tx.engine.opts.Roles.Members(tx.ctx, Helper)
	if err != nil {
		return err
	}
	data := HelpWelcomeData{
		LocalTime: LocalTime{Zone: c.Zone, Now: tx.now}, Title: c.Title, Exploited: c.Exploited,
		Helpers: Mentions(helpers[:min(len(helpers), 5)]), Commander: Mention(c.Commander),
	}
	key := "welcome"
	for _, t := range c.Tracks {
		if t.ApprovedRevision == 0 {
			continue
		}
		rev, err := load[Revision](tx, KindRevision, revisionID(t.Name, t.ApprovedRevision))
		if err != nil {
			return err
		}
		data.Tracks = append(data.Tracks, HelpTrack{
			Name: t.Name, Verb: t.Ask(), Due: t.Due, Revision: rev.Number, Minutes: rev.Minutes, Tried: Markup(rev.Tried),
			Text: Markup(tx.engine.opts.Renderer.Mrkdwn(rev.Text)),
		})
		key += fmt.Sprintf("/%s-%d", t.Name, rev.Number)
	}
	for _, v := range c.Void {
		data.Void = append(data.Void, v.Method)
	}
	text, err := tx.engine.opts.Renderer.Render(nil, "help_welcome", data)
	if err != nil {
		return err
	}
	return tx.post(key, Interactive, postPayload{To: c.HelpRef.ID, Message: Message{Text: text}, Remember: "welcome/" + c.HelpRef.ID})
}

// helpTopic is what the help channel's topic says now.
func (g *Engine) helpTopic(c Campaign) (string, error) {
	data := HelpTopicData{
		LocalTime: LocalTime{Zone: c.Zone}, Title: c.Title, Verb: "Finish",
		Paused: c.Status == Paused, Closed: c.Status == Closed || c.Status == Cancelled,
	}
	for _, t := range c.Tracks {
		if t.ApprovedRevision > 0 && !t.Due.IsZero() && (data.Due.IsZero() || t.Due.Before(data.Due)) {
			data.Verb, data.Due = t.Ask(), t.Due
		}
	}
	topic, err := g.opts.Renderer.Render(nil, "help_topic", data)
	return strings.TrimSpace(topic), err
}

// CampaignOfChannel returns the campaign whose help or command channel this is;
// NotFound when it is neither.
func (g *Engine) CampaignOfChannel(ctx context.Context, channel string) (Campaign, error) {
	all, err := g.Campaigns(ctx)
	if err != nil {
		return Campaign{}, err
	}
	for _, c := range all {
		if channel != "" && (c.HelpRef.ID == channel || c.CommandRef.ID == channel) && c.editable() == nil {
			return c, nil
		}
	}
	return Campaign{}, Refuse(NotFound, "No campaign is steered or helped here.")
}
