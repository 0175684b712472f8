// Package configs reads the one configuration file of Muster and says, all at
// once and with the line, what is wrong with it. It also writes the manifest
// with which the app is created in Slack. Configuration stops at cmd: no other
// room imports this package.
package configs

import (
	"time"

	"github.com/musterbot/muster/configs/secret"
)

// Config is everything that can be set. The file muster.example.yaml shows each
// key with its default. MUSTER_ followed by the path in upper case, with "_"
// between the parts, overrides a key (MUSTER_SLACK_MODE for slack.mode); lists
// are then separated by commas. Digests and tokens can be set in the file only.
type Config struct {
	// Store is where the state lives: bolt://PATH for one process, or
	// redis://, rediss://, redis+sentinel://, redis+cluster:// for several.
	Store secret.URL `yaml:"store"`
	// Listen is host:port of health, metrics, the API and Slack's HTTP mode.
	Listen string `yaml:"listen"`
	// Company is the name that messages and reports use.
	Company string `yaml:"company"`
	// TimeZone is the IANA zone of schedules and reports that name no other.
	TimeZone string `yaml:"time_zone"`
	Log      Log    `yaml:"log"`
	Slack    Slack  `yaml:"slack"`
	Roles    Roles  `yaml:"roles"`
	// CommandChannel is the name or id of the channel in which approvals, dead
	// letters and seals are announced.
	CommandChannel string    `yaml:"command_channel"`
	Brakes         Brakes    `yaml:"brakes"`
	Review         Review    `yaml:"review"`
	Inventory      Inventory `yaml:"inventory"`
	Ownership      Ownership `yaml:"ownership"`
	Digests        []Digest  `yaml:"digests"`
	Tracker        Tracker   `yaml:"tracker"`
	Paging         Paging    `yaml:"paging"`
	API            API       `yaml:"api"`
	Work           Work      `yaml:"work"`
	Pace           Pace      `yaml:"pace"`
	// TemplatesDir is a folder whose *.tmpl files replace the built-in ones;
	// empty uses the built-in ones.
	TemplatesDir string `yaml:"templates_dir"`

	origins map[string]string // path -> file and line, or variable, that set it
	unread  map[string]bool   // paths whose value Load refused
}

// Log says what is logged and how.
type Log struct {
	Level  string `yaml:"level"`  // debug, info, warn or error
	Format string `yaml:"format"` // text or json
}

// Slack says how to reach the workspace.
type Slack struct {
	Mode          string        `yaml:"mode"`           // socket or http
	BotToken      secret.Secret `yaml:"bot_token"`      // xoxb-…: all calls
	AppToken      secret.Secret `yaml:"app_token"`      // xapp-…: Socket Mode only
	SigningSecret secret.Secret `yaml:"signing_secret"` // HTTP mode only
	APIURL        string        `yaml:"api_url"`        // with or without "/" at its end
}

// Roles says who may do what. Each list holds Slack user ids (U…, W…) and
// user-group ids (S…). A role without members is held by nobody.
type Roles struct {
	Commander []string `yaml:"commander"`
	Reviewer  []string `yaml:"reviewer"`
	Helper    []string `yaml:"helper"`
	Executive []string `yaml:"executive"`
	Counsel   []string `yaml:"counsel"`
	Auditor   []string `yaml:"auditor"`
	Operator  []string `yaml:"operator"`
}

// Brakes are the sizes above which Muster stops and asks.
type Brakes struct {
	// SecondPersonAbove is how many tickets or messages one person may cause;
	// more needs a second person. 0 asks for one always.
	SecondPersonAbove int `yaml:"second_person_above"`
	// AdmissionPerDay is how many late targets join a running campaign in a day
	// without being asked for.
	AdmissionPerDay int `yaml:"admission_per_day"`
	// AdmissionShare bounds the same as a share of the approved plan, 0 to 1.
	AdmissionShare float64 `yaml:"admission_share"`
}

// Review says what makes instructions approved.
type Review struct {
	Quorum int `yaml:"quorum"` // reviewers who must execute and approve, at least 1
}

// Inventory says what counts as known.
type Inventory struct {
	FreshFor time.Duration `yaml:"fresh_for"` // an older scan says nothing
	OSVURL   string        `yaml:"osv_url"`   // base URL that speaks the OSV API; empty looks nothing up
	KEV      string        `yaml:"kev"`       // file with CISA's catalogue of exploited vulnerabilities (JSON), read anew when it changes; empty knows none
	Watch    string        `yaml:"watch"`     // folder whose files are imported when they have settled; empty watches none
}

// Ownership says whom to believe about who owns what.
type Ownership struct {
	// Trust is the order in which sources count, the most trusted first:
	// backstage, csv, codeowners. Sources that are left out follow.
	Trust []string `yaml:"trust"`
}

// Digest is one message on a schedule.
type Digest struct {
	Audience string `yaml:"audience"`  // executives, leads or team
	Schedule string `yaml:"schedule"`  // cron, five fields
	TimeZone string `yaml:"time_zone"` // default: the time_zone of the file
	Channel  string `yaml:"channel"`   // name or id
}

