package campaign_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/sample"
)

const cve = "CVE-2021-44228"

func says(vendor, product string, claims ...campaign.VendorClaim) campaign.VendorStatement {
	return campaign.VendorStatement{Vendor: vendor, Product: product, Claims: claims, Link: "https://vendor.example/" + product}
}

// vendors imports what is given, and lets everything follow.
func (h *house) vendors(id string, list campaign.VendorList) campaign.ImportReport {
	h.t.Helper()
	report, err := h.engine.ImportVendors(h.t.Context(), h.by(cara), id, list)
	require.NoError(h.t, err)
	h.settle()
	return report
}

// vendorHouse has an approved campaign about Log4Shell with four products of Ann.
func vendorHouse(t *testing.T) (*house, string) {
	h := newHouse(t)
	h.estate()
	_, err := h.engine.New(t.Context(), h.by(cara), campaign.NewCampaign{Title: "Log4Shell", Advisory: sample.Advisories(1)[0], Channel: campaign.ChannelRef{ID: commandChannel}})
	require.NoError(t, err)
	id := "log4shell"
	report := h.vendors(id, campaign.VendorList{Products: []campaign.Product{
		{Vendor: "Qlik", Name: "Sense", Version: "2021.2", Owner: "ann", Exposure: campaign.Exposed},
		{Vendor: "Okta, Inc.", Name: "LDAP Agent", Owner: "ann"},
		{Vendor: "Kaltura", Name: "Blackboard", Version: "3800", Service: "ledger"},
		{Vendor: "Quest", Name: "Foglight Agents", Owner: "eve"},
	}})
	require.Equal(t, 4, report.New)
	for _, track := range []string{"fix", "vendor"} {
		_, err = h.engine.SetTrack(t.Context(), h.by(cara), id, campaign.TrackEdit{Name: track, Due: h.clock.Now().AddDate(0, 0, 3), Instructions: "1. Look at the vendor's statement.\n2. Act."})
		require.NoError(t, err)
		_, err = h.engine.StartDryRun(t.Context(), h.by(cara), id, track, []campaign.Person{mei, tom})
		require.NoError(t, err)
		for _, p := range []campaign.Person{mei, tom} {
			for step := 1; step <= 2; step++ {
				_, err = h.engine.JudgeStep(t.Context(), h.by(p), id, campaign.StepJudgement{Track: track, Revision: 1, Step: step, Verdict: campaign.StepWorked})
				require.NoError(t, err)
			}
			_, err = h.engine.JudgeRevision(t.Context(), h.by(p), id, track, 1, campaign.ReviewApproved, "")
			require.NoError(t, err)
		}
	}
	return h, id
}

func TestAProductIsAskedAboutAnsweredAndActedUpon(t *testing.T) {
	h, id := vendorHouse(t)
	h.vendors(id, campaign.VendorList{Statements: []campaign.VendorStatement{
		says("QLIK", "sense", campaign.VendorClaim{CVE: cve, Investigated: true, Affected: []string{"2021.2"}, Fixed: []string{"2021.3"}}),
		says("Okta", "All", campaign.VendorClaim{CVE: cve, Investigated: true, Unaffected: []string{"All"}}),
		says("Quest", "Foglight", campaign.VendorClaim{CVE: cve, Investigated: true, Affected: []string{"All"}}),
		says("QLIK", "sense", campaign.VendorClaim{CVE: "CVE-1999-0001", Investigated: true, Unaffected: []string{"All"}}),
	}})
	show, err := h.engine.Show(t.Context(), id)
	require.NoError(t, err)
	require.Contains(t, show.Text, `"Vendor":{"products":4,"silent":2,"affected":1,"not_affected":1}`)
	waiting, _ := h.doubted(id)
	require.Equal(t, []string{"Quest Foglight Agents"}, waiting, "a similar name is for a person to judge")
	_, err = h.engine.Triage(t.Context(), h.by(cara), id, campaign.TriageOrder{Targets: waiting, Reason: "only the server is meant"})
	require.NoError(t, err)

	_, err = h.engine.Freeze(t.Context(), h.by(cara), id)
	require.NoError(t, err)
	h.launch(id, campaign.SliceAll)
	h.settle()
	tracks := map[string]string{}
	for _, task := range all[campaign.Task](h, id, campaign.KindTask) {
		if task.Status == campaign.TaskOpen {
			tracks[task.Name] = task.Track
		}
	}
	require.Equal(t, map[string]string{"Qlik Sense 2021.2": "vendor", "Kaltura Blackboard 3800": "vendor", "checkout": "fix", "ledger": "fix", "search": "fix"}, tracks)
	sense := h.taskNamed(id, "Qlik Sense 2021.2")
	body := h.tracker.filed()[sense.Ticket].Draft.Body
	require.Contains(t, body, "QLIK says: affected, fixed in 2021.3 (https://vendor.example/sense)")
	require.NotContains(t, body, `"Name":"fix"`, "it is no service")
	require.NotContains(t, h.tracker.filed()[h.taskNamed(id, "search").Ticket].Draft.Body, `"Name":"vendor"`)

	_, err = h.engine.Claim(t.Context(), h.by(ann), id, campaign.TaskSet{Tasks: []string{sense.ID}}, campaign.Claim{Method: "done", Version: "2021.3"})
	require.NoError(t, err)
	show, err = h.engine.Show(t.Context(), id)
	require.NoError(t, err)
	require.Contains(t, show.Text, `"acted":1`)
	h.sound(id)
}

