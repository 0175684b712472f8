package jira_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/tracker/jira"
	"github.com/musterbot/muster/campaign/tracker/jira/jiratest"
)

func TestATicketIsClosedWithTheResolutionThatTheWorkflowWants(t *testing.T) {
	tests := map[string]struct {
		screen     jiratest.Resolution
		known      []string
		configured string
		want       string
	}{
		"none":                           {jiratest.ResolutionUnknown, nil, "", ""},
		"asked for":                      {jiratest.ResolutionAsked, []string{"Won't Fix", "Fixed", "Done"}, "", "Done"},
		"another house's word":           {jiratest.ResolutionAsked, []string{"Won't Fix", "Fixed"}, "", "Fixed"},
		"words of their own":             {jiratest.ResolutionAsked, []string{"Erledigt", "Verworfen"}, "", "Erledigt"},
		"the configured one":             {jiratest.ResolutionAsked, []string{"Done", "Mitigated"}, "mitigated", "Mitigated"},
		"not shown, and missed":          {jiratest.ResolutionHidden, []string{"Won't Fix", "Fixed"}, "", "Fixed"},
		"not shown, the configured one":  {jiratest.ResolutionHidden, []string{"Done", "Mitigated"}, "Mitigated", "Mitigated"},
		"shown, and refused when it set": {jiratest.ResolutionMisshown, []string{"Done"}, "", ""},
	}
	for name, tt := range tests {
		for kind, cloud := range kinds {
			t.Run(name+"/"+kind, func(t *testing.T) {
				o := options(cloud)
				o.Resolution, o.Resolutions = tt.screen, tt.known
				server := start(t, o)
				tracker := connect(t, server, cloud, func(o *jira.Options) { o.Resolution = tt.configured })
				d := draft()
				ref, err := tracker.Ensure(t.Context(), "k1", d)
				require.NoError(t, err)
				d.Status = campaign.TicketDone
				require.NoError(t, tracker.Update(t.Context(), ref, d))
				issue, err := server.Issue(ref.ID)
				require.NoError(t, err)
				require.Equal(t, "Done", issue.Status)
				require.Equal(t, tt.want, issue.Resolution)

				d.Status = campaign.TicketInProgress
				require.NoError(t, tracker.Update(t.Context(), ref, d))
				issue, err = server.Issue(ref.ID)
				require.NoError(t, err)
				require.Equal(t, "In Progress", issue.Status)
				require.Empty(t, issue.Resolution)
			})
		}
	}
}

func TestAProjectMayDemandFieldsOfItsOwn(t *testing.T) {
	o := options(false)
	o.Mandatory = []string{"customfield_10010"}
	server := start(t, o)
	_, err := connect(t, server, false).Ensure(t.Context(), "k1", draft())
	require.Equal(t, campaign.Invalid, campaign.KindOf(err))
	require.Contains(t, campaign.PublicMessage(err), "customfield_10010 is required")

	tracker := connect(t, server, false, func(o *jira.Options) {
		o.Fields = map[string]any{"customfield_10010": map[string]any{"value": "Security"}}
	})
	ref, err := tracker.Ensure(t.Context(), "k1", draft())
	require.NoError(t, err)
	d := draft()
	d.Title += "!"
	require.NoError(t, tracker.Update(t.Context(), ref, d), "an update leaves them alone")
	issue, err := server.Issue(ref.ID)
	require.NoError(t, err)
	require.Equal(t, map[string]any{"value": "Security"}, issue.Custom["customfield_10010"])
}

func TestFieldsThatMusterFillsCannotBeSet(t *testing.T) {
	server := start(t, options(false))
	for _, id := range []string{"summary", "description", "labels", "project", "issuetype", "assignee", "duedate", "Summary", "customfield_10011"} {
		_, err := jira.New(jira.Options{
			Client: clientOf(t, server, false, nil), PageURL: server.URL(), Project: "SEC", OwnerField: "customfield_10011:value",
			Fields: map[string]any{id: "x"},
		})
		require.ErrorContains(t, err, id)
	}
}
