package templates

import (
	"maps"
	"time"

	"github.com/musterbot/muster/campaign"
)

// entry is a template: the language that it is written in, the longest realistic
// data that it is tried with, and how many words that may give.
type entry struct {
	form   form
	sample any
	limit  int // 0: none
}

// entries returns the table of templates. A name without a row cannot be
// rendered or overridden.
func entries() map[string]entry {
	all := ownerEntries()
	maps.Copy(all, launchEntries())
	maps.Copy(all, digestEntries())
	maps.Copy(all, deskEntries())
	maps.Copy(all, commandEntries())
	return all
}

// sampleTime is a Tuesday morning in Europe, early evening in Sydney.
var (
	sampleTime = time.Date(2021, 12, 14, 6, 30, 0, 0, time.UTC)
	inSydney   = campaign.LocalTime{Zone: "Australia/Sydney", Now: sampleTime}
	inDublin   = campaign.LocalTime{Zone: "Europe/Dublin", Now: sampleTime}
	inUTC      = campaign.LocalTime{Zone: "UTC", Now: sampleTime}

	tonight = sampleTime.Add(30 * time.Minute)
	friday  = sampleTime.Add(71*time.Hour + 30*time.Minute)
)

const (
	log4shell = "Log4Shell"
	help      = campaign.Markup("<#C0HELP>")
	aoife     = campaign.Markup("<@U0AOIFE>")
	mei       = campaign.Markup("<@U0MEI>")
	tom       = campaign.Markup("<@U0TOM>")
	dana      = campaign.Markup("<@U0DANA>")
	priya     = campaign.Markup("<@U0PRIYA>")
	tried     = campaign.Markup("Mei and Tom on `ledger`")
)