func TestAStatementInOtherWordsReopensWhatWasDoneByTheOldOne(t *testing.T) {
	h, id := vendorHouse(t)
	fixed := func(version string) campaign.VendorList {
		return campaign.VendorList{Statements: []campaign.VendorStatement{says("Qlik", "Sense", campaign.VendorClaim{CVE: cve, Affected: []string{"2021.2"}, Fixed: []string{version}})}}
	}
	h.vendors(id, fixed("2021.3"))
	_, err := h.engine.Freeze(t.Context(), h.by(cara), id)
	require.NoError(t, err)
	h.launch(id, campaign.SliceAll)
	h.settle()
	sense := h.taskNamed(id, "Qlik Sense 2021.2")
	_, err = h.engine.Claim(t.Context(), h.by(ann), id, campaign.TaskSet{Tasks: []string{sense.ID}}, campaign.Claim{Method: "done", Version: "2021.3"})
	require.NoError(t, err)

	report := h.vendors(id, fixed("2021.3"))
	require.Equal(t, 1, report.Unchanged)
	require.Empty(t, report.Moved)
	require.Equal(t, campaign.TaskClaimed, h.taskNamed(id, "Qlik Sense 2021.2").Status)

	report = h.vendors(id, fixed("2021.4"))
	require.Equal(t, 1, report.Changed)
	require.Equal(t, 1, report.Moved[0].Reopened)
	task := h.taskNamed(id, "Qlik Sense 2021.2")
	require.Equal(t, campaign.TaskInProgress, task.Status)
	require.Contains(t, task.Reason, "fixed in 2021.4")
	require.Contains(t, task.Reason, "Before: Qlik says: affected, fixed in 2021.3")
	require.Len(t, h.asks(ann, "reopened"), 1)

	h.vendors(id, campaign.VendorList{Statements: []campaign.VendorStatement{says("Qlik", "Sense", campaign.VendorClaim{CVE: cve, Unaffected: []string{"All"}})}})
	require.Equal(t, campaign.TaskNotAffected, h.taskNamed(id, "Qlik Sense 2021.2").Status)
	h.sound(id)
}

func TestWhatAVendorSaysIsHeldAgainstTheVersionThatRuns(t *testing.T) {
	for _, tt := range []struct {
		name, version string
		claim         campaign.VendorClaim
		want          string
	}{
		{"a fixed version runs", "v2.0", campaign.VendorClaim{Affected: []string{"1.0"}, Fixed: []string{"2.0"}}, `"not_affected":1`},
		{"nobody knows what runs", "", campaign.VendorClaim{Fixed: []string{""}}, `"affected":1`},
		{"neither", "1.5", campaign.VendorClaim{Affected: []string{"1.0"}, Fixed: []string{"2.0"}}, `"unclear":1`},
		{"unaffected, but not this one", "1.5", campaign.VendorClaim{Unaffected: []string{"1.0"}}, `"unclear":1`},
		{"all", "1.5", campaign.VendorClaim{Affected: []string{"All versions"}}, `"affected":1`},
		{"looked at", "1.5", campaign.VendorClaim{Investigated: true}, `"investigating":1`},
		{"not looked at", "1.5", campaign.VendorClaim{}, `"silent":1`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHouse(t)
			_, err := h.engine.New(t.Context(), h.by(cara), campaign.NewCampaign{Title: "log4j RCE", Pattern: "log4j-core"})
			require.NoError(t, err)
			h.vendors("log4j-rce", campaign.VendorList{
				Products: []campaign.Product{{Vendor: "A", Name: "B", Version: tt.version}}, Statements: []campaign.VendorStatement{says("A", "B", tt.claim)},
			})
			show, err := h.engine.Show(t.Context(), "log4j-rce")
			require.NoError(t, err)
			require.Contains(t, show.Text, `"Vendor":{"products":1,`+tt.want)
		})
	}
}

func TestACampaignOfRowsHasNoVendors(t *testing.T) {
	h := newHouse(t)
	_, err := h.engine.New(t.Context(), h.by(cara), campaign.NewCampaign{Title: "Rotate keys", Rows: []campaign.Row{{Target: "a"}}})
	require.NoError(t, err)
	_, err = h.engine.ImportVendors(t.Context(), h.by(cara), "rotate-keys", campaign.VendorList{Products: []campaign.Product{{Vendor: "A", Name: "B"}}})
	refused(t, err, campaign.Conflict)
}