// Tracker says where tickets are kept, and how that system is spoken to. What a
// kind has no use for must be empty.
type Tracker struct {
	Kind  string        `yaml:"kind"`  // builtin, redmine, jira, github, gitlab or servicenow
	URL   string        `yaml:"url"`   // where the system is; github and gitlab default to their public ones
	User  string        `yaml:"user"`  // whose token it is: Jira Cloud (an e-mail address) and ServiceNow
	Token secret.Secret `yaml:"token"` // API key, access token or password
	// Project is Redmine's identifier, Jira's key, GitHub's owner/name, GitLab's
	// path, or ServiceNow's table.
	Project string `yaml:"project"`
	// Projects are those of single owners, by their name in the catalog: GitHub
	// and GitLab.
	Projects map[string]string `yaml:"projects"`
	Type     string            `yaml:"type"` // Jira's issue type, Redmine's tracker
	API      int               `yaml:"api"`  // Jira: 2 for Data Center, 3 for Cloud
	// KeyField holds what a ticket was filed under: Redmine's custom field, by name
	// or number.
	KeyField   string            `yaml:"key_field"`
	OwnerField string            `yaml:"owner_field"` // Jira: assignee, components or customfield_12345
	TextFormat string            `yaml:"text_format"` // Redmine: textile or markdown, as set there
	Statuses   TrackerStatuses   `yaml:"statuses"`
	Owners     map[string]string `yaml:"owners"` // owner's name in the catalog -> its name there
	// Fields are sent with each creation, by the field's ID: Jira, where the project
	// demands more than Muster fills itself. A value is any that Jira takes.
	Fields     map[string]any `yaml:"fields"`
	Resolution string         `yaml:"resolution"` // Jira: set where a transition asks for one
	NoDue      bool           `yaml:"no_due"`     // Jira: leaves the due date out, where the project has no such field
	// CommentField is where ServiceNow's comments go: comments or work_notes.
	CommentField string `yaml:"comment_field"`
	CloseCode    string `yaml:"close_code"`  // ServiceNow: goes along with the resolution
	CloseNotes   string `yaml:"close_notes"` // the same, in words
	// TextLimit is how many characters ServiceNow's description takes, at least 3500;
	// 0 is what it is delivered with.
	TextLimit int `yaml:"text_limit"`
	// WebhookSecret signs what the system sends to /v1/trackers/<kind>.
	WebhookSecret secret.Secret `yaml:"webhook_secret"`
	// CallsPerMinute is the rate that calls stay under, over all replicas; 0 is
	// the kind's default.
	CallsPerMinute int `yaml:"calls_per_minute"`
}

// TrackerStatuses name the statuses of the system; an empty one is chosen by its
// category.
type TrackerStatuses struct {
	Open       string `yaml:"open"`
	InProgress string `yaml:"in_progress"`
	Done       string `yaml:"done"`
}

// Paging says how people are woken outside of Slack.
type Paging struct {
	Kind string `yaml:"kind"` // pagerduty, opsgenie, webhook; empty wakes nobody
	// URL is the base address of the service, its own when empty; for a webhook
	// the whole address.
	URL secret.URL `yaml:"url"`
	// Key is PagerDuty's integration key, the key of Opsgenie's API integration,
	// or what signs the webhook's deliveries.
	Key secret.Secret `yaml:"key"`
	// IncidentKey is the same for incident response; empty uses Key.
	IncidentKey secret.Secret `yaml:"incident_key"`
}

// Work tunes how due work is claimed and carried out.
type Work struct {
	Lease         time.Duration `yaml:"lease"`          // how long a claim holds without a sign of life
	UncertainWait time.Duration `yaml:"uncertain_wait"` // before an uncertain effect is looked up outside
	Poll          time.Duration `yaml:"poll"`           // fallback when no signal came
	Heartbeat     time.Duration `yaml:"heartbeat"`      // between comparisons of plan, tasks and effects
	Coalesce      time.Duration `yaml:"coalesce"`       // how long an edit of a message waits for further ones
	TrackPoll     time.Duration `yaml:"track_poll"`     // between two looks at what changed in the tracker
	Workers       int           `yaml:"workers"`        // claims carried out at the same time
}

// Pace keeps Muster below Slack's limits.
type Pace struct {
	MessagesPerChannelPerSecond float64 `yaml:"messages_per_channel_per_second"`
	MessagesPerMinute           int     `yaml:"messages_per_minute"` // of the whole workspace
	// Factor multiplies every rate, those of other calls included, above 0:
	// above 1 where Slack has agreed to more, or for a stand-in of Slack.
	Factor float64 `yaml:"factor"`
}

// Default returns the configuration of an empty file.
func Default() Config {
	return Config{
		Store:          secret.NewURL("bolt://./muster.db"),
		Listen:         "127.0.0.1:8080",
		Company:        "Our company",
		TimeZone:       "UTC",
		Log:            Log{Level: "info", Format: "text"},
		Slack:          Slack{Mode: "socket", APIURL: "https://slack.com/api/"},
		CommandChannel: "muster-command",
		Brakes:         Brakes{SecondPersonAbove: 50, AdmissionPerDay: 25, AdmissionShare: 0.10},
		Review:         Review{Quorum: 2},
		Inventory:      Inventory{FreshFor: 7 * 24 * time.Hour},
		Ownership:      Ownership{Trust: []string{"backstage", "csv", "codeowners"}},
		Tracker:        Tracker{Kind: "builtin"},
		Work: Work{
			Lease: 30 * time.Second, UncertainWait: 2 * time.Minute,
			Poll: time.Second, Heartbeat: 15 * time.Second, Coalesce: 30 * time.Second, TrackPoll: 30 * time.Second, Workers: 8,
		},
		Pace: Pace{MessagesPerChannelPerSecond: 1, MessagesPerMinute: 300, Factor: 1},
	}
}
