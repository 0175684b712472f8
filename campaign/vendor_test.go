package campaign_test

import (
	"fmt"
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
		{Vendor: "Qlik", Name: "Sense", Versions: []string{"2021.2"}, Owner: "ann", Exposure: campaign.Exposed},
		{Vendor: "Okta, Inc.", Name: "LDAP Agent", Owner: "ann"},
		{Vendor: "Kaltura", Name: "Blackboard", Versions: []string{"3800"}, Service: "ledger"},
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

func TestWhateverMakesAProductAffectedReopensIt(t *testing.T) {
	affected := says("Okta", "LDAP Agent", campaign.VendorClaim{CVE: cve, Affected: []string{"5.7"}})
	for name, tt := range map[string]struct{ before, then campaign.VendorList }{
		"a first statement": {then: campaign.VendorList{Statements: []campaign.VendorStatement{affected}}},
		"a statement of its own, after one of all": {
			before: campaign.VendorList{Statements: []campaign.VendorStatement{says("Okta", "All", campaign.VendorClaim{CVE: cve, Unaffected: []string{"All"}})}},
			then:   campaign.VendorList{Statements: []campaign.VendorStatement{affected}},
		},
		"another version that runs": {
			before: campaign.VendorList{
				Products:   []campaign.Product{{Vendor: "Okta, Inc.", Name: "LDAP Agent", Versions: []string{"5.8"}, Owner: "ann"}},
				Statements: []campaign.VendorStatement{says("Okta", "LDAP Agent", campaign.VendorClaim{CVE: cve, Affected: []string{"5.7"}, Unaffected: []string{"5.8"}})},
			},
			then: campaign.VendorList{Products: []campaign.Product{{Vendor: "Okta, Inc.", Name: "LDAP Agent", Versions: []string{"5.7"}, Owner: "ann"}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			h, id := vendorHouse(t)
			_, err := h.engine.Freeze(t.Context(), h.by(cara), id)
			require.NoError(t, err)
			h.launch(id, campaign.SliceAll)
			h.settle()
			agent := h.taskNamed(id, "Okta, Inc. LDAP Agent").ID
			h.vendors(id, tt.before)
			if status := h.task(id, agent).Status; status == campaign.TaskOpen {
				_, err = h.engine.Claim(t.Context(), h.by(ann), id, campaign.TaskSet{Tasks: []string{agent}}, campaign.Claim{Method: "done"})
				require.NoError(t, err)
			} else {
				require.Equal(t, campaign.TaskNotAffected, status)
			}
			h.settle()
			for range 2 { // and the same again changes nothing
				h.vendors(id, tt.then)
				require.Equal(t, campaign.TaskInProgress, h.task(id, agent).Status)
			}
			require.Len(t, h.asks(ann, "reopened"), 1)
			h.sound(id)
		})
	}
}

func TestANearStatementThatWasJudgedDoesNotHideALaterOneOfItsOwn(t *testing.T) {
	h, id := vendorHouse(t)
	h.vendors(id, campaign.VendorList{Statements: []campaign.VendorStatement{says("Quest", "Foglight", campaign.VendorClaim{CVE: cve, Affected: []string{"All"}})}})
	_, err := h.engine.Triage(t.Context(), h.by(cara), id, campaign.TriageOrder{Targets: []string{"all"}, Reason: "only the server is meant"})
	require.NoError(t, err)
	h.vendors(id, campaign.VendorList{Statements: []campaign.VendorStatement{says("Quest", "Foglight Agents", campaign.VendorClaim{CVE: cve, Affected: []string{"All"}})}})
	_, err = h.engine.Freeze(t.Context(), h.by(cara), id)
	require.NoError(t, err)
	h.launch(id, campaign.SliceAll)
	h.settle()
	require.Equal(t, campaign.TaskOpen, h.taskNamed(id, "Quest Foglight Agents").Status)
}

func TestVersionsThatOneOwnerRunsAreOneProduct(t *testing.T) {
	h, id := vendorHouse(t)
	report := h.vendors(id, campaign.VendorList{Products: []campaign.Product{
		{Vendor: "Atlassian", Name: "Jira", Versions: []string{"8.20"}, Owner: "ann"},
		{Vendor: "Atlassian", Name: "Jira", Versions: []string{"8.13"}, Owner: "ann", Exposure: campaign.Exposed},
		{Vendor: "Atlassian", Name: "Jira", Versions: []string{"9.0"}, Owner: "ben"},
	}})
	require.Equal(t, 2, report.New)
	_, err := h.engine.Freeze(t.Context(), h.by(cara), id)
	require.NoError(t, err)
	h.launch(id, campaign.SliceAll)
	h.settle()
	require.True(t, h.taskNamed(id, "Atlassian Jira 8.13, 8.20").Exposed)
	require.Equal(t, "group:default/ben", h.taskNamed(id, "Atlassian Jira 9.0").Owner)
}

func TestTwoListsAreBothHeard(t *testing.T) {
	h, id := vendorHouse(t)
	own := says("Qlik", "Sense", campaign.VendorClaim{CVE: cve, Affected: []string{"2021.2"}})
	own.Source = campaign.SourceTable
	agencies := says("Qlik", "Sense", campaign.VendorClaim{CVE: cve, Unaffected: []string{"All"}})
	agencies.Source = campaign.SourceAgencies
	for _, s := range []campaign.VendorStatement{own, agencies} {
		h.vendors(id, campaign.VendorList{Statements: []campaign.VendorStatement{s}})
	}
	show, err := h.engine.Show(t.Context(), id)
	require.NoError(t, err)
	require.Contains(t, show.Text, `"affected":1`, "the worst that is said counts")
	own.Claims = []campaign.VendorClaim{{CVE: cve, Unaffected: []string{"All"}}}
	h.vendors(id, campaign.VendorList{Statements: []campaign.VendorStatement{own}})
	show, err = h.engine.Show(t.Context(), id)
	require.NoError(t, err)
	require.Contains(t, show.Text, `"not_affected":1`, "a list replaces what it said before")
}

func TestAnAdvisoryThatIsAttachedLaterReopensProducts(t *testing.T) {
	h, id := vendorHouse(t)
	_, err := h.engine.Freeze(t.Context(), h.by(cara), id)
	require.NoError(t, err)
	h.launch(id, campaign.SliceAll)
	h.settle()
	agent := h.taskNamed(id, "Okta, Inc. LDAP Agent").ID
	h.vendors(id, campaign.VendorList{Statements: []campaign.VendorStatement{says("Okta", "LDAP Agent",
		campaign.VendorClaim{CVE: cve, Unaffected: []string{"All"}}, campaign.VendorClaim{CVE: "CVE-2021-45046", Affected: []string{"All"}})}})
	require.Equal(t, campaign.TaskNotAffected, h.task(id, agent).Status)
	_, err = h.engine.Attach(t.Context(), h.by(cara), id, sample.FollowUp())
	require.NoError(t, err)
	_, err = h.engine.Sweep(t.Context(), h.by(cara), id)
	require.NoError(t, err)
	require.Equal(t, campaign.TaskInProgress, h.task(id, agent).Status)
}

func TestAVendorsWordDoesNotClearManyTasksByItself(t *testing.T) {
	h, id := vendorHouse(t)
	var list campaign.VendorList
	for i := range 60 {
		list.Products = append(list.Products, campaign.Product{Vendor: "Acme", Name: fmt.Sprintf("Thing %d", i), Owner: "ann"})
	}
	h.vendors(id, list)
	_, err := h.engine.Freeze(t.Context(), h.by(cara), id)
	require.NoError(t, err)
	h.launch(id, campaign.SliceAll)
	h.settle()
	for _, hold := range h.openHolds(id) {
		_, err = h.engine.Decide(t.Context(), h.by(devi), id, hold.ID, true)
		require.NoError(t, err)
	}
	h.settle()
	h.vendors(id, campaign.VendorList{Statements: []campaign.VendorStatement{says("Acme", "All", campaign.VendorClaim{CVE: cve, Unaffected: []string{"All"}})}})
	require.Equal(t, campaign.TaskOpen, h.taskNamed(id, "Acme Thing 7").Status)
	hold := h.openHolds(id)
	require.Len(t, hold, 1)
	require.Contains(t, hold[0].Preview, "What vendors say would count 60 tasks as not affected.")
	_, err = h.engine.Decide(t.Context(), h.by(devi), id, hold[0].ID, true)
	require.NoError(t, err)
	require.Equal(t, campaign.TaskNotAffected, h.taskNamed(id, "Acme Thing 7").Status)
}

func TestProductsWithoutAnApprovedTrackKeepNobodyOut(t *testing.T) {
	h := newHouse(t, func(o *campaign.Options) { o.Brakes.AdmissionPerDay = 5 })
	h.estate()
	id := h.ready()
	h.launch(id, campaign.SliceAll)
	h.settle()
	var list campaign.VendorList
	for i := range 30 {
		list.Products = append(list.Products, campaign.Product{Vendor: "Acme", Name: fmt.Sprintf("Thing %d", i), Owner: "ann"})
	}
	h.vendors(id, list)
	h.scan(log4jCore, "wiki")
	h.settle()
	require.NotEmpty(t, h.taskNamed(id, "wiki").Ticket)
}

func TestWhatAVendorSaysIsHeldAgainstTheVersionThatRuns(t *testing.T) {
	for _, tt := range []struct {
		name     string
		versions []string
		claim    campaign.VendorClaim
		want     string
	}{
		{"a fixed version runs", []string{"v2.0"}, campaign.VendorClaim{Affected: []string{"1.0"}, Fixed: []string{"2.0"}}, `"not_affected":1`},
		{"nobody knows what runs", nil, campaign.VendorClaim{Fixed: []string{""}}, `"affected":1`},
		{"neither", []string{"1.5"}, campaign.VendorClaim{Affected: []string{"1.0"}, Fixed: []string{"2.0"}}, `"unclear":1`},
		{"unaffected, but not this one", []string{"1.5"}, campaign.VendorClaim{Unaffected: []string{"1.0"}}, `"unclear":1`},
		{"two versions, one of which is affected", []string{"1.0", "2.0"}, campaign.VendorClaim{Affected: []string{"1.0"}, Fixed: []string{"2.0"}}, `"affected":1`},
		{"a fixed one runs, and all others are affected", []string{"2.0"}, campaign.VendorClaim{Affected: []string{"All"}, Fixed: []string{"2.0"}}, `"not_affected":1`},
		{"all", []string{"1.5"}, campaign.VendorClaim{Affected: []string{"All versions"}}, `"affected":1`},
		{"looked at", []string{"1.5"}, campaign.VendorClaim{Investigated: true}, `"investigating":1`},
		{"not looked at", []string{"1.5"}, campaign.VendorClaim{}, `"silent":1`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHouse(t)
			_, err := h.engine.New(t.Context(), h.by(cara), campaign.NewCampaign{Title: "log4j RCE", Pattern: "log4j-core"})
			require.NoError(t, err)
			h.vendors("log4j-rce", campaign.VendorList{
				Products: []campaign.Product{{Vendor: "A", Name: "B", Versions: tt.versions}}, Statements: []campaign.VendorStatement{says("A", "B", tt.claim)},
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
