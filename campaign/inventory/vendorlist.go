package inventory

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/musterbot/muster/campaign"
)

// The columns of a list of products, and of one of statements: a file that has a
// status column is the latter.
var (
	productColumns   = []string{"vendor", "product", "version", "owner", "service", "exposure", "environment", "tier"}
	statementColumns = []string{"vendor", "product", "status", "cve", "versions", "fixed", "link", "updated"}
	vendorRequired   = []string{"vendor", "product"}
)

// Bounds of the agencies' list in YAML.
const (
	maxVendorBytes   = 64 << 20
	maxVendorEntry   = 64 << 10 // one product with all that is said of it
	maxVendorEntries = campaign.MaxVendorStatements
)

// ReadVendorFile opens and reads what a company runs of vendors, or what those say.
func ReadVendorFile(path string) (campaign.VendorList, []campaign.Refusal) {
	f, err := os.Open(path)
	if err != nil {
		return campaign.VendorList{}, []campaign.Refusal{{File: path, Problem: "cannot be opened: " + reason(err) + ". It was left out; check the path and its permissions."}}
	}
	defer f.Close()
	return ReadVendors(f, path)
}

// ReadVendors reads a file about products of vendors: a table of products that the
// company runs (vendor, product, and if you like version, owner, service, exposure,
// environment, tier), a table of statements (with a column status: affected,
// not_affected, fixed, under_investigation), or the agencies' list in YAML, as
// https://github.com/cisagov/log4j-affected-db publishes it. An entry that cannot
// be used is refused with its position, and the rest goes on; what breaks the file
// as a whole refuses all of it.
func ReadVendors(r io.Reader, file string) (campaign.VendorList, []campaign.Refusal) {
	limited := &bounds{r: r, max: maxVendorBytes}
	in := bufio.NewReaderSize(limited, sniffBytes)
	name := strings.ToLower(file)
	if strings.HasSuffix(name, ".yml") || strings.HasSuffix(name, ".yaml") {
		return readAgencies(in, file)
	}
	head, _ := in.Peek(sniffBytes)
	line, _, _ := bytes.Cut(head, []byte("\n"))
	statements := strings.Contains(strings.ToLower(string(line)), "status")
	columns := productColumns
	if statements {
		columns = statementColumns
	}
	t, remarks, err := openTable(in, limited, file, vendorRequired, columns)
	if err != nil {
		return campaign.VendorList{}, []campaign.Refusal{csvRefusal(file, err)}
	}
	var list campaign.VendorList
	refused, err := t.each(func() *campaign.Refusal {
		if statements {
			return t.statement(&list)
		}
		return t.product(&list)
	})
	if err != nil {
		return campaign.VendorList{}, []campaign.Refusal{csvRefusal(file, err)}
	}
	return list, append(remarks, refused...)
}

func (t *table) product(list *campaign.VendorList) *campaign.Refusal {
	refuse := func(format string, args ...any) *campaign.Refusal {
		r := t.refuse(format, args...)
		return &r
	}
	exposure, ok := campaign.ParseExposure(t.field("exposure"))
	p := campaign.Product{
		Vendor: t.field("vendor"), Name: t.field("product"), Owner: t.field("owner"), Service: t.field("service"),
		Exposure: exposure, Environment: t.field("environment"), Tier: t.field("tier"),
	}
	if version := t.field("version"); version != "" {
		p.Versions = []string{version}
	}
	switch {
	case p.Vendor == "" || p.Name == "":
		return refuse("names no vendor or no product. The row was left out.")
	case !ok:
		return refuse("has an unknown exposure. The row was left out; use exposed, internal, isolated, or leave it blank.")
	case len(list.Products) == campaign.MaxProducts:
		return refuse("is beyond the %d products that a campaign takes. The row was left out.", campaign.MaxProducts)
	}
	list.Products = append(list.Products, p)
	return nil
}

