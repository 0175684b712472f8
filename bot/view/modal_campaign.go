package view

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"github.com/musterbot/muster/campaign"
)

// NewCampaignForm is what the form of a new campaign starts with.
type NewCampaignForm struct{ Title, Pattern, Zone, Private string }

var groupings = []choice{
	{string(campaign.ByService), "One per service and owner"},
	{string(campaign.ByTeam), "One per owner, with all services"},
	{string(campaign.ByFixUnit), "One per owner and repository"},
}

// NewCampaignModal is the form of a new campaign: a name is enough.
func NewCampaignModal(in NewCampaignForm) slack.ModalViewRequest {
	f := form{callback: "campaign.new", title: "New campaign", submit: "Create", private: in.Private}
	f.say("A name is enough. Records, fixed versions and instructions may follow; nobody is told anything before you launch.")
	f.text(field{name: "title", label: "What is it about?", hint: "People read it in every message: \"Log4Shell\""}, in.Title, 100)
	f.text(field{name: "pattern", label: "Package name to look for", hint: "At hour zero, when there is no record yet: \"log4j-core\". Matches are then only possible.", optional: true}, in.Pattern, 200)
	f.lines(field{name: "advisory", label: "Advisory (OSV record, JSON)", hint: "At most 3,000 characters here; a longer one goes by file, with /campaign attach", optional: true}, "", maxInput)
	f.check(field{name: "exploited", label: "Known attacks"}, "Attackers use it now; the messages say so", false)
	f.pick(field{name: "grouping", label: "Tickets"}, groupings, string(campaign.ByService))
	f.text(field{name: "zone", label: "Time zone of schedules and totals", hint: "As in Europe/Dublin", optional: true}, in.Zone, 60)
	return f.modal()
}

// EditModal is the form that changes a campaign.
func EditModal(c campaign.Campaign, private string) slack.ModalViewRequest {
	f := form{callback: "campaign.edit", title: "Edit campaign", submit: "Save", private: private}
	f.text(field{name: "title", label: "What is it about?"}, c.Title, 100)
	f.text(field{name: "zone", label: "Time zone of schedules and totals", hint: "As in Europe/Dublin"}, c.Zone, 60)
	f.text(field{name: "waiver", label: "Change-freeze waiver", hint: "Its number or name, for the messages; empty for none", optional: true}, c.Waiver, 150)
	f.check(field{name: "exploited", label: "Known attacks"}, "Attackers use it now; the messages say so", c.Exploited)
	f.pick(field{name: "grouping", label: "Tickets"}, groupings, string(c.Grouping))
	f.person(field{name: "deputy", label: "Deputy", hint: "May do all that you may, and take command when you are away", optional: true}, c.Deputy)
	return f.modal()
}

var trackKinds = []choice{
	{string(campaign.TrackMitigate), "Mitigate: contain it now"},
	{string(campaign.TrackFix), "Fix: remove the cause"},
	{string(campaign.TrackHunt), "Hunt: look for intruders"},
	{string(campaign.TrackVendor), "Vendor: ask and wait"},
	{string(campaign.TrackAttest), "Attest: say whether you run it"},
}

var proofs = []choice{
	{string(campaign.ProofScan), "A newer scan agrees"},
	{string(campaign.ProofSecondPerson), "A second person checks, by name"},
	{string(campaign.ProofAttestation), "The owner's word, with how it was checked"},
}

// TrackModal is the form of a track; of a new one when t has no name.
// Instructions that are longer than a form holds are not in it: the field is then
// missing and the text stays as it is.
func TrackModal(c campaign.Campaign, t campaign.Track, instructions, private string) slack.ModalViewRequest {
	f := form{callback: "campaign.track", title: "Track", submit: "Save", private: private}
	f.say(fmt.Sprintf("*%s*: one line of work, with its own instructions, due time and proof.", campaign.Escape(c.Title)))
	f.text(field{name: "name", label: "Name", hint: "mitigate, fix, or a word of your own"}, t.Name, 40)
	f.pick(field{name: "kind", label: "What it asks for"}, trackKinds, string(t.Kind))
	due := slack.NewDateTimePickerBlockElement("due")
	if !t.Due.IsZero() {
		due.InitialDateTime = t.Due.Unix()
	}
	f.add(field{name: "due", label: "Due", hint: "In your own time zone", optional: true}, due)
	f.pick(field{name: "proof", label: "What proves it"}, proofs, string(t.Proof))
	f.text(field{name: "methods", label: "Ways to be done", hint: "Separated by commas; owners choose one when they say done", optional: true}, strings.Join(t.Methods, ", "), 500)
	if utf8.RuneCountInString(instructions) > maxInput {
		f.say("The instructions are longer than a form holds, so they stay as they are. To change them, drop a Markdown file into the command channel.")
		return f.modal()
	}
	f.lines(field{name: "instructions", label: "Instructions (Markdown)", hint: "What to do first in a sentence, then numbered steps: \"1. Stop one instance\". Changing them starts a new review.", optional: true}, instructions, maxInput)
	return f.modal()
}

// AttachModal is the form that attaches an advisory.
func AttachModal(private string) slack.ModalViewRequest {
	f := form{callback: "campaign.attach", title: "Attach an advisory", submit: "Attach", private: private}
	f.lines(field{name: "advisory", label: "Advisory (OSV record, JSON)", hint: "At most 3,000 characters; drop a longer one as a file into the command channel"}, "", maxInput)
	return f.modal()
}

// PickCampaignModal asks which campaign is meant; at most 100, newest first.
func PickCampaignModal(campaigns []campaign.Campaign, private string) slack.ModalViewRequest {
	f := form{callback: "campaign.pick", title: "Which campaign?", submit: "Go on", private: private}
	choices := make([]choice, 0, len(campaigns))
	for _, c := range campaigns {
		choices = append(choices, choice{c.ID, c.Title + " (" + strings.ReplaceAll(string(c.Status), "_", " ") + ")"})
	}
	if len(choices) == 0 {
		f.submit = ""
		f.say("There is no campaign that you can see. Start one with `/campaign new`.")
		return f.modal()
	}
	f.pick(field{name: "campaign", label: "Campaign"}, choices, choices[0].value)
	return f.modal()
}

// WaitModal opens at once, since a trigger lives three seconds; the real view
// takes its place.
func WaitModal(title, private string) slack.ModalViewRequest {
	f := form{callback: "wait", title: title, private: private}
	f.say("One moment: the numbers are being read.")
	return f.modal()
}
