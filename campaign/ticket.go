package campaign

// Ticket is what an owner gets in the tracker. Its status follows its tasks.
type Ticket struct {
	ID      string `json:"id"`
	Owner   string `json:"owner"`   // catalog ref
	Contact string `json:"contact"` // Person
	Name    string `json:"name"`    // of the service or team
	// Tasks are the IDs of its tasks, over all tracks.
	Tasks    []string `json:"tasks"`
	Wave     string   `json:"wave"`
	Plan     string   `json:"plan"`      // hash of the plan that holds its approved text
	TextHash string   `json:"text_hash"` // of title and body as approved
	// Planned is the ticket as the approved plan has it; its text is rendered from it.
	Planned PlanTicket   `json:"planned"`
	Status  TicketStatus `json:"status"`
	// Begun says that something was done before it was filed, which it is to show as
	// soon as it exists.
	Begun bool `json:"begun,omitempty"`
	// Ref is what the tracker calls it, once it exists there.
	Ref TicketRef `json:"ref,omitzero"`
	// Tracked is what the tracker is known to hold of it.
	Tracked Tracked `json:"tracked,omitzero"`
	// Given is whom people of the tracker gave it to, in the tracker's words; ""
	// while it is whose it was when it was filed.
	Given string `json:"given,omitempty"`
	// Kept says that people gave it to its owner in the tracker: later plans leave
	// its targets there, whatever the catalog says.
	Kept bool `json:"kept,omitempty"`
	// Had are the teams, in the tracker's words, that had it before Muster gave it
	// to another: that the tracker still shows one of them is nobody's doing.
	Had []string `json:"had,omitempty"`
	// Filings counts how often it was filed again after it was deleted there.
	Filings int `json:"filings,omitempty"`
	// Revisions are the approved instructions, by track, that it shows in place
	// of those of its plan.
	Revisions map[string]int `json:"revisions,omitempty"`
}

// TicketStatus is how far a ticket is, as the tracker's categories have it.
type TicketStatus string

// The states of a ticket. Before TicketOpen it does not exist in the tracker.
const (
	TicketPlanned    TicketStatus = "planned"
	TicketOpen       TicketStatus = "open"
	TicketInProgress TicketStatus = "in_progress"
	TicketDone       TicketStatus = "done"
)

// TicketRef is a ticket in a tracker.
type TicketRef struct {
	ID  string `json:"id"`            // the tracker's own
	URL string `json:"url,omitempty"` // for people; "" where the tracker has no page
}
