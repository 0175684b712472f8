package configs

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Validate checks that every value makes sense, and what the further checks
// find, and returns all of it as Problems at once; nil when nothing is wrong.
// It is silent about values that Load refused already. Pass ReadyToServe before starting the service.
func (c Config) Validate(further ...func(Config) []Problem) error {
	checks := append([]func(Config) []Problem{
		checkPlaces, checkNames, checkSlack, checkRoles, checkBrakes, checkDigests, checkAPI, checkWork, checkPaging, checkTracker,
	}, further...)
	var found Problems
	for _, check := range checks {
		for _, p := range check(c) {
			if c.unread[p.Path] {
				continue
			}
			if p.Where == "" {
				p.Where = c.origins[p.Path]
			}
			found = append(found, p)
		}
	}
	return found.asError()
}

// ReadyToServe checks that what the service cannot do without is there.
func ReadyToServe(c Config) []Problem {
	var found []Problem
	need := func(missing bool, path, what, do string) {
		if missing {
			found = append(found, Problem{Path: path, What: what, Do: do + " The variable is " + variable(path) + "."})
		}
	}
	need(c.Slack.BotToken.IsZero(), "slack.bot_token", "it is needed to speak to Slack",
		"Copy the bot token (xoxb-…) from the app's page OAuth & Permissions.")
	need(c.Slack.Mode == "socket" && c.Slack.AppToken.IsZero(), "slack.app_token", "Socket Mode needs it",
		"Make an app-level token (xapp-…) with connections:write on the app's page Basic Information.")
	need(c.Slack.Mode == "http" && c.Slack.SigningSecret.IsZero(), "slack.signing_secret", "HTTP mode needs it",
		"Copy it from the app's page Basic Information.")
	need(c.Paging.Kind != "" && c.Paging.Key.IsZero(), "paging.key", "pages go nowhere without it", pagingKeys[c.Paging.Kind])
	need(len(c.Roles.Commander) == 0, "roles.commander", "nobody may start a campaign",
		"List the user ids (U…) or user-group ids (S…) of your security leads.")
	return found
}

var storeSchemes = []string{"bolt", "redis", "rediss", "redis+sentinel", "redis+cluster"}

func checkPlaces(c Config) []Problem {
	var found []Problem
	if what := storeProblem(c.Store.Reveal()); what != "" {
		found = append(found, Problem{
			Path: "store", What: what,
			Do: "Write bolt://PATH for one process, or redis://, rediss://, redis+sentinel:// or redis+cluster://" +
				" with a host; percent-encode special characters of a password.",
		})
	}
	if _, port, err := net.SplitHostPort(c.Listen); err != nil || !isPort(port) {
		found = append(found, Problem{
			Path: "listen", What: fmt.Sprintf("%q is not host:port", c.Listen),
			Do: "Write for example 127.0.0.1:8080; an empty host listens on all addresses.",
		})
	}
	found = append(found, tokenAddress("slack.api_url", c.Slack.APIURL)...)
	if dir := c.Inventory.Watch; dir != "" {
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			found = append(found, Problem{Path: "inventory.watch", What: "there is no folder " + strconv.Quote(dir), Do: "Make the folder, or leave the key out."})
		}
	}
	if file := c.Inventory.KEV; file != "" {
		if info, err := os.Stat(file); err != nil || info.IsDir() {
			found = append(found, Problem{
				Path: "inventory.kev", What: "there is no file " + strconv.Quote(file),
				Do: "Fetch known_exploited_vulnerabilities.json from CISA to that place, or leave the key out.",
			})
		}
	}
	if c.Inventory.OSVURL != "" {
		found = append(found, webAddress("inventory.osv_url", c.Inventory.OSVURL)...)
	}
	return found
}

// storeProblem says what is wrong with a store's address, without repeating it.
func storeProblem(address string) string {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return "the address cannot be read"
	case !slices.Contains(storeSchemes, u.Scheme):
		return "this is not a kind of store"
	case u.Scheme == "bolt" && u.Host+u.Path == "":
		return "the address names no file"
	case u.Scheme != "bolt" && u.Host == "":
		return "the address names no host"
	}
	return ""
}

