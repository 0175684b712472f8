package campaign

import "time"

// CampaignShowData is for campaign_show: what a campaign is, and what comes
// next.
type CampaignShowData struct {
	LocalTime
	ID         string
	Title      string
	Status     Status
	Commander  Markup
	Deputy     Markup
	HandoverTo Markup // who was asked to take command
	Created    time.Time
	Exploited  bool
	Waiver     string
	Pattern    string
	Rows       int
	Advisories []AdvisoryLine
	Floors     []FloorLine
	Tracks     []TrackLine
	Milestones []MilestoneLine
	Void       []VoidLine
	Targets    int // to be worked on
	Unknown    int
	Inquiries  InquiryCount // of the unknown ones
	Vendor     VendorCount  // of products that vendors answer for
	Triage     int
	HelpRef    Markup
	CommandRef Markup
	Next       []string // what to do next, as sentences with their commands
}

// TrackLine is a track of a campaign.
type TrackLine struct {
	Name     string
	Due      time.Time
	Proof    string // see ProofWords
	Methods  []string
	Revision int
	Approved int // newest approved revision, 0 for none
}

// CampaignListData is for campaign_list.
type CampaignListData struct {
	LocalTime
	Campaigns []CampaignLine // newest first
	Hidden    bool           // the asker sees only some of them; nothing says how many
}

// CampaignLine is a campaign in a list.
type CampaignLine struct {
	ID        string
	Title     string
	Status    Status
	Into      string // the campaign that took it over; "" for none
	Commander Markup
	Known     int
	Done      int
	Unknown   int
	Due       time.Time // zero once it has ended
}

// CampaignStatusData is for campaign_status: the numbers now.
type CampaignStatusData struct {
	LocalTime
	Title  string
	Status Status
	Standing
	Tracks []TrackStanding
	Stuck  []OpenTarget
	Asks   []OpenAsk
	Next   time.Time // of the digest
}

// MyTicketsData is for my_tickets.
type MyTicketsData struct {
	LocalTime
	Title   string // of the campaign; blank for all
	Tickets []MyTicket
	Done    int // of this person, done already
}

// MyTicket is one task in a person's list.
type MyTicket struct {
	Campaign string // title
	Name     string
	Track    string
	Status   TaskStatus
	Blocked  string
	Due      time.Time
	Exposed  bool
	Ticket   Markup // TicketLink
	Accepted Markup
	Reason   string // of the last reopening
	Given    string // whom the tracker's people gave it to, in the tracker's words
}

// TriageData is for triage: what a person has to judge.
type TriageData struct {
	LocalTime
	Title   string
	Total   int
	Entries []TriageLine // at most 20
	Waived  string
	// Conflicts are services of the campaign whose owner the sources of the
	// catalog do not agree on, at most 20 of Conflicted.
	Conflicted int
	Conflicts  []OwnerConflict
	Rules      []TriageRuleLine
	Inquiries  InquiryCount // of the targets on the list

	askable int // targets whose owner was not asked
}

// OwnerConflict is a service with what each source says of its owner, the one that
// counts first.
type OwnerConflict struct {
	Name   string
	Claims []OwnerClaim
}

// TriageRuleLine is a rule of a campaign, with what it decides today.
type TriageRuleLine struct {
	Number  int
	About   string // "targets called legacy-*"
	Verdict string
	Owner   string
	By      Markup
	At      time.Time
	Reason  string
	Decides int
}

// TriageLine is a doubtful target.
type TriageLine struct {
	ID      string
	Name    string
	Doubt   string
	Owner   string
	Exposed bool
	Found   string // "log4j-core 2.14.1 in lib/app.jar"
	Asked   string // "Ann will know by Friday 17:00"; blank when nobody was asked
}

// InquiryAskedData is for inquiry_asked: an owner is asked whether a near match is
// one; at most 90 words.
type InquiryAskedData struct {
	LocalTime
	Title  string
	Lookup string
	Team   string
	Count  int
	Names  []string
	By     Markup

	HelpChannel Markup
}

// InquiryDueData is for inquiry_due: somebody said that they would know by now; at
// most 70 words.
type InquiryDueData struct {
	LocalTime
	Title  string
	Lookup string
	Count  int
	Names  []string
	Said   time.Time // when they did

	HelpChannel Markup
}

// AttestBatchData is for attest_batch: a lead is asked which of the unchecked
// services run the thing.
type AttestBatchData struct {
	LocalTime
	Title    string
	Lookup   string // what to look for: "log4j-core"
	Team     string
	Count    int
	Services []string
	Due      time.Time
	Minutes  int
	How      Markup // how to check, in short
	Total    int    // unknown in the whole company, for scale; 0 leaves it out

	HelpChannel Markup
}
