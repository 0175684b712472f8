package command

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/musterbot/muster/campaign"
)

func (c commands) create(ctx context.Context, call Call) (campaign.Message, error) {
	n := campaign.NewCampaign{Zone: zoneOf(call), Channel: call.Channel}
	raw, err := c.advisory(ctx, call)
	switch {
	case err != nil:
		return campaign.Message{}, err
	case raw != nil:
		n.Advisory = raw
	default:
		title := call.Words
		if len(title) == 1 && nearlyID.MatchString(title[0]) {
			return campaign.Message{}, campaign.Refuse(campaign.Invalid, fmt.Sprintf("%s is not the ID of an advisory as they are written: `CVE-2021-44228`, `GHSA-jfh8-c2jp-5v3q`. Nothing was started. To start by a name: `/campaign new \"log4j RCE\" for log4j-core`.", campaign.Escape(title[0])))
		}
		if len(title) == 2 && strings.EqualFold(title[0], "for") {
			return campaign.Message{}, campaign.Refuse(campaign.Invalid, fmt.Sprintf("Give it a title, too: `/campaign new \"log4j RCE\" for %s`. Nothing was started.", campaign.Escape(title[1])))
		}
		if i := len(title) - 2; i >= 1 && strings.EqualFold(title[i], "for") {
			n.Pattern, title = title[i+1], title[:i]
		}
		n.Title = strings.Join(title, " ")
	}
	return c.Engine.New(ctx, call.Request, n)
}

// zoneOf returns the zone of the person who typed, "" for UTC: then the
// company's counts.
func zoneOf(call Call) string {
	if zone := call.Now.Location().String(); zone != "UTC" && zone != "Local" {
		return zone
	}
	return ""
}

// advisory returns the record that was pasted or named; nil when neither was.
func (c commands) advisory(ctx context.Context, call Call) ([]byte, error) {
	if text := campaign.Typed(call.Text, campaign.AsWords, nil); strings.HasPrefix(text, "{") {
		if !json.Valid([]byte(text)) {
			text = straight.Replace(text) // Slack makes quotes smart, and JSON of them none
		}
		return []byte(text), nil
	}
	if len(call.Words) != 1 || !advisoryID.MatchString(call.Words[0]) {
		return nil, nil
	}
	return Lookup(ctx, c.Lookup, call.Words[0])
}

// Lookup fetches an advisory by its ID, or says that no source is configured.
func Lookup(ctx context.Context, source func(context.Context, string) ([]byte, error), id string) ([]byte, error) {
	if source == nil {
		return nil, campaign.Refuse(campaign.Invalid, "No advisory source is configured, so "+string(campaign.Escape(id))+
			" cannot be looked up. Nothing was changed. Paste the record as OSV JSON, or start by name: `/campaign new \"log4j RCE\"`.")
	}
	return source(ctx, id)
}

func (c commands) show(ctx context.Context, call Call) (campaign.Message, error) {
	return c.Engine.Show(ctx, call.Campaign.ID)
}

func (c commands) list(ctx context.Context, _ Call) (campaign.Message, error) {
	return c.Engine.List(ctx)
}

func (c commands) edit(ctx context.Context, call Call) (campaign.Message, error) {
	fields, err := options(call.Words, "title", "zone", "waiver", "exploited", "grouping", "deputy", "waves")
	if err != nil {
		return campaign.Message{}, err
	}
	var e campaign.CampaignEdit
	for name, words := range fields {
		value := said(words)
		switch name {
		case "title":
			e.Title = &value
		case "zone":
			e.Zone = &value
		case "waiver":
			e.Waiver = &value
		case "exploited":
			yes, err := yesNo(value)
			if err != nil {
				return campaign.Message{}, err
			}
			e.Exploited = &yes
		case "grouping":
			g := campaign.Grouping(value)
			if err := g.Check(); err != nil {
				return campaign.Message{}, err
			}
			e.Grouping = &g
		case "deputy":
			p, err := c.whom(ctx, strings.Join(words, " "))
			if err != nil {
				return campaign.Message{}, err
			}
			e.Deputy = &p
		case "waves":
			split, shares, err := waves(words)
			if err != nil {
				return campaign.Message{}, err
			}
			e.Waves, e.Shares = &split, shares
		}
	}
	return c.Engine.Edit(ctx, call.Request, call.Campaign.ID, e)
}

func (c commands) attach(ctx context.Context, call Call) (campaign.Message, error) {
	raw, err := c.advisory(ctx, call)
	if err != nil {
		return campaign.Message{}, err
	}
	if raw == nil {
		return campaign.Message{}, campaign.Refuse(campaign.Invalid, "Please give an advisory's ID or paste the record as OSV JSON. Nothing was changed.")
	}
	return c.Engine.Attach(ctx, call.Request, call.Campaign.ID, raw)
}