func (t *table) statement(list *campaign.VendorList) *campaign.Refusal {
	refuse := func(format string, args ...any) *campaign.Refusal {
		r := t.refuse(format, args...)
		return &r
	}
	s := campaign.VendorStatement{Source: campaign.SourceTable, Vendor: t.field("vendor"), Product: t.field("product"), Link: t.field("link")}
	versions, claim := splitVersions(t.field("versions")), campaign.VendorClaim{CVE: strings.ToUpper(t.field("cve")), Investigated: true, Fixed: splitVersions(t.field("fixed"))}
	if len(versions) == 0 {
		versions = []string{"All"}
	}
	switch status := strings.NewReplacer("-", "_", " ", "_").Replace(strings.ToLower(t.field("status"))); status {
	case "affected":
		claim.Affected = versions
	case "not_affected", "unaffected":
		claim.Unaffected = versions
	case "fixed":
		if len(claim.Fixed) == 0 {
			claim.Fixed = versions
		}
	case "under_investigation", "investigating":
	default:
		return refuse("has the status %.40q. The row was left out; use affected, not_affected, fixed or under_investigation.", status)
	}
	if text := t.field("updated"); text != "" {
		at, ok := agencyTime(text)
		if !ok {
			return refuse("has a time of update that cannot be read. The row was left out; write it like 2021-12-17 or 2021-12-17T08:00:00Z.")
		}
		s.Updated = at
	}
	switch {
	case s.Vendor == "":
		return refuse("names no vendor. The row was left out.")
	case len(list.Statements) == maxVendorEntries:
		return refuse("is beyond the %d statements that a campaign takes. The row was left out.", maxVendorEntries)
	}
	s.Claims = []campaign.VendorClaim{claim}
	list.Statements = append(list.Statements, s)
	return nil
}

func splitVersions(text string) []string {
	var versions []string
	for _, version := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ';' }) {
		if version = strings.TrimSpace(version); version != "" { // "3800 SP2" is one
			versions = append(versions, version)
		}
	}
	return versions
}

// agencyEntry is one product of the agencies' list.
type agencyEntry struct {
	Vendor  string `yaml:"vendor"`
	Product string `yaml:"product"`
	CVEs    map[string]struct {
		Investigated bool     `yaml:"investigated"`
		Affected     []string `yaml:"affected_versions"`
		Fixed        []string `yaml:"fixed_versions"`
		Unaffected   []string `yaml:"unaffected_versions"`
	} `yaml:"cves"`
	Links   []string `yaml:"vendor_links"`
	Notes   string   `yaml:"notes"`
	Updated string   `yaml:"last_updated"`
}

// readAgencies reads the list entry by entry: as a whole it would take the YAML
// parser some hundred bytes for each of its values.
func readAgencies(in *bufio.Reader, file string) (campaign.VendorList, []campaign.Refusal) {
	var list campaign.VendorList
	var refused []campaign.Refusal
	entries := agencyEntries{in: in}
	for {
		text, line, err := entries.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return campaign.VendorList{}, []campaign.Refusal{refusal(file, fmt.Sprintf("line %d", line), err)}
		}
		s, problem := agencyStatement(text)
		if problem == "" && len(list.Statements) == maxVendorEntries {
			return campaign.VendorList{}, []campaign.Refusal{refusal(file, fmt.Sprintf("line %d", line), problemf("has more than %d entries", maxVendorEntries))}
		}
		if problem != "" {
			if len(refused) < maxRemarks {
				refused = append(refused, campaign.Refusal{File: file, Position: fmt.Sprintf("line %d", line), Problem: problem + " The entry was left out."})
			}
			continue
		}
		list.Statements = append(list.Statements, s)
	}
	if !entries.software {
		return list, []campaign.Refusal{{File: file, Position: "line 1", Problem: `has no list "software", so it is not the agencies' list. Nothing of it was used.`}}
	}
	return list, refused
}