func ownerEntries() map[string]entry {
	services := []string{"checkout-api", "partner-gw", "ledger", "card-vault", "shop-core"}
	return map[string]entry{
		"first_message": {limit: 110, sample: campaign.FirstMessageData{
			LocalTime: inSydney, Title: log4shell, Count: 14, Noun: "services", Verb: "Contain", Due: tonight, Exploited: true,
			Exposed: []string{"checkout-api", "partner-gw"},
			Action:  "Remove one class from the jar and restart the service. Do it on one instance first, and look at its log before you go on with the others.",
			Minutes: 21, Tried: tried, Void: []string{campaign.MethodFlag},
			Later:  []campaign.TrackDue{{Name: "fix", Due: friday}},
			Shared: "shop-core", SharedCount: 9, Unknown: 3, Waiver: "CHG0012345",
			Tickets: []campaign.Markup{"<https://tickets.example/1041|MU-1041>", "<https://tickets.example/1042|MU-1042>", "<https://tickets.example/1043|MU-1043>", "MU-1044"},
			Helpers: []campaign.Markup{aoife}, HelpChannel: help,
		}},
		"more_work": {limit: 90, sample: campaign.MoreWorkData{
			LocalTime: inSydney, Title: log4shell, Count: 3, Total: 17, Done: 9, Noun: "services", Verb: "Contain", Due: tonight,
			Names: services[2:], Exposed: 1, Why: "a scan of 06:12 UTC found them", Action: "Remove one class from the jar and restart the service.",
			Minutes: 21, Tried: tried, Tickets: []campaign.Markup{"MU-1102", "MU-1103", "MU-1104"}, Helpers: []campaign.Markup{aoife}, HelpChannel: help,
		}},
		"advice_moved": {limit: 90, sample: campaign.AdviceMovedData{
			LocalTime: inSydney, Title: log4shell, Count: 3, Total: 14, Done: 9, Noun: "services", Due: friday,
			Why: "2.15.0 leaves a second hole open", Void: campaign.MethodFlag,
			Groups: []campaign.AdviceStep{
				{Names: services[:2], Do: "2.16.0 (on Java 7: 2.12.2)"},
				{Names: services[2:3], Do: "remove the class today"},
			},
			Started: true, Direct: "2.16.0", Minutes: 21, Tried: tried, Helpers: []campaign.Markup{aoife}, HelpChannel: help,
		}},
		"reopened": {limit: 90, sample: campaign.ReopenedData{
			LocalTime: inSydney, Title: log4shell, Count: 2, Total: 14, Noun: "services", Names: services[:2], Due: tonight,
			Why: "the scan of 05:58 UTC still sees log4j-core 2.14.1 in lib/app.jar", Claimed: campaign.MethodClassRemoved,
			Helpers: []campaign.Markup{aoife}, HelpChannel: help,
		}},
		"revision_moved": {limit: 90, sample: campaign.RevisionMovedData{
			LocalTime: inSydney, Title: log4shell, Count: 5, Done: 9, Noun: "services", Verb: "Contain", Names: services, Due: tonight,
			Action: "Remove the class from the shaded jars as well, one instance first, and look at its log before you go on with the others.", Minutes: 21, Tried: tried, HelpChannel: help,
		}},
		"how_done": {limit: 90, sample: campaign.HowDoneData{
			LocalTime: inSydney, Title: log4shell, Count: 9, Noun: "services", Names: append(services, "mailer", "search-api"), HelpChannel: help,
		}},
		"reassign_asked": {limit: 90, sample: campaign.ReassignAskedData{
			LocalTime: inSydney, Title: log4shell, By: mei, Team: "payments-platform", Count: 3, Noun: "services", Names: services[:3], Exposed: true, Due: tonight,
			Within: sampleTime.Add(24 * time.Hour), HelpChannel: help,
		}},
		"reassign_returned": {limit: 80, sample: campaign.ReassignReturnedData{
			LocalTime: inSydney, Title: log4shell, By: priya, Count: 3, Noun: "services", Names: services[:3], Due: tonight,
			Reason: "We only run the load balancer in front of it; the code is the checkout team's since last spring", HelpChannel: help,
		}},
		"reassign_triage": {limit: 100, sample: campaign.ReassignTriageData{
			LocalTime: inUTC, Title: log4shell, By: mei, Owner: "checkout", Count: 3, Noun: "services", Names: services[:3], Exposed: true, Due: tonight,
			Asked: []campaign.ReassignAnswer{
				{Who: priya, Team: "payments-platform", Answer: "passed on"},
				{Who: tom, Team: "edge", Answer: "silent"},
			},
			Why: "they think of shop-core, and 2 were asked before",
		}},
		"progress": {limit: 40, sample: campaign.ProgressData{
			LocalTime: inSydney, Title: log4shell, Count: 14, Done: 9, Claimed: 2, Blocked: 1, Unknown: 3, Noun: "services", Verb: "Contain", Due: tonight, Accepted: priya,
		}},
		"ticket_title": {form: plain, limit: 25, sample: campaign.TicketTitleData{
			LocalTime: inUTC, Title: log4shell, Name: "payments-platform", Count: 14, Noun: "services", Verb: "contain", Due: tonight, Exposed: true,
		}},
		"ticket_body": {form: markdown, sample: ticketSample()},
	}
}

