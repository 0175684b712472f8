package command

import "github.com/musterbot/muster/campaign"

// commands carries out the rows of the table.
type commands struct{ Options }

// table is /campaign, in the order in which a campaign needs it.
func (c commands) table() []Command {
	return []Command{
		{
			Name: "new", Args: `"title" [for PATTERN]`, Role: campaign.Commander, Run: c.create, Form: c.createForm,
			Summary: "start a campaign, with a name alone or an advisory",
			Detail: "`/campaign new \"log4j RCE\"` is enough at hour zero. `for log4j*` says what to look for; `/campaign new GHSA-jfh8-c2jp-5v3q` takes a record " +
				"where an advisory source is configured; a record may also be pasted as JSON. Without a title it opens a form.",
		},
		{Name: "show", Args: "[campaign]", Needs: OneCampaign, Run: c.show, Summary: "what a campaign is, whom it concerns, what comes next"},
		{Name: "list", Run: c.list, Summary: "all campaigns, the newest first"},
		{
			Name: "edit", Args: "[zone ZONE] [waiver ID] [exploited yes|no] [grouping service|team|fix_unit] [waves organisation|share 10 30 60|none] [deputy @person] [title \"…\"]", Role: campaign.Commander, Needs: OneCampaign, People: true, Run: c.edit, Form: c.editForm,
			Summary: "change what a campaign says of itself",
			Detail: "Without more words it opens a form. `/campaign edit deputy @devi waiver CHG0012345`. `waves` cuts what is not exposed: by the units of the organisation, the smallest first, " +
				"by shares that make 100 together, or not at all.",
		},
		{
			Name: "attach", Args: "[ID or JSON]", Role: campaign.Commander, Needs: OneCampaign, Run: c.attach, Form: c.attachForm,
			Summary: "attach an advisory, or renew one",
			Detail:  "An ID is looked up where an advisory source is configured; a record may be pasted as OSV JSON, here or in the form that opens without more words.",
		},
		{
			Name: "track", Args: "NAME [due WHEN] [proof scan|second_person|attestation] [methods \"a, b\"] [kind KIND] [instructions TEXT]", Role: campaign.Commander, Needs: OneCampaign, Run: c.track, Form: c.trackForm,
			Summary: "a line of work: its due date, proof, methods and instructions",
			Detail:  "`/campaign track mitigate due fri 17:00`. Instructions are numbered steps in Markdown and reach to the end of the text; with the name alone a form opens for them.",
		},
		{
			Name: "floor", Args: "PACKAGE [BRANCH=]VERSION \"reason\"", Role: campaign.Commander, Needs: OneCampaign, Run: c.floor,
			Summary: "set the fixed version by hand, per branch",
			Detail:  "`/campaign floor log4j-core 2.12=2.12.2 \"the backport for Java 7\"`.",
		},
		{
			Name: "override", Args: "PACKAGE fixed VERSION… \"reason\"", Role: campaign.Commander, Needs: OneCampaign, Run: c.override,
			Summary: "count versions as fixed that the record calls affected",
			Detail:  "For backports: `/campaign override pkg:deb/debian/log4j fixed 2.14.1-2+deb11u1 \"our backport\"`. A version may end in `*`.",
		},
		{
			Name: "alias", Args: "PACKAGE = PACKAGE \"reason\"", Role: campaign.Commander, Needs: OneCampaign, Run: c.alias,
			Summary: "count a package as the one that records call otherwise",
			Detail:  "`/campaign alias pkg:maven/com.acme/log4j-core = pkg:maven/org.apache.logging.log4j/log4j-core \"our rebuild\"`.",
		},
		{
			Name: "dryrun", Args: "TRACK @reviewer @reviewer | TRACK resolve", Role: campaign.Commander, Needs: OneCampaign, People: true, Run: c.dryrun,
			Summary: "let people execute the instructions before anyone receives them",
			Detail:  "`resolve` marks the reviewers' comments as dealt with.",
		},
		{Name: "approve", Role: campaign.Commander, Needs: OneCampaign, Run: c.approve, Summary: "freeze the plan: targets, texts and dates as they are now"},
		{
			Name: "plan", Args: "[pilot auto|NAME NAME NAME|none]", Role: campaign.Commander, Needs: OneCampaign, Run: c.plan,
			Summary: "what a launch would do, in which waves, what is missing, what has changed since the approval",
			Detail: "`pilot auto` lets three go first: the two easiest (fewest findings in one place, lowest tier, contact awake) and one of the hardest. The plan shows why each was picked; " +
				"name others to replace them. What is approved already keeps its waves until it is approved again.",
		},
		{
			Name: "gate", Args: "claimed N|N% [quiet 30m] | button | none | default | open", Role: campaign.Commander, Needs: OneCampaign, Run: c.gate,
			Summary: "when the next wave goes out: after so many claims, so long without a question, or a button",
			Detail: "It counts at once, also for a wave that waits. `default`: a plan with a pilot or with a split rest waits for half of the tasks or for 30 minutes without a new question, another does not wait. " +
				"A gate stays shut while more than 5 questions are open or more than 5 things could not be sent; `open` sends the wave that waits all the same.",
		},
		{
			Name: "launch", Args: "[pilot|exposed|rest|all|next|WAVE]", Role: campaign.Commander, Needs: OneCampaign, Sure: true, Run: c.launch,
			Summary: "send out the approved plan, wave by wave",
			Detail: "Without a wave it shows the plan with its buttons. `all` sends the waves in their order, each through the gate before it; `rest` all but the exposed; `next` the one that waits, now. " +
				"Nothing that was sent can be taken back.",
		},
		{Name: "pause", Role: campaign.Commander, Needs: OneCampaign, Run: c.pause, Summary: "hold back everything that has not gone out, at once"},
		{Name: "resume", Role: campaign.Commander, Needs: OneCampaign, Run: c.resume, Summary: "go on where it was paused"},
		{Name: "status", Args: "[campaign]", Needs: OneCampaign, Run: c.status, Summary: "the numbers of now: safe or not, exposed, unknown"},
		{Name: "tickets", Args: "[campaign]", Needs: AnyCampaign, Run: c.tickets, Summary: "what is mine, exposed and soonest due first"},
		{
			Name: "triage", Args: "[NAME… affected|not-affected [owner REF] \"reason\"] | [NAME…|all] ask | SERVICE owner REF | forget N | waive \"reason\"", Role: campaign.Commander, Needs: OneCampaign, Run: c.triage,
			Summary: "judge what is doubtful or has no owner, ask owners, settle whose a service is",
			Detail: "Without more words it lists them. `/campaign triage ledger affected owner group:payments \"they run it\"`; `all` means the whole list of now. " +
				"A pattern is kept as a rule, also for what later scans bring: `/campaign triage package:log4j-to-slf4j not-affected \"it has no lookup code\"`, `legacy-*`, `owner:REF`; `forget 2` takes rule 2 back. " +
				"`ask` sends one message to each owner; `/campaign triage ledger owner group:books` says which source of the catalog is right.",
		},
		{
			Name: "attest", Args: "NAME…|all yes|no|verified \"how you checked\" | NAME…|all by WHEN [\"why\"] | [NAME…|all] ask", Needs: OneCampaign, Run: c.attest, Form: c.attestForm,
			Summary: "say of services without a scan whether they run it, or check what no scan can see",
			Detail: "`/campaign attest ledger no \"searched the images for log4j-core\"`; `all` means all unknown ones of your teams; `by fri 17:00` says when you will know. " +
				"`/campaign attest ledger verified \"listed the classes of the running jar\"` is the second person's word for somebody else's claim. " +
				"`/campaign attest ask` lets the commander ask all owners, one message for each. Without more words it opens a form.",
		},
		{
			Name: "void", Args: "[TRACK] METHOD \"reason\"", Role: campaign.Commander, Needs: OneCampaign, Run: c.void,
			Summary: "say that a method does not count any more, and reopen what was done by it",
			Detail:  "`/campaign void flag \"it leaves a second hole open\"`.",
		},
		{
			Name: "rebaseline", Args: "all|exposed|unfinished [\"reason\"]", Role: campaign.Commander, Needs: OneCampaign, Run: c.rebaseline,
			Summary: "reopen what does not reach the fixed versions any more",
		},
		{Name: "declare", Args: "contained|fixed [because …]", Role: campaign.Commander, Needs: OneCampaign, Run: c.declare, Summary: "declare a milestone, with the numbers beside it"},
		{
			Name: "ask", Args: "@person \"what\" by WHEN", Role: campaign.Commander, Needs: OneCampaign, People: true, Run: c.ask,
			Summary: "ask a leader for a decision, by name and with a time",
			Detail:  "`/campaign ask @dana \"waive the freeze for six Payments services\" by 20:00`.",
		},
		{
			Name: "digest", Args: "[executives|leads|team]", Role: campaign.Commander, Needs: OneCampaign, Run: c.digest,
			Summary: "post a digest now, beside those on schedule",
		},
		{
			Name: "command", Args: "@person|accept|decline|take", Needs: OneCampaign, People: true, Run: c.command,
			Summary: "hand over command; it counts once it is accepted",
			Detail:  "`take` is for the deputy and for commanders, when nobody answers; it is announced.",
		},
		{Name: "close", Args: "[because …]", Role: campaign.Commander, Needs: OneCampaign, Sure: true, Run: c.close, Summary: "close the campaign, with its final report"},
		{Name: "audit", Args: "[N]", Role: campaign.Auditor, Needs: OneCampaign, Run: c.audit, Summary: "the newest records of who changed what"},
		{
			Name: "merge", Args: "FROM INTO [because …]", Run: c.merge,
			Summary: "end one campaign, and let another take over what it is about and its work",
			Detail:  "For who commands both. `/campaign merge log4j-rce log4shell`: tickets go on under the IDs that they have, what was done counts, nobody is asked again. One that was launched needs a second person.",
		},
		{Name: "cancel", Args: "[because …]", Role: campaign.Commander, Needs: OneCampaign, Sure: true, Run: c.cancel, Summary: "end a campaign before its goal"},
	}
}
