package view_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/bot/fakeslack"
	"github.com/musterbot/muster/bot/view"
	"github.com/musterbot/muster/campaign"
)

var now = time.Date(2021, 12, 14, 6, 30, 0, 0, time.UTC)

func running() campaign.Campaign {
	return campaign.Campaign{
		ID: "log4shell", Title: "Log4Shell <!channel>", Status: campaign.Running, Commander: "T1/U0MEI", Deputy: "T1/U0TOM", Zone: "Europe/Dublin", Waiver: "CHG0012345",
		Exploited: true, Grouping: campaign.ByTeam, HelpRef: campaign.ChannelRef{ID: "C0HELP", Name: "help-log4shell"},
	}
}

func TestFormsAsSlackGetsThem(t *testing.T) {
	mitigate := campaign.Track{Name: "mitigate", Kind: campaign.TrackMitigate, Due: now, Proof: campaign.ProofSecondPerson, Methods: []string{campaign.MethodClassRemoved, campaign.MethodIsolated}}
	private := `{"campaign":"log4shell"}`
	var asked []view.TaskChoice
	for i, name := range []string{"ledger", "<!channel>", "checkout", "search", "wiki", "archive", "catalog"} {
		asked = append(asked, view.TaskChoice{ID: fmt.Sprint("t", i, ".fix"), Name: name})
	}
	modals := map[string]slack.ModalViewRequest{
		"modal_new":          view.NewCampaignModal(view.NewCampaignForm{Title: "Log4Shell", Pattern: "log4j", Zone: "UTC", Private: private}),
		"modal_edit":         view.EditModal(running(), private),
		"modal_track":        view.TrackModal(running(), mitigate, "Remove the class.\n\n1. Stop\n", private),
		"modal_track_new":    view.TrackModal(running(), campaign.Track{}, "", private),
		"modal_track_long":   view.TrackModal(running(), mitigate, strings.Repeat("x", 3001), private),
		"modal_attach":       view.AttachModal(private),
		"modal_pick":         view.PickCampaignModal([]campaign.Campaign{running()}, private),
		"modal_pick_none":    view.PickCampaignModal(nil, private),
		"modal_done":         view.DoneModal(mitigate.Methods, asked[:7], private),
		"modal_done_freely":  view.DoneModal(nil, asked[:1], private),
		"modal_blocked":      view.BlockedModal(asked[:1], private),
		"modal_not_ours":     view.NotOursModal(asked, private),
		"modal_other_owner":  view.OtherOwnerModal(private),
		"modal_decline_work": view.DeclineWorkModal(private),
		"modal_odd":          view.OddModal(private),
		"modal_attest":       view.AttestModal(view.AttestForm{Callback: "campaign.attest", IDs: []string{"abc", "def", "ghi"}, Names: []string{"ledger", "<!channel>", "wiki"}, Private: private}),
		"modal_attest_one":   view.AttestModal(view.AttestForm{Callback: "inquiry.answer", IDs: []string{"abc"}, Names: []string{"ledger <!here>"}, Private: private}),
		"modal_comment":      view.CommentModal(2, private),
		"modal_comment_text": view.CommentModal(0, private),
		"modal_wait":         view.WaitModal("New campaign", private),
		"modal_tell":         view.Tell("Too late", campaign.Message{Text: "This button is from yesterday. Nothing was changed."}),
	}
	for name, m := range modals {
		t.Run(name, func(t *testing.T) { golden(t, name, fakeslack.SurfaceModal, m) })
	}
}

// A submission is read by field name, so each input has it in both places.
func TestInputsAreFoundByTheirName(t *testing.T) {
	m := view.NewCampaignModal(view.NewCampaignForm{})
	var names []string
	for _, b := range m.Blocks.BlockSet {
		if in, ok := b.(*slack.InputBlock); ok {
			raw, err := json.Marshal(in.Element)
			require.NoError(t, err)
			require.Contains(t, string(raw), fmt.Sprintf("%q:%q", "action_id", in.BlockID))
			names = append(names, in.BlockID)
		}
	}
	require.Equal(t, []string{"title", "pattern", "advisory", "exploited", "grouping", "zone"}, names)
}

