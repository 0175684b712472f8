package campaign

// Audience is who a digest is for.
type Audience string

// The audiences.
const (
	ForExecutives Audience = "executives"
	ForLeads      Audience = "leads"
	ForTeam       Audience = "team"
)