func (c commands) track(ctx context.Context, call Call) (campaign.Message, error) {
	if len(call.Words) == 0 {
		return campaign.Message{}, campaign.Refuse(campaign.Invalid, "Which track? For example `/campaign track mitigate due fri 17:00`. Nothing was changed.")
	}
	e := campaign.TrackEdit{Name: call.Words[0]}
	_, text := firstWord(call.Text)
	// Instructions keep their lines, so they are taken as they were typed.
	if before, after, found := cutWord(text, "instructions"); found {
		typed := campaign.Typed(after, campaign.AsMarkdown, campaign.Names(ctx, c.Directory, call.Request.Actor))
		text, e.Instructions = before, strings.Trim(straight.Replace(typed), "\" \n")
	}
	var fields map[string][]string
	if e.Instructions == "" || strings.TrimSpace(text) != "" {
		var err error
		if fields, err = options(split(campaign.Typed(text, campaign.AsWords, nil)), "due", "proof", "methods", "kind"); err != nil {
			return campaign.Message{}, err
		}
	}
	e.Kind = campaign.TrackKind(strings.Join(fields["kind"], " "))
	e.Proof = campaign.Proof(strings.ReplaceAll(strings.Join(fields["proof"], "_"), "-", "_"))
	if e.Proof != "" && e.Proof != campaign.ProofScan && e.Proof != campaign.ProofSecondPerson && e.Proof != campaign.ProofAttestation {
		return campaign.Message{}, campaign.Refuse(campaign.Invalid, "A track is proven by `scan`, `second_person` or `attestation`. Nothing was changed.")
	}
	e.Methods = List(strings.Join(fields["methods"], " "))
	if words, given := fields["due"]; given {
		at, rest, ok := when(words, call.Now)
		if !ok || len(rest) > 0 {
			return campaign.Message{}, badTime(words)
		}
		e.Due = at
	}
	return c.Engine.SetTrack(ctx, call.Request, call.Campaign.ID, e)
}

// cutWord cuts a text at a word that stands alone.
func cutWord(text, word string) (before, after string, found bool) {
	for i := 0; ; {
		j := strings.Index(strings.ToLower(text[i:]), word)
		if j < 0 || len(strings.ToLower(text)) != len(text) {
			return text, "", false
		}
		at, end := i+j, i+j+len(word)
		before, _ := utf8.DecodeLastRuneInString(text[:at])
		after, _ := utf8.DecodeRuneInString(text[end:])
		if (at == 0 || unicode.IsSpace(before)) && (end == len(text) || after == ':' || unicode.IsSpace(after)) {
			return text[:at], strings.TrimPrefix(text[end:], ":"), true
		}
		i = end
	}
}

// List reads values between commas.
func List(text string) []string {
	var out []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

func (c commands) floor(ctx context.Context, call Call) (campaign.Message, error) {
	if len(call.Words) < 2 {
		return campaign.Message{}, campaign.Refuse(campaign.Invalid, "A floor needs a package, a version and a reason, for example `/campaign floor log4j-core 2.12=2.12.2 \"the backport for Java 7\"`. Nothing was changed.")
	}
	f := campaign.Floor{Package: call.Words[0], Fixed: call.Words[1], Reason: strings.Join(call.Words[2:], " ")}
	if branch, fixed, found := strings.Cut(f.Fixed, "="); found {
		f.Branch, f.Fixed = branch, fixed
	}
	return c.Engine.SetFloor(ctx, call.Request, call.Campaign.ID, f)
}

// options reads "name value… name value…"; a value reaches to the next name.
func options(words []string, names ...string) (map[string][]string, error) {
	out := map[string][]string{}
	name := ""
	for _, word := range words {
		if given, value, found := strings.Cut(word, "="); found && indexFold(names, given) >= 0 { // waves=organisation
			name = names[indexFold(names, given)]
			if out[name] = nil; value != "" {
				out[name] = []string{value}
			}
			continue
		}
		if i := indexFold(names, strings.TrimSuffix(word, ":")); i >= 0 && (name == "" || len(out[name]) > 0) {
			name = names[i]
			out[name] = nil
			continue
		}
		if name == "" {
			return nil, campaign.Refuse(campaign.Invalid, "I do not understand `"+strings.ReplaceAll(string(campaign.Escape(clip(word, 40))), "`", "'")+
				"` here. Nothing was changed. What can be set: `"+strings.Join(names, "`, `")+"`.")
		}
		out[name] = append(out[name], word)
	}
	for name, value := range out {
		if len(value) == 0 {
			return nil, campaign.Refuse(campaign.Invalid, "`"+name+"` has no value. Nothing was changed.")
		}
	}
	if len(out) == 0 {
		return nil, campaign.Refuse(campaign.Invalid, "There is nothing to change. What can be set: `"+strings.Join(names, "`, `")+"`.")
	}
	return out, nil
}

func indexFold(names []string, word string) int {
	for i, name := range names {
		if strings.EqualFold(name, word) {
			return i
		}
	}
	return -1
}

func yesNo(word string) (bool, error) {
	switch strings.ToLower(word) {
	case "yes", "y", "true", "on":
		return true, nil
	case "no", "n", "false", "off":
		return false, nil
	}
	return false, campaign.Refuse(campaign.Invalid, "Please say yes or no. Nothing was changed.")
}

// person finds who is meant by a mention, a name or an address.
func (c commands) person(ctx context.Context, word string) (campaign.Person, error) {
	if m := mentioned.FindStringSubmatch(word); m != nil {
		word = m[1]
	}
	if strings.Contains(strings.TrimPrefix(word, "@"), "@") {
		u, err := c.Directory.ByEmail(ctx, word)
		return u.Person, err
	}
	u, err := c.Directory.Named(ctx, word)
	return u.Person, err
}
