package templates

import (
	"time"

	"github.com/musterbot/muster/campaign"
)

func deskEntries() map[string]entry {
	steps := campaign.Markup("1. Stop one instance.\n2. Remove the class:\n```\nzip -q -d log4j-core-*.jar org/apache/logging/log4j/core/lookup/JndiLookup.class\n```\n3. Start it and look at its log.")
	return map[string]entry{
		"dryrun_invite": {limit: 90, sample: campaign.DryRunInviteData{
			LocalTime: inUTC, Title: log4shell, Track: "mitigate", Revision: 3, By: mei, Steps: 5, Reviewers: []campaign.Markup{tom, priya}, Quorum: 2,
			Changes: "step 2 names the jar for Java 7",
		}},
		"dryrun_step": {sample: campaign.DryRunStepData{
			Number: 2, Of: 5, Text: "Remove the class:\n```\nzip -q -d log4j-core-*.jar org/apache/logging/log4j/core/lookup/JndiLookup.class\n```",
			Verdicts: []campaign.StepLine{{Who: tom, Verdict: campaign.StepWorked}, {Who: priya, Verdict: campaign.StepUnclear, Comment: "which jar on Java 7?"}},
		}},
		"dryrun_result": {sample: campaign.DryRunResultData{
			LocalTime: inUTC, Title: log4shell, Track: "mitigate", Revision: 3, Quorum: 2, Open: 1,
			Reviews: []campaign.ReviewLine{
				{Who: tom, Service: "ledger", Minutes: 21, Verdict: campaign.ReviewApproved},
				{Who: priya, Service: "card-vault", Minutes: 34, Verdict: campaign.ReviewChanges, Comments: []string{"step 2: which jar on Java 7?"}},
			},
		}},
		"help_topic": {form: plain, limit: 35, sample: campaign.HelpTopicData{LocalTime: inUTC, Title: log4shell, Verb: "contain", Due: tonight, Odd: "security-incidents@example.com"}},
		"help_welcome": {sample: campaign.HelpWelcomeData{
			LocalTime: inUTC, Title: log4shell, Exploited: true, Void: []string{campaign.MethodFlag}, Helpers: []campaign.Markup{aoife, tom}, Budget: time.Hour, Commander: mei, Odd: dana,
			Tracks: []campaign.HelpTrack{{Name: "mitigate", Verb: "Contain", Due: tonight, Revision: 3, Text: steps, Minutes: 21, Tried: tried}},
		}},
		"question_taken": {limit: 40, sample: campaign.QuestionTakenData{LocalTime: inDublin, Number: 17, Helpers: []campaign.Markup{aoife}, AnswerBy: sampleTime.Add(time.Hour)}},
		"question_escalated": {sample: campaign.QuestionEscalatedData{
			LocalTime: inUTC, Title: log4shell, Number: 17, From: priya, Text: "Does the flag help with a shaded jar?\nOurs is 2.8.", Asked: sampleTime, Waited: 61 * time.Minute,
			To: []campaign.Markup{tom}, Thread: "<https://example.slack.com/archives/C0HELP/p1|the question>", Suggested: "No: remove the class.",
		}},
		"question_answered": {limit: 40, sample: campaign.QuestionAnsweredData{Number: 17, By: aoife, Took: 12 * time.Minute}},
		"inquiry_asked": {limit: 90, sample: campaign.InquiryAskedData{
			LocalTime: inDublin, Title: log4shell, Lookup: "log4j-core", Team: "Ledger team", Count: 3, Names: []string{"ledger", "ledger-batch", "payout"}, By: mei, HelpChannel: help,
		}},
		"inquiry_due": {limit: 70, sample: campaign.InquiryDueData{
			LocalTime: inDublin, Title: log4shell, Lookup: "log4j-core", Count: 2, Names: []string{"ledger", "payout"}, Said: sampleTime.Add(-26 * time.Hour), HelpChannel: help,
		}},
		"attest_batch": {limit: 110, sample: campaign.AttestBatchData{
			LocalTime: inDublin, Title: log4shell, Lookup: "log4j-core", Team: "Ledger team", Count: 23,
			Services: []string{"card-vault", "invoices", "ledger", "ledger-batch", "payout", "reconcile", "refunds", "risk", "sepa", "settle", "statements", "tax", "vat"},
			Due:      friday, Minutes: 6, How: "run `find / -name 'log4j-core*'` on one host of each", Total: 1204, HelpChannel: help,
		}},
	}
}