func isPort(text string) bool {
	n, err := strconv.Atoi(text)
	return err == nil && n >= 0 && n <= 65535
}

func webAddress(path, address string) []Problem {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return []Problem{{Path: path, What: "it is not a web address", Do: "Write https://HOST/PATH."}}
	}
	return nil
}

// tokenAddress is webAddress for one that a credential is sent to: in clear within
// one's own network only.
func tokenAddress(path, address string) []Problem {
	if found := webAddress(path, address); found != nil {
		return found
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme == "https" || isNearby(u.Hostname()) {
		return nil
	}
	return []Problem{{
		Path: path, What: "credentials would go over the network in clear",
		Do: "Write https://HOST/PATH; http:// is for your own network: 127.0.0.1, 10.1.2.3, or a name without a dot.",
	}}
}

// isNearby reports whether a host is this machine, or by its form one of the same
// network: a private address, or a name that no public one can be.
func isNearby(host string) bool {
	ip := net.ParseIP(host)
	return ip.IsLoopback() || ip.IsPrivate() || ip == nil && host != "" && !strings.Contains(host, ".")
}

// channel is a Slack channel's id, or its name with or without "#".
var channel = regexp.MustCompile(`^(?:[CG][A-Z0-9]{2,}|#?[\p{Ll}\p{Lo}\p{N}_-]{1,80})$`)

func checkNames(c Config) []Problem {
	var found []Problem
	if strings.TrimSpace(c.Company) == "" {
		found = append(found, Problem{Path: "company", What: "it is empty", Do: "Write the name that messages shall use."})
	}
	found = append(found, zone("time_zone", c.TimeZone)...)
	found = append(found, channelName("command_channel", c.CommandChannel)...)
	found = append(found, oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")...)
	found = append(found, oneOf("log.format", c.Log.Format, "text", "json")...)
	for _, source := range c.Ownership.Trust {
		found = append(found, oneOf("ownership.trust", source, "backstage", "csv", "codeowners")...)
	}
	return found
}

func zone(path, name string) []Problem {
	if _, err := time.LoadLocation(name); err != nil || name == "" || name == "Local" {
		return []Problem{{
			Path: path, What: fmt.Sprintf("%q is not a time zone", name),
			Do: "Write an IANA name such as UTC, Europe/Dublin or Australia/Sydney.",
		}}
	}
	return nil
}

func channelName(path, name string) []Problem {
	if channel.MatchString(name) {
		return nil
	}
	return []Problem{{
		Path: path, What: fmt.Sprintf("%q is not a channel", name),
		Do: `Write its id (C…), or its name: lower case, digits, "-" and "_", at most 80.`,
	}}
}

func oneOf(path, text string, known ...string) []Problem {
	if slices.Contains(known, text) {
		return nil
	}
	what := fmt.Sprintf("%q is not known here", text)
	if text == "" {
		what = "it is empty"
	}
	return []Problem{{Path: path, What: what, Do: "Write " + strings.Join(known, " or ") + "."}}
}

func checkSlack(c Config) []Problem {
	found := oneOf("slack.mode", c.Slack.Mode, "socket", "http")
	prefixes := []struct{ path, value, prefix string }{
		{"slack.bot_token", c.Slack.BotToken.Reveal(), "xoxb-"},
		{"slack.app_token", c.Slack.AppToken.Reveal(), "xapp-"},
	}
	for _, p := range prefixes {
		if p.value != "" && !strings.HasPrefix(p.value, p.prefix) {
			found = append(found, Problem{
				Path: p.path, What: "this is another kind of token",
				Do: "Use the one that begins with " + p.prefix + ".",
			})
		}
	}
	return found
}

var memberID = regexp.MustCompile(`^[UWS][A-Z0-9]{2,}$`)

func checkRoles(c Config) []Problem {
	lists := []struct {
		role    string
		members []string
	}{
		{"commander", c.Roles.Commander},
		{"reviewer", c.Roles.Reviewer},
		{"helper", c.Roles.Helper},
		{"executive", c.Roles.Executive},
		{"counsel", c.Roles.Counsel},
		{"auditor", c.Roles.Auditor},
		{"operator", c.Roles.Operator},
	}
	var found []Problem
	for _, list := range lists {
		path := "roles." + list.role
		for i, member := range list.members {
			if memberID.MatchString(member) {
				continue
			}
			entry := fmt.Sprintf("%s[%d]", path, i)
			where := c.origins[entry]
			if where == "" {
				where = c.origins[path]
			}
			found = append(found, Problem{
				Where: where, Path: entry,
				What: fmt.Sprintf("%q is neither a Slack user id nor a user-group id", member),
				Do:   "In Slack, open the profile or the group and copy its id (U…, W… or S…).",
			})
		}
	}
	return found
}

func checkBrakes(c Config) []Problem {
	found := atLeast("brakes.second_person_above", c.Brakes.SecondPersonAbove, 0)
	found = append(found, atLeast("brakes.admission_per_day", c.Brakes.AdmissionPerDay, 0)...)
	if c.Brakes.AdmissionShare < 0 || c.Brakes.AdmissionShare > 1 {
		found = append(found, Problem{
			Path: "brakes.admission_share", What: "it is not between 0 and 1",
			Do: "Write a share such as 0.10 for a tenth of the plan.",
		})
	}
	return append(found, atLeast("review.quorum", c.Review.Quorum, 1)...)
}

func checkDigests(c Config) []Problem {
	var found []Problem
	for i, d := range c.Digests {
		path := fmt.Sprintf("digests[%d]", i)
		entry := oneOf(path+".audience", d.Audience, "executives", "leads", "team")
		if len(strings.Fields(d.Schedule)) != 5 {
			entry = append(entry, Problem{
				Path: path + ".schedule", What: "a schedule has five fields",
				Do: `Write minute, hour, day, month and weekday, such as "0 9 * * 1-5".`,
			})
		}
		if d.TimeZone != c.TimeZone { // that one is checked already
			entry = append(entry, zone(path+".time_zone", d.TimeZone)...)
		}
		entry = append(entry, channelName(path+".channel", d.Channel)...)
		for _, p := range entry {
			if c.origins[p.Path] == "" { // a key that is missing: point to its digest
				p.Where = c.origins[path]
			}
			found = append(found, p)
		}
	}
	return found
}

func checkWork(c Config) []Problem {
	durations := []struct {
		path string
		d    time.Duration
	}{
		{"inventory.fresh_for", c.Inventory.FreshFor},
		{"work.lease", c.Work.Lease},
		{"work.uncertain_wait", c.Work.UncertainWait},
		{"work.poll", c.Work.Poll},
		{"work.heartbeat", c.Work.Heartbeat},
		{"work.coalesce", c.Work.Coalesce},
		{"work.track_poll", c.Work.TrackPoll},
	}
	var found []Problem
	for _, entry := range durations {
		if entry.d <= 0 {
			found = append(found, Problem{Path: entry.path, What: "it is not longer than zero", Do: "Write a duration such as 30s."})
		}
	}
	found = append(found, atLeast("work.workers", c.Work.Workers, 1)...)
	found = append(found, atLeast("pace.messages_per_minute", c.Pace.MessagesPerMinute, 1)...)
	if c.Pace.MessagesPerChannelPerSecond <= 0 {
		found = append(found, Problem{
			Path: "pace.messages_per_channel_per_second", What: "it is not more than zero",
			Do: "Slack allows about 1.",
		})
	}
	if c.Pace.Factor <= 0 {
		found = append(found, Problem{Path: "pace.factor", What: "it is not more than zero", Do: "Write 1 for Slack's documented rates."})
	}
	return found
}

func atLeast(path string, n, least int) []Problem {
	if n >= least {
		return nil
	}
	return []Problem{{Path: path, What: fmt.Sprintf("%d is too small", n), Do: fmt.Sprintf("Write %d or more.", least)}}
}
