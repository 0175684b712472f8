package campaign_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

// mrkdwnPreview renders previews as Slack wants them.
type mrkdwnPreview struct{ plainRenderer }

func (r mrkdwnPreview) Render(pinned map[string]string, name string, data any) (string, error) {
	switch name {
	case "void_preview":
		return "*R&amp;D* <!date^1639386000^{time}|09:00>", nil
	case "second_person":
		return "second_person " + string(data.(campaign.SecondPersonData).Effect), nil
	}
	return r.plainRenderer.Render(pinned, name, data)
}

func (h *house) said(to, with string) (found []string) {
	for _, p := range h.slack.said(to) {
		if strings.Contains(p.Message.Text, with) {
			found = append(found, p.Message.Text)
		}
	}
	return found
}

func TestWhoAskedHearsOfTheDecline(t *testing.T) {
	h := newHouse(t, func(o *campaign.Options) { o.Brakes.SecondPersonAbove = 2 })
	h.estate()
	id := h.ready()
	_, err := h.engine.Launch(t.Context(), h.by(cara), id, campaign.SliceAll)
	require.NoError(t, err)
	hold := all[campaign.Hold](h, id, campaign.KindRequest)[0]
	for range 2 { // again after a crash
		m, err := h.engine.Decide(t.Context(), h.by(devi), id, hold.ID, false)
		require.NoError(t, err)
		require.Contains(t, m.Text, "<@UCARA> was told")
	}
	h.settle()
	require.Len(t, h.said(cara.User(), "<@UDEVI> declined what you asked for"), 1)
	require.Empty(t, h.tracker.filed())
}

func TestWhoDeclinesTheirOwnIsNotTold(t *testing.T) {
	h := newHouse(t, func(o *campaign.Options) { o.Brakes.SecondPersonAbove = 2 })
	h.estate()
	id := h.ready()
	_, err := h.engine.Launch(t.Context(), h.by(cara), id, campaign.SliceAll)
	require.NoError(t, err)
	m, err := h.engine.Decide(t.Context(), h.by(cara), id, all[campaign.Hold](h, id, campaign.KindRequest)[0].ID, false)
	require.NoError(t, err)
	require.NotContains(t, m.Text, "was told")
	h.settle()
	require.Empty(t, h.said(cara.User(), "declined"))
}

func TestAPreviewIsEscapedOnce(t *testing.T) {
	h := newHouse(t, func(o *campaign.Options) {
		o.Brakes.SecondPersonAbove, o.Renderer = 1, mrkdwnPreview{}
	})
	id := h.newCampaign(func(c *campaign.Campaign) { c.Title, c.Status, c.StartedAt = "R&D <now>", campaign.Running, monday })
	for _, name := range []string{"ledger", "wiki"} {
		h.put(id, campaign.KindTask, campaign.TaskID(name, "mitigate"), campaign.Task{
			ID: campaign.TaskID(name, "mitigate"), Target: name, Name: name, Track: "mitigate", Status: campaign.TaskClaimed,
			Claim: &campaign.Claim{Method: campaign.MethodFlag, By: ann}, Contact: string(ann),
		})
	}
	_, err := h.engine.Void(t.Context(), h.by(cara), id, "mitigate", campaign.MethodFlag, "it does not protect")
	require.NoError(t, err)
	_, err = h.engine.Cancel(t.Context(), h.by(cara), id)
	require.NoError(t, err)
	h.settle()
	require.Len(t, h.said(commandChannel, "second_person *R&amp;D* <!date^1639386000^{time}|09:00>"), 1, "rendered, so it stands as it is")
	require.Len(t, h.said(commandChannel, "Cancel the campaign R&amp;D &lt;now&gt;"), 1, "plain words")
}
