package campaign

// The kinds of records. Those of a campaign stand in its scope, the others in Sys.
const (
	KindCampaign RecordKind = "campaign" // one, ID "self"
	KindRevision RecordKind = "revision" // <track>/<number>
	KindReview   RecordKind = "review"   // <track>/<number>/<user>
	KindTarget   RecordKind = "target"
	KindTask     RecordKind = "task" // <target>.<track>
	KindTicket   RecordKind = "ticket"
	KindContact  RecordKind = "contact" // <user>
	KindPlan     RecordKind = "plan"    // <hash>
	KindPlanPart RecordKind = "plan_part"
	KindWave     RecordKind = "wave"
	// KindFiledPart marks a part of a wave that is being filed: <wave>/<number>.
	KindFiledPart RecordKind = "filed_part"
	KindEffect    RecordKind = "effect"
	KindQuestion  RecordKind = "question"
	KindSnapshot  RecordKind = "snapshot"
	KindDigest    RecordKind = "digest"  // a mark per schedule and fire time
	KindRequest   RecordKind = "request" // waits for a second person
	KindSeen      RecordKind = "seen"    // envelopes that were carried out in this scope
	KindSeal      RecordKind = "seal"
	KindNote      RecordKind = "note" // free text behind a commitment
	KindAsk       RecordKind = "ask"
	KindReport    RecordKind = "report" // how it closes, and the closing report
	// KindProduct is a product of a vendor, by the ID of its target; KindVendorStatement
	// what a vendor says of one.
	KindProduct         RecordKind = "product"
	KindVendorStatement RecordKind = "vendor_statement"
	// KindReassignment is work that is to go to another owner.
	KindReassignment RecordKind = "reassignment"

	KindName    RecordKind = "name"  // a campaign ID that is taken, for ever
	KindInbox   RecordKind = "inbox" // envelopes
	KindCatalog RecordKind = "catalog"
	// KindCorrection is an owner that people corrected, by service and layer.
	KindCorrection RecordKind = "correction"
	KindScan       RecordKind = "scan"
	KindAlias      RecordKind = "alias" // a person behind a pseudonym
	KindRoster     RecordKind = "roster"
	KindRun        RecordKind = "run" // "self": the run of the store's server, and the last loss; "beats"
)

// self is the ID of records of which a scope has one.
const self = "self"
