package action

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/musterbot/muster/bot/command"
	"github.com/musterbot/muster/campaign"
)

// needs returns a check that these inputs are not empty.
func needs(names ...string) func(Filled) map[string]string {
	return func(f Filled) map[string]string {
		wrong := map[string]string{}
		for _, name := range names {
			if f.text(name) == "" {
				wrong[name] = "Please fill this in."
			}
		}
		return wrong
	}
}

func checkNew(f Filled) map[string]string {
	wrong := needs("title")(f)
	if _, given := wrong["title"]; given && f.text("advisory") != "" {
		delete(wrong, "title") // the record has one
	}
	checkZone(f, wrong)
	checkRecord(f, wrong)
	return wrong
}

func checkEdit(f Filled) map[string]string {
	wrong := needs("title", "zone")(f)
	checkZone(f, wrong)
	return wrong
}

func checkAttach(f Filled) map[string]string {
	wrong := needs("advisory")(f)
	checkRecord(f, wrong)
	return wrong
}

func checkZone(f Filled, wrong map[string]string) {
	if zone := f.text("zone"); zone != "" {
		if _, err := time.LoadLocation(zone); err != nil {
			wrong["zone"] = "I do not know this time zone. Use a name such as Europe/Dublin."
		}
	}
}

// checkRecord wants a whole JSON object: what a text input cut off is none. An
// ID is looked up later.
func checkRecord(f Filled, wrong map[string]string) {
	record := f.text("advisory")
	if strings.HasPrefix(record, "{") && !json.Valid([]byte(record)) {
		wrong["advisory"] = "This is not a whole JSON record. A form takes 3,000 characters: import a longer one with `muster`, or name its ID."
	}
}

func (h handlers) checkTrack(f Filled) map[string]string {
	wrong := needs("name", "kind", "proof")(f)
	if in, given := f.payload.field("due"); given && in.At != 0 && in.time().Before(h.Clock.Now()) {
		wrong["due"] = "This time has passed."
	}
	return wrong
}

// record returns the advisory of a form; nil when there is none.
func (h handlers) record(ctx context.Context, f Filled) ([]byte, error) {
	text := f.text("advisory")
	if text == "" || strings.HasPrefix(text, "{") {
		if text == "" {
			return nil, nil
		}
		return []byte(text), nil
	}
	return command.Lookup(ctx, h.Lookup, text)
}

func (h handlers) newCampaign(ctx context.Context, f Filled) (campaign.Message, error) {
	raw, err := h.record(ctx, f)
	if err != nil {
		return campaign.Message{}, err
	}
	exploited, _ := f.payload.field("exploited")
	return h.Engine.New(ctx, f.Request, campaign.NewCampaign{
		Title: f.text("title"), Pattern: f.text("pattern"), Advisory: raw, Grouping: campaign.Grouping(f.text("grouping")),
		Zone: f.text("zone"), Exploited: exploited.ticked(), Channel: campaign.ChannelRef{ID: f.Origin.Channel},
	})
}

func (h handlers) editCampaign(ctx context.Context, f Filled) (campaign.Message, error) {
	var e campaign.CampaignEdit
	for name, into := range map[string]**string{"title": &e.Title, "zone": &e.Zone, "waiver": &e.Waiver} {
		if in, given := f.payload.field(name); given {
			*into = new(in.text())
		}
	}
	if in, given := f.payload.field("exploited"); given {
		e.Exploited = new(in.ticked())
	}
	if g := campaign.Grouping(f.text("grouping")); g != "" {
		e.Grouping = &g
	}
	if user := f.text("deputy"); user != "" {
		team, _, _ := strings.Cut(string(f.Request.Actor), "/")
		e.Deputy = new(campaign.NewPerson(team, user))
	}
	return h.Engine.Edit(ctx, f.Request, f.Origin.Campaign, e)
}

func (h handlers) setTrack(ctx context.Context, f Filled) (campaign.Message, error) {
	due, _ := f.payload.field("due")
	return h.Engine.SetTrack(ctx, f.Request, f.Origin.Campaign, campaign.TrackEdit{
		Name: f.text("name"), Kind: campaign.TrackKind(f.text("kind")), Due: due.time(), Proof: campaign.Proof(f.text("proof")),
		Methods: command.List(f.text("methods")), Instructions: f.text("instructions"),
	})
}

func (h handlers) attach(ctx context.Context, f Filled) (campaign.Message, error) {
	raw, err := h.record(ctx, f)
	if err != nil {
		return campaign.Message{}, err
	}
	return h.Engine.Attach(ctx, f.Request, f.Origin.Campaign, raw)
}