func TestManyChoicesStayWithinSlacksLimits(t *testing.T) {
	var many []campaign.Campaign
	var methods []string
	for i := range 150 {
		many = append(many, campaign.Campaign{ID: fmt.Sprint("c", i), Title: strings.Repeat("long ", 30), Status: campaign.InReview})
		methods = append(methods, fmt.Sprint("method ", i))
	}
	var lots []view.TaskChoice
	for i := range 100 {
		lots = append(lots, view.TaskChoice{ID: fmt.Sprint("t", i, ".fix"), Name: strings.Repeat("long ", 30)})
	}
	for name, m := range map[string]slack.ModalViewRequest{"pick": view.PickCampaignModal(many, ""), "done": view.DoneModal(methods, nil, ""), "blocked": view.BlockedModal(lots, "")} {
		raw, err := json.Marshal(m)
		require.NoError(t, err)
		require.Empty(t, fakeslack.ValidateBlocks(fakeslack.SurfaceModal, raw), name)
	}
}

func tasks(campaignID string, n int) []campaign.TaskView {
	var out []campaign.TaskView
	for i := range n {
		name := fmt.Sprintf("service-%04d", i)
		out = append(out, campaign.TaskView{
			Campaign: campaignID, Title: "Campaign " + campaignID,
			Task: campaign.Task{ID: campaign.TaskID(campaignID+name, "mitigate"), Name: name, Track: "mitigate", Status: campaign.TaskOpen, Due: now.Add(time.Hour)},
		})
	}
	return out
}

func TestAppHomeAsSlackGetsIt(t *testing.T) {
	mine := []campaign.TaskView{
		{Campaign: "log4shell", Title: "Log4Shell", Task: campaign.Task{ID: "a.mitigate", Name: "checkout-api", Track: "mitigate", Status: campaign.TaskInProgress, Exposed: true, Due: now.Add(30 * time.Minute)}},
		{Campaign: "log4shell", Title: "Log4Shell", Task: campaign.Task{ID: "b.mitigate", Name: "ledger", Track: "mitigate", Status: campaign.TaskOpen, Blocked: "cannot restart before payroll", Due: now.Add(-time.Hour)}},
		{Campaign: "log4shell", Title: "Log4Shell", Task: campaign.Task{ID: "c.mitigate", Name: "card-vault", Track: "mitigate", Status: campaign.TaskInProgress, Reopened: 1, Reason: "the flag no longer counts"}},
		{Campaign: "log4shell", Title: "Log4Shell", Task: campaign.Task{ID: "d.mitigate", Name: "invoices", Track: "mitigate", Status: campaign.TaskClaimed}},
	}
	sydney, err := time.LoadLocation("Australia/Sydney")
	require.NoError(t, err)
	views := map[string]view.HomeView{
		"home":         {Tasks: mine, Running: []campaign.Campaign{running()}, Zone: sydney, Now: now, Units: []campaign.UnitStanding{{Name: "Payments & Co", All: campaign.Tally{Known: 140, Done: 80}, Unknown: 1410}}},
		"home_nothing": {Now: now},
		"home_done":    {Tasks: mine[3:], Running: []campaign.Campaign{running()}, Now: now},
	}
	for name, v := range views {
		t.Run(name, func(t *testing.T) { golden(t, name, fakeslack.SurfaceHome, view.Home(v)) })
	}
}

func TestAppHomeHoldsAnyNumber(t *testing.T) {
	tests := map[string][]campaign.TaskView{"forty": tasks("a", 40), "a thousand": tasks("a", 1000), "twenty thousand": tasks("a", 20_000), "many campaigns": nil}
	for i := range 60 {
		tests["many campaigns"] = append(tests["many campaigns"], tasks(fmt.Sprint("c", i), 15)...)
	}
	var many []campaign.Campaign
	for range 60 {
		many = append(many, running())
	}
	for name, mine := range tests {
		t.Run(name, func(t *testing.T) {
			h := view.Home(view.HomeView{Tasks: mine, Running: many, Now: now})
			raw, err := json.Marshal(h)
			require.NoError(t, err)
			require.Empty(t, fakeslack.ValidateBlocks(fakeslack.SurfaceHome, raw))
			require.Contains(t, string(raw), "Running campaigns")
			if strings.Count(string(raw), `"value":"`) < len(mine) {
				require.Contains(t, string(raw), "more", "some are not shown and nobody says so")
			}
		})
	}
}
