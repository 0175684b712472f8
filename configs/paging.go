package configs

// pagingKeys says where the key of each kind of paging comes from.
var pagingKeys = map[string]string{
	"pagerduty": "Add an Events API v2 integration to the service that is to be woken, and copy its integration key.",
	"opsgenie":  "Add an API integration to the team that is to be woken, and copy its key.",
	"webhook":   "Make up a long random text and give it to the receiver as well.",
}

func checkPaging(c Config) []Problem {
	var found []Problem
	p := c.Paging
	if p.Kind != "" {
		found = append(found, oneOf("paging.kind", p.Kind, sortedKeys(pagingKeys)...)...)
	}
	switch {
	case !p.URL.IsZero() && p.Kind != "webhook":
		found = append(found, tokenAddress("paging.url", p.URL.Reveal())...)
	case !p.URL.IsZero(): // its key signs, and is not sent
		found = append(found, webAddress("paging.url", p.URL.Reveal())...)
	case p.Kind == "webhook":
		found = append(found, Problem{
			Path: "paging.url", Where: c.origins["paging.kind"], What: "a webhook needs an address", Do: "Write https://HOST/PATH of its receiver.",
		})
	}
	if p.Kind == "webhook" && !p.IncidentKey.IsZero() {
		found = append(found, Problem{
			Path: "paging.incident_key", What: "a webhook has one key",
			Do: "Remove it; each delivery says in `route` whom it is for.",
		})
	}
	return found
}