func agencyStatement(text []byte) (campaign.VendorStatement, string) {
	var e agencyEntry
	if err := yaml.Unmarshal(text, &e); err != nil {
		return campaign.VendorStatement{}, "cannot be read as YAML."
	}
	s := campaign.VendorStatement{Source: campaign.SourceAgencies, Vendor: strings.TrimSpace(e.Vendor), Product: strings.TrimSpace(e.Product), Notes: strings.TrimSpace(e.Notes)}
	if s.Vendor == "" {
		return s, "names no vendor."
	}
	for _, link := range e.Links {
		if link = strings.TrimSpace(link); strings.HasPrefix(link, "https://") || strings.HasPrefix(link, "http://") {
			s.Link = link
			break
		}
	}
	for _, cve := range slices.Sorted(maps.Keys(e.CVEs)) {
		c := e.CVEs[cve]
		if c.Investigated || len(c.Affected)+len(c.Fixed)+len(c.Unaffected) > 0 {
			s.Claims = append(s.Claims, campaign.VendorClaim{CVE: strings.ToUpper(cve), Investigated: c.Investigated, Affected: c.Affected, Fixed: c.Fixed, Unaffected: c.Unaffected})
		}
	}
	s.Updated, _ = agencyTime(e.Updated)
	return s, ""
}

// agencyTime reads the forms of time that stand in the agencies' list.
func agencyTime(text string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", time.DateTime, time.DateOnly} {
		if at, err := time.Parse(layout, strings.TrimSpace(text)); err == nil {
			return at.UTC(), true
		}
	}
	return time.Time{}, false
}

// agencyEntries cuts the list "software" into its entries.
type agencyEntries struct {
	in       *bufio.Reader
	software bool // its head was seen
	indent   int  // of the dashes
	line     int
	ahead    []byte // the first line of the next entry
	ended    bool
}

// next returns the text of an entry, as a mapping, and the line that it begins in;
// io.EOF after the last.
func (a *agencyEntries) next() ([]byte, int, error) {
	var entry []byte
	begun := a.line
	if a.ahead != nil {
		entry, a.ahead = a.ahead, nil
	}
	for !a.ended {
		line, err := a.read()
		if errors.Is(err, io.EOF) {
			a.ended = true
			break
		}
		if err != nil {
			return nil, a.line, err
		}
		body := bytes.TrimLeft(line, " ")
		indent := len(line) - len(body)
		switch blank := len(bytes.TrimSpace(body)) == 0 || body[0] == '#'; {
		case !a.software:
			a.software = bytes.HasPrefix(line, []byte("software:"))
			a.indent = -1
			continue
		case blank && entry == nil:
			continue
		case bytes.HasPrefix(body, []byte("- ")) && (a.indent < 0 || indent == a.indent):
			a.indent = indent
			fresh := append(bytes.Repeat([]byte(" "), indent+2), body[2:]...)
			if entry != nil {
				a.ahead = fresh
				return entry, begun, nil
			}
			entry, begun = fresh, a.line
			continue
		case !blank && indent <= a.indent: // another list, or the end of this one
			a.ended = true
			continue
		case entry == nil:
			return nil, a.line, problemf("has something in its list %q that is no entry", "software")
		}
		if entry = append(entry, line...); len(entry) > maxVendorEntry {
			return nil, a.line, problemf("has an entry larger than %d KB", maxVendorEntry>>10)
		}
	}
	if entry == nil {
		return nil, a.line, io.EOF
	}
	return entry, begun, nil
}

// read returns the next line with its end.
func (a *agencyEntries) read() ([]byte, error) {
	var line []byte
	for {
		part, err := a.in.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > maxVendorEntry:
			return nil, problemf("has a line longer than %d KB", maxVendorEntry>>10)
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(line) == 0:
			return nil, io.EOF
		case err != nil && !errors.Is(err, io.EOF):
			return nil, err
		}
		a.line++
		return line, nil
	}
}