func ticketSample() campaign.TicketBodyData {
	return campaign.TicketBodyData{
		LocalTime: campaign.LocalTime{Zone: "Europe/Dublin"}, Campaign: "log4shell", Title: log4shell, Exploited: true,
		Advisories: []campaign.AdvisoryLine{{ID: "CVE-2021-44228", Summary: "Log4j2 JNDI features do not protect against attacker-controlled LDAP", URL: "https://nvd.nist.gov/vuln/detail/CVE-2021-44228"}},
		Pattern:    "log4j-core",
		Targets: []campaign.TicketTarget{
			{
				Name: "checkout-api", Exposed: true, Environment: "production", Tier: "1", ScannedAt: sampleTime,
				Findings: []campaign.TicketFinding{{Component: "pkg:maven/org.apache.logging.log4j/log4j-core", Version: "2.14.1", Asset: "checkout-api:4.2", Path: "app/lib/log4j-core-2.14.1.jar", Fixed: []string{"2.17.1", "2.12.4"}}},
			},
			{Name: "partner_gw", Layer: "runtime", Exposed: true, Guessed: true, Unknown: true},
			{
				Name: "ledger", Environment: "production", Detail: "payroll runs on it",
				Findings: []campaign.TicketFinding{{Component: "log4j-core", Asset: "ledger-01", Path: "opt/app/shaded.jar", Possible: true, Why: "the version could not be read"}},
			},
		},
		Tracks: []campaign.TicketTrack{
			{
				Name: "mitigate", Verb: "Contain", Due: tonight, Proof: campaign.ProofWords(campaign.ProofSecondPerson),
				Methods: []string{campaign.MethodClassRemoved, campaign.MethodIsolated}, Void: []string{campaign.MethodFlag}, Revision: 3,
				Instructions: "1. Stop one instance.\n2. Remove the class:\n\n   ```\n   zip -q -d log4j-core-*.jar org/apache/logging/log4j/core/lookup/JndiLookup.class\n   ```\n\n3. Start it and look at its log.", Minutes: 21, Tried: tried,
			},
			{Name: "fix", Verb: "Fix", Due: friday, Proof: campaign.ProofWords(campaign.ProofScan), Methods: []string{campaign.MethodUpdated}},
		},
		Waiver: "CHG0012345", Owner: "payments-platform", Contact: "Priya", Help: "#help-log4shell", HelpURL: "https://example.slack.com/archives/C0HELP",
	}
}

