package advisory

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/musterbot/muster/campaign"
)

// Bounds of one record. The largest public records are a few megabytes, and
// none nests deeper than about ten levels.
const (
	MaxRecordBytes = 16 << 20
	maxRecordDepth = 32
	maxRecordItems = 400_000 // entries, ranges, events and listed versions
)

// record is the part of an OSV record that matching needs.
type record struct {
	ID        string     `json:"id"`
	Aliases   []string   `json:"aliases"`
	Summary   string     `json:"summary"`
	Modified  time.Time  `json:"modified"`
	Withdrawn *time.Time `json:"withdrawn"`
	Affected  []affected `json:"affected"`
	DataType  string     `json:"dataType"` // of a CVE record, which is no OSV record
}

type affected struct {
	Package struct {
		Ecosystem string `json:"ecosystem"`
		Name      string `json:"name"`
	} `json:"package"`
	Ranges   []versionRange `json:"ranges"`
	Versions []string       `json:"versions"`
}

type versionRange struct {
	Type   string  `json:"type"`
	Events []event `json:"events"`
}

type event struct {
	Introduced   string `json:"introduced"`
	Fixed        string `json:"fixed"`
	LastAffected string `json:"last_affected"`
	Limit        string `json:"limit"`
}

// usable returns whether the entry says anything that a scan can be compared
// with. Commit ranges cannot.
func (a affected) usable() bool {
	return a.Package.Name != "" && a.Package.Ecosystem != "" &&
		(len(a.Versions) > 0 || slices.ContainsFunc(a.Ranges, versionRange.usable))
}

func (r versionRange) usable() bool {
	return r.Type != "GIT" && slices.ContainsFunc(r.Events, func(e event) bool { return e.Introduced != "" })
}

// ReadAdvisory reads one OSV record, JSON or YAML. It refuses, with Invalid, what
// is not one record, is too large, was withdrawn, or names no versions at all.
func (Matcher) ReadAdvisory(raw []byte) (campaign.Advisory, error) {
	raw, err := asJSON(raw)
	if err != nil {
		return campaign.Advisory{}, err
	}
	rec, err := decodeRecord(raw)
	if err != nil {
		return campaign.Advisory{}, err
	}
	adv := campaign.Advisory{
		ID: rec.ID, Aliases: rec.Aliases, Summary: rec.Summary, Modified: rec.Modified,
		Raw: bytes.Clone(raw),
	}
	named := map[string]bool{}
	for _, a := range rec.Affected {
		name := a.Package.Ecosystem + ":" + a.Package.Name
		if a.usable() && !named[name] {
			named[name] = true
			adv.Packages = append(adv.Packages, name)
		}
	}
	return adv, nil
}

// asJSON returns the record as JSON. What begins like YAML's mapping is taken
// for YAML.
func asJSON(raw []byte) ([]byte, error) {
	raw = bytes.TrimSpace(bytes.TrimPrefix(raw, []byte("\uFEFF")))
	if len(raw) == 0 || len(raw) > MaxRecordBytes || bytes.IndexByte([]byte("{[<"), raw[0]) >= 0 {
		return raw, nil
	}
	return fromYAML(raw)
}

func decodeRecord(raw []byte) (record, error) {
	if len(raw) > MaxRecordBytes {
		return record{}, refuse(nil, "The advisory is larger than %d MB, which no OSV record is. Nothing was kept; give one record a file.", MaxRecordBytes>>20)
	}
	if depth(raw) > maxRecordDepth {
		return record{}, refuse(nil, "The advisory nests deeper than %d levels, which no OSV record does. Nothing was kept.", maxRecordDepth)
	}
	if bytes.Count(raw, []byte("{")) > maxRecordItems || bytes.Count(raw, []byte(",")) > maxRecordItems {
		return record{}, refuse(nil, "The advisory has more than %d entries, which no OSV record has. Nothing was kept.", maxRecordItems)
	}
	if first := bytes.TrimSpace(raw); len(first) > 0 && first[0] == '[' {
		return record{}, refuse(nil, "The file holds a list, not one OSV record. Nothing was kept; give each record a file of its own.")
	}
	var rec record
	if err := json.Unmarshal(raw, &rec); err != nil {
		return record{}, refuse(err, "The advisory is not a readable OSV record (JSON or YAML)%s. Nothing was kept; fetch it again, e.g. from osv.dev.", where(err))
	}
	return rec, rec.check()
}

func (rec record) check() error {
	switch {
	case strings.HasPrefix(rec.DataType, "CVE_RECORD"):
		return refuse(nil, "This is a record of the CVE list, whose versions are no ranges that can be compared. Nothing was kept; take the record of OSV (osv.dev) for the same ID.")
	case rec.ID == "":
		return refuse(nil, "The advisory has no \"id\", so it is not an OSV record. Nothing was kept.")
	case rec.Withdrawn != nil:
		return refuse(nil, "%s was withdrawn on %s. It was not used; look for the record that replaces it.", rec.ID, rec.Withdrawn.UTC().Format(time.DateOnly))
	case slices.ContainsFunc(rec.Affected, affected.usable):
		return nil
	case slices.ContainsFunc(rec.Affected, func(a affected) bool { return len(a.Ranges) > 0 }):
		return refuse(nil, "%s names commits only (GIT ranges), and scans do not list commits. It was not used; set floors by hand, or take the record of another database.", rec.ID)
	}
	return refuse(nil, "%s has no version ranges and no versions, so nothing can be compared with it. It was not used; set floors by hand, or start with a name pattern.", rec.ID)
}

func refuse(cause error, format string, args ...any) error {
	return &campaign.Error{Kind: campaign.Invalid, Message: fmt.Sprintf(format, args...), Err: cause}
}

// where says at which byte or field reading stopped.
func where(err error) string {
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Sprintf(": it breaks off at byte %d", e.Offset)
	}
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && e.Field != "" {
		return fmt.Sprintf(": the field %q at byte %d holds a %s", e.Field, e.Offset, e.Value)
	}
	return ""
}

// depth returns how deep JSON text nests, without parsing it.
func depth(raw []byte) int {
	deepest, now := 0, 0
	for i, inString := 0, false; i < len(raw); i++ {
		switch c := raw[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			now++
			deepest = max(deepest, now)
		case c == '}' || c == ']':
			now--
		}
	}
	return deepest
}

// baseEcosystem splits an OSV ecosystem into its name and release:
// "Debian:11" is Debian, 11.
func baseEcosystem(s string) (name, release string) {
	name, release, _ = strings.Cut(s, ":")
	return name, release
}
