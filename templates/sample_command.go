package templates

import (
	"time"

	"github.com/musterbot/muster/campaign"
)

func commandEntries() map[string]entry {
	return map[string]entry{
		"campaign_show": {sample: campaign.CampaignShowData{
			LocalTime: inUTC, ID: "log4shell", Title: log4shell, Status: campaign.InReview, Commander: mei, Deputy: tom, HandoverTo: aoife, Created: sampleTime.Add(-24 * time.Hour),
			Exploited: true, Waiver: "CHG0012345", Pattern: "log4j", Advisories: ticketSample().Advisories,
			Floors: []campaign.FloorLine{{Package: "log4j-core", Branch: "2.12", Fixed: "2.12.4", Reason: "Java 7"}},
			Tracks: []campaign.TrackLine{
				{Name: "mitigate", Due: tonight, Proof: campaign.ProofWords(campaign.ProofSecondPerson), Revision: 3, Approved: 3},
				{Name: "fix", Due: friday, Proof: campaign.ProofWords(campaign.ProofScan), Revision: 1},
			},
			Milestones: []campaign.MilestoneLine{{Name: campaign.MilestoneContained, By: "Mei", At: sampleTime, Numbers: "41 of 44 internet-facing, 1,204 unknown"}},
			Void:       []campaign.VoidLine{{Method: campaign.MethodFlag, Since: sampleTime.Add(-time.Hour)}},
			Targets:    312, Unknown: 1204, Vendor: campaign.VendorCount{Products: 41, Silent: 12, Investigating: 3, Unclear: 1, Affected: 9, NotAffected: 16, Acted: 5},
			Inquiries: campaign.InquiryCount{Asked: 410, Promised: 310, Overdue: 12, Last: friday}, Triage: 7, HelpRef: help, CommandRef: "<#C0CMD>", Next: []string{"two reviewers try the text of fix: `/campaign dryrun fix`"},
		}},
		"campaign_list": {sample: campaign.CampaignListData{LocalTime: inUTC, Hidden: true, Campaigns: []campaign.CampaignLine{
			{ID: "log4shell", Title: log4shell, Status: campaign.Running, Commander: mei, Known: 312, Done: 203, Unknown: 1204, Due: tonight},
			{ID: "rotate-keys", Title: "Rotate the signing keys", Status: campaign.Draft, Commander: tom},
			{ID: "log4j-drill", Title: "Log4j drill", Status: campaign.Cancelled, Into: "log4shell", Commander: tom},
		}}},
		"campaign_status": {sample: campaign.CampaignStatusData{
			LocalTime: inUTC, Title: log4shell, Status: campaign.Running, Standing: sampleStanding(), Tracks: sampleTracks(), Stuck: sampleStuck(),
			Asks: []campaign.OpenAsk{{Who: dana, What: "waive the freeze for six Payments services", Due: friday}}, Next: sampleTime.Add(3 * time.Hour),
		}},
		"my_tickets": {sample: campaign.MyTicketsData{LocalTime: inSydney, Done: 9, Tickets: []campaign.MyTicket{
			{Campaign: log4shell, Name: "checkout-api", Track: "mitigate", Status: campaign.TaskInProgress, Due: tonight, Exposed: true, Ticket: "<https://tickets.example/1041|MU-1041>", Accepted: priya, Reason: "the flag no longer counts"},
			{Campaign: log4shell, Name: "ledger", Track: "mitigate", Status: campaign.TaskOpen, Blocked: "cannot restart before payroll", Due: sampleTime.Add(-time.Hour), Ticket: "MU-1042", Given: "j.doe"},
		}}},
		"triage": {sample: campaign.TriageData{LocalTime: inUTC, Title: log4shell, Total: 23, Waived: "all internal", Inquiries: campaign.InquiryCount{Asked: 9, Promised: 4, Overdue: 1, Last: friday}, Rules: []campaign.TriageRuleLine{
			{Number: 1, About: "near matches of log4j-to-slf4j", Verdict: "not affected", By: mei, At: sampleTime, Reason: "it has no lookup code", Decides: 31},
		}, Conflicted: 12, Conflicts: []campaign.OwnerConflict{
			{Name: "ledger", Claims: []campaign.OwnerClaim{{Source: "backstage", Owner: "group:default/payments"}, {Source: "codeowners", Owner: "group:default/books"}}},
		}, Entries: []campaign.TriageLine{
			{ID: "abc", Name: "build-runner-7", Doubt: "no service in the catalog has this asset", Exposed: true, Found: "log4j-core 2.14.1"},
			{ID: "def", Name: "report-tool", Doubt: "possible: the version could not be read", Owner: "reporting", Asked: "Priya will know by Friday 06:00"},
		}}},
	}
}
