package templates

import (
	"time"

	"github.com/musterbot/muster/campaign"
)

func sampleStanding() campaign.Standing {
	return campaign.Standing{
		State: "not contained yet", AsOf: sampleTime, Since: sampleTime.Add(-6 * time.Hour), Services: 3010, Unknown: 1204, UnknownBefore: 1660, Inquiries: campaign.InquiryCount{Asked: 410, Promised: 310, Overdue: 12, Last: friday},
		Track: "mitigate", Won: "protected",
		Exposed:  campaign.Tally{Known: 44, Done: 41, Before: 22, Claimed: 2, Taken: 3, Blocked: 1},
		All:      campaign.Tally{Known: 312, Done: 203, Before: 118, Claimed: 31, Taken: 60, Blocked: 9, Idle: 49},
		Reopened: 6, Overdue: 12, Questions: 6,
	}
}

func sampleTracks() []campaign.TrackStanding {
	return []campaign.TrackStanding{
		{Name: "mitigate", Due: tonight, Tally: campaign.Tally{Known: 312, Done: 203, Claimed: 31, Taken: 60, Blocked: 9, Idle: 9}, Unknown: 1204},
		{Name: "fix", Due: friday, Tally: campaign.Tally{Known: 312, Done: 12, Taken: 20, Idle: 280}, Unknown: 1204},
	}
}

func sampleUnits() []campaign.UnitStanding {
	return []campaign.UnitStanding{
		{Name: "Payments", Lead: dana, Exposed: campaign.Tally{Known: 20, Done: 18}, All: campaign.Tally{Known: 140, Done: 80, Blocked: 6}, Unknown: 410},
		{Name: "Shop", Lead: priya, All: campaign.Tally{Known: 96, Done: 71}, Unknown: 320},
		{Name: "Inside IT", Exposed: campaign.Tally{Known: 1, Done: 0}, All: campaign.Tally{Known: 76, Done: 52, Blocked: 3}, Unknown: 474},
	}
}

func sampleStuck() []campaign.OpenTarget {
	return []campaign.OpenTarget{
		{Name: "ledger", Owner: "ledger team", Who: priya, Status: "in_progress", Blocked: "cannot restart before payroll", Exposed: true, Due: sampleTime.Add(-time.Hour)},
		{Name: "partner-gw", Owner: "partners", Who: tom, Status: "in_progress", Exposed: true, Due: tonight},
		{Name: "fax-gw", Owner: "inside IT", Status: "open", Exposed: true, Due: sampleTime.Add(-time.Hour)},
	}
}

func digestEntries() map[string]entry {
	asks := []campaign.OpenAsk{
		{Who: dana, What: "waive the freeze for six Payments services", Due: sampleTime.Add(13*time.Hour + 30*time.Minute)},
		{Who: priya, What: "name an owner for the fax gateway", Due: sampleTime.Add(5 * time.Hour)},
	}
	next := sampleTime.Add(16*time.Hour + 30*time.Minute)
	return map[string]entry{
		"digest_executives": {limit: 90, sample: campaign.DigestExecutivesData{
			LocalTime: inUTC, Title: log4shell, Standing: sampleStanding(), Next: next, Asks: asks[:1],
			Changed: "The flag turned out not to protect; 86 services were opened again for it",
		}},
		"digest_leads": {sample: campaign.DigestLeadsData{
			LocalTime: inUTC, Title: log4shell, Standing: sampleStanding(), Next: next, Tracks: sampleTracks(), Units: sampleUnits(), Stuck: sampleStuck(), Asks: asks,
		}},
		"digest_team": {sample: campaign.DigestTeamData{
			LocalTime: inDublin, Title: log4shell, Team: "Ledger team", AsOf: sampleTime, Next: next, All: campaign.Tally{Known: 14, Done: 11}, Unknown: 2, Due: tonight,
			Left: sampleStuck(), Done: []string{"card-vault", "invoices"}, HelpChannel: help,
		}},
		"handover": {limit: 110, sample: campaign.HandoverData{
			LocalTime: inDublin, Title: log4shell, From: mei, To: aoife, State: "not contained yet, 3 of 44 internet-facing open, 1,204 unknown", Questions: 6, Oldest: 52 * time.Minute, Budget: time.Hour,
			Burning: sampleStuck(), Promised: []campaign.OpenAsk{{Who: priya, What: "an answer on shaded jars", Due: sampleTime.Add(150 * time.Minute)}},
			Void:  []campaign.VoidLine{{Method: campaign.MethodFlag, Since: sampleTime.Add(-200 * time.Minute)}},
			Never: "\"were we breached?\" goes to Legal, not here", Missing: []string{"nobody at the help desk 02:00–08:00 UTC"},
			Coming: []campaign.ComingLine{{What: "the scan that should reopen about 80", At: sampleTime.Add(150 * time.Minute)}, {What: "the digest for executives", At: next}},
		}},
		"milestone": {limit: 90, sample: campaign.MilestoneData{
			LocalTime: inUTC, Title: log4shell, Name: campaign.MilestoneContained, By: mei, At: sampleTime, Standing: sampleStanding(), Reason: "the three that are left are behind the VPN now",
		}},
		"ask": {limit: 60, sample: campaign.AskData{
			LocalTime: inDublin, Title: log4shell, From: mei, What: "waive the freeze for six Payments services", Due: asks[0].Due, Standing: sampleStanding(),
		}},
		"closing_report": {form: markdown, sample: campaign.ClosingReportData{
			LocalTime: inUTC, Company: "Example & Sons", Campaign: "log4shell", Title: log4shell, Commander: "Mei", Deputy: "Tom",
			Created: sampleTime.Add(-96 * time.Hour), Launched: sampleTime.Add(-72 * time.Hour), Closed: sampleTime,
			Advisories: ticketSample().Advisories, Floors: []campaign.FloorLine{{Package: "log4j-core", Branch: "2.12", Fixed: "2.12.4", Reason: "Java 7"}},
			Milestones: []campaign.MilestoneLine{{Name: campaign.MilestoneContained, By: "Mei", At: sampleTime.Add(-48 * time.Hour), Numbers: "41 of 44 internet-facing, 1,204 unknown"}},
			Tracks:     sampleTracks(), Units: sampleUnits(), Services: 3010, Unknown: 17, Tickets: 312, Contacts: 188, Messages: 431, Questions: 64, Reopened: 86,
			Methods: []campaign.MethodLine{{Track: "mitigate", Method: campaign.MethodClassRemoved, Count: 203}}, Void: []campaign.VoidLine{{Method: campaign.MethodFlag, Since: sampleTime.Add(-30 * time.Hour)}},
			Exceptions: []campaign.ExceptionLine{{Name: "fax-gw", Reason: "goes away in January", Expires: sampleTime.AddDate(0, 1, 0)}}, Open: sampleStuck(), Records: 18204, Seal: "9f2c31d0aa51",
		}},
		"closing_note": {limit: 90, sample: campaign.ClosingNoteData{
			LocalTime: inUTC, Title: log4shell, By: mei, At: sampleTime, All: campaign.Tally{Known: 312, Done: 309}, Noun: "services", Unknown: 17, Services: 3010, Excepted: 4, People: 188,
			Questions: 64, Reopened: 86, Took: 72 * time.Hour, Report: "<https://muster.example/log4shell|closing report>",
		}},
	}
}