func launchEntries() map[string]entry {
	return map[string]entry{
		"preview": {limit: 120, sample: campaign.PreviewData{
			LocalTime: inUTC, Title: log4shell, Tickets: 312, Messages: 188, DoneAt: sampleTime.Add(22 * time.Minute), Woken: 14, Sleeping: 47,
			Texts: []campaign.PreviewText{
				{Track: "mitigate", Revision: 3, Executed: []campaign.Markup{mei, tom}, Minutes: 21, Unchanged: true},
				{Track: "fix", Revision: 1, Executed: []campaign.Markup{mei, dana}, Minutes: 44, Unchanged: true},
			},
			Unknown: 1204, Unowned: 23, Triage: 7, Exposed: 44,
			Missing: []string{"nobody at the help desk 02:00–08:00 UTC", "four comments on revision 1 of fix are open", "Dana has not been told yet"},
		}},
		"drift": {sample: campaign.DriftData{
			LocalTime: inUTC, Title: log4shell, Since: sampleTime.Add(-4 * time.Hour), Added: 12, AddedNames: []string{"search-api", "shop-web", "invoices", "mailer"},
			Gone: 2, GoneNames: []string{"old-batch", "fax-gw"}, Moved: 3, MovedNames: []string{"ledger"}, Texts: []string{"fix"}, Waiting: 31, PerDay: 25,
		}},
		"launch_lock": {sample: campaign.LaunchLockData{Title: log4shell, Lines: []campaign.LockLine{
			{What: "Text of mitigate", OK: true, Detail: "revision 3, by Mei and Tom"},
			{What: "comments", Missing: "two are open on revision 1 of fix: resolve them in its thread"},
			{What: "Triage", OK: false, Waived: "the seven doubtful ones are all internal"},
			{What: "help desk", Missing: "nobody is on duty 02:00–08:00 UTC"},
		}}},
		"second_person": {sample: campaign.SecondPersonData{
			LocalTime: inUTC, Title: log4shell, By: mei, What: "launch the exposed slice", Why: "attackers use it", Size: 188, Of: "people", Limit: 50,
			Effect: "312 tickets, 188 messages, done about 06:52 UTC.",
		}},
		"dead_letter": {sample: campaign.DeadLetterData{
			LocalTime: inUTC, Title: log4shell, What: "the first message", To: priya, Why: "Slack says that the account is switched off", Attempts: 12, Since: sampleTime.Add(-2 * time.Hour), Unclear: true,
		}},
		"void_preview": {sample: campaign.VoidPreviewData{
			LocalTime: inUTC, Title: log4shell, Track: "mitigate", Method: campaign.MethodFlag, Why: "the flag does not protect with a custom layout",
			Reopens: 86, Exposed: 12, Contacts: 41, Names: []string{"checkout-api", "partner-gw", "search-api", "mailer"}, Kept: 140, Limit: 50,
		}},
		"rebaseline_preview": {sample: campaign.RebaselinePreviewData{
			LocalTime: inUTC, Title: log4shell,
			Floors: []campaign.FloorLine{
				{Package: "log4j-core", Fixed: "2.17.1", Reason: "CVE-2021-44832"},
				{Package: "log4j-core", Branch: "2.12", Fixed: "2.12.4", Reason: "Java 7"},
			},
			Choices: []campaign.RebaselineChoice{{Which: "exposed", Reopens: 31, Contacts: 19}, {Which: "unfinished", Reopens: 12, Contacts: 9}, {Which: "all", Reopens: 204, Contacts: 96}},
			Names:   []string{"checkout-api", "partner-gw", "search-api", "mailer"}, Credited: 77, Limit: 50,
		}},
		"plan_waves": {sample: campaign.PlanWavesData{
			LocalTime: inUTC, Gate: "The next wave goes out once half of the tasks of the wave before are claimed, or after 30 minutes without a new question, or by the button.",
			Questions: 5, DeadLetters: 5, Fast: 10 * time.Minute,
			Waves: []campaign.WaveLine{
				{Name: "pilot", Title: "the pilot", Tickets: 3, Messages: 3, State: "out"},
				{Name: "exposed", Title: "the exposed slice", Tickets: 44, Messages: 31, Woken: 14, State: "waits at its gate"},
				{Name: "payments", Title: "Payments & Banking", Tickets: 80, Messages: 52, Sleeping: 17, Takes: 8 * time.Minute},
				{Name: "others", Title: "the other teams", Tickets: 185, Messages: 102, Sleeping: 30, Takes: 19 * time.Minute},
			},
			Picks: []campaign.PilotPick{
				{Name: "mailer", Team: "comms", Why: "easy: 1 finding in one place, tier 3, Ben is awake"},
				{Name: "old-wiki", Team: "docs", Why: "easy: 1 finding in one place, tier 4, Eve is awake"},
				{Name: "payments-platform", Team: "payments", Why: "one of the hardest: 31 findings on 12 hosts in 3 layers, internet-facing, tier 1, Priya is awake"},
			},
		}},
		"wave_progress": {limit: 90, sample: campaign.WaveProgressData{
			LocalTime: inUTC, Title: log4shell, Wave: "the exposed slice", Opened: "2 of 4 tasks of the pilot are claimed", Tickets: 44, Filed: 12, Messages: 31, Sent: 7,
			Failed: 1, Rate: 48, Bar: "████░░░░░░░░░░░░", Launched: sampleTime, DoneAt: sampleTime.Add(4 * time.Minute),
			Next: "Payments & Banking", NextTickets: 80, Gate: "once 31 of 61 tasks are claimed (now 3), or today 15:22 UTC if nobody asks anything until then",
		}},
		"gate_held": {limit: 60, sample: campaign.GateHeldData{
			LocalTime: inUTC, Title: log4shell, Wave: "Payments & Banking", Tickets: 80, Why: "9 questions are open and 12 tickets or messages could not be sent",
		}},
		"paused":  {sample: campaign.PausedData{LocalTime: inUTC, Title: log4shell, By: mei, At: sampleTime, Why: "the instructions stop payroll", Held: 144, Posted: 44}},
		"resumed": {sample: campaign.ResumedData{LocalTime: inUTC, Title: log4shell, By: mei, At: sampleTime, Paused: 52 * time.Minute, Held: 144, DoneAt: sampleTime.Add(9 * time.Minute)}},
		"cancelled": {sample: campaign.CancelledData{
			LocalTime: inUTC, Title: log4shell, By: mei, At: sampleTime, Why: "the record was withdrawn", Withdrawn: 212, Done: 100, Told: 188, Noun: "services",
		}},
	}
}
