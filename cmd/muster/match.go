package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/advisory"
	"github.com/musterbot/muster/campaign/inventory"
)

// matchFlags are the flags of muster match.
type matchFlags struct {
	advisories []string
	inventory  []string
	floors     []string
	vex        []string
	kev        string
	pattern    string
	format     string
}

func newMatchCommand(std streams) *cobra.Command {
	var flags matchFlags
	cmd := &cobra.Command{
		Use:   "match (--advisory FILE|ID | --pattern NAME) --inventory PATH",
		Short: "Say which components of an inventory an advisory affects",
		Long: `Compare inventories with advisories, and print each component that is affected
or possibly affected: a near match, a missing version, a name pattern.

An advisory is an OSV record (JSON or YAML): a file, a folder of them, or an ID,
which is looked up where the configuration names an OSV source (inventory.osv_url).
An inventory is CycloneDX (JSON, XML), SPDX, Syft, Grype or Trivy (JSON), or a host
list (CSV with the columns asset and purl, and if you like service, scanned_at,
path, exposure, environment, tier), each also with gzip; a folder is read whole.
--pattern finds names where there is no record yet, and --floor sets a fixed
version by hand, for one branch or for all; it beats the records for its package.

--vex reads what suppliers say is not affected (CycloneDX or OpenVEX), and leaves
that out with its reason; a statement on one inventory document counts for that
document only. --kev reads CISA's catalogue and says what is exploited already.

What cannot be read is told on the error stream, and the rest goes on.

Exit status: 0 when nothing is affected or possibly affected, 3 when something
is, 2 when some input could not be read: then the answer is incomplete.`,
		Example: `  muster match --advisory GHSA-jfh8-c2jp-5v3q.json --inventory sboms/
  muster match --advisory a.json --advisory b.json --inventory shop.cdx.json --format json
  muster match --pattern 'log4j*' --inventory sboms/ --floor log4j-core@2.12=2.12.4`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return match(cmd, std, flags)
		},
	}
	cmd.Flags().StringArrayVar(&flags.advisories, "advisory", nil, "OSV record: a `file`, a folder or an ID (may be repeated)")
	cmd.Flags().StringArrayVar(&flags.vex, "vex", nil, "VEX `file` of what is not affected (may be repeated)")
	cmd.Flags().StringVar(&flags.kev, "kev", "", "CISA's catalogue of exploited vulnerabilities: a `file`")
	cmd.Flags().StringArrayVar(&flags.inventory, "inventory", nil, "inventory file or folder `path` (may be repeated)")
	cmd.Flags().StringVar(&flags.pattern, "pattern", "", "find `name`s, with * for anything; all matches are possible")
	cmd.Flags().StringArrayVar(&flags.floors, "floor", nil, "`package[@branch]=version`: the first fixed version (may be repeated)")
	cmd.Flags().StringVar(&flags.format, "format", "text", "text or json (one object a line)")
	return cmd
}

func match(cmd *cobra.Command, std streams, flags matchFlags) error {
	criteria, err := flags.criteria(cmd, std)
	if err != nil {
		return err
	}
	in, err := flags.input(criteria, std)
	if err != nil {
		return err
	}
	out := newFindingPrinter(std.out, flags.format)
	out.exploited = in.exploited
	read, refused := 0, 0
	for scan, remark := range (inventory.Reader{}).ReadScans(cmd.Context(), flags.inventory) {
		if remark != nil {
			fmt.Fprintln(std.err, describeRefusal(*remark))
			if !remark.Notice {
				refused++
			}
			continue
		}
		read++
		judge, err := in.judge(scan)
		if err != nil {
			return err
		}
		for _, c := range scan.Components {
			for _, f := range judge.Judge(c) {
				f.Asset, f.File = scan.Asset, scan.File
				if err := out.print(f); err != nil {
					return fmt.Errorf("print finding: %w", err)
				}
			}
			if len(in.statements) > 0 {
				tellExcused(std.err, scan, judge, c)
			}
		}
	}
	if err := out.close(read); err != nil {
		return fmt.Errorf("print findings: %w", err)
	}
	switch {
	case read == 0 && refused == 0:
		return badInput(errors.New("no inventory was found under --inventory, so nothing was compared; give SBOMs, scan reports or a CSV of hosts, or a folder that has some (docs/intake.md lists the formats)"))
	case refused > 0:
		return badInput(fmt.Errorf("%d of the inventory could not be used (above); the rest was compared, so the answer is incomplete", refused))
	case out.printed > 0:
		return errAffected
	}
	return nil
}

// tellExcused says what statements took out of the answer.
func tellExcused(w io.Writer, scan campaign.Scan, judge campaign.Judge, c campaign.Component) {
	excuser, ok := judge.(campaign.Excuser)
	if !ok {
		return
	}
	for _, f := range excuser.Excused(c) {
		fmt.Fprintln(w, cells(fmt.Sprintf("%s: %s on %s is left out: %s.", f.Advisory, c.PURL, scan.Asset, f.Why))[0])
	}
}

// criteria reads what to look for, and refuses a command line that looks for
// nothing, or nowhere.
func (f matchFlags) criteria(cmd *cobra.Command, std streams) (campaign.Criteria, error) {
	c := campaign.Criteria{Pattern: f.pattern}
	switch {
	case f.format != "text" && f.format != "json":
		return c, badInput(fmt.Errorf("--format %q is not known; write text or json", f.format))
	case len(f.inventory) == 0:
		return c, badInput(errors.New("no inventory is named; give a file or a folder with --inventory PATH"))
	case len(f.advisories) == 0 && f.pattern == "" && len(f.floors) == 0:
		return c, badInput(errors.New("nothing to look for is named; give --advisory FILE, or --pattern NAME where there is no record yet"))
	}
	for _, text := range f.floors {
		floor, err := parseFloor(text)
		if err != nil {
			return c, badInput(err)
		}
		c.Floors = append(c.Floors, floor)
	}
	files, err := advisoryFiles(f.advisories)
	if err != nil {
		return c, err
	}
	for _, name := range files {
		raw, err := readAdvisory(cmd, std, name)
		if err != nil {
			return c, err
		}
		adv, err := advisory.Matcher{}.ReadAdvisory(raw)
		if err != nil {
			return c, badInput(fmt.Errorf("%s: %w", name, saidPlainly(err)))
		}
		c.Advisories = append(c.Advisories, adv)
	}
	return c, nil
}

// parseFloor reads package[@branch]=version. The package may be a package URL,
// whose own = and @ are escaped or come before.
func parseFloor(text string) (campaign.Floor, error) {
	eq := strings.LastIndexByte(text, '=')
	if eq <= 0 || eq == len(text)-1 {
		return campaign.Floor{}, fmt.Errorf("--floor %q cannot be read; write package=version or package@branch=version, such as log4j-core@2.12=2.12.4", text)
	}
	floor := campaign.Floor{Package: text[:eq], Fixed: text[eq+1:], Reason: "given on the command line"}
	if at := strings.LastIndexByte(floor.Package, '@'); at > strings.LastIndexByte(floor.Package, '/')+1 {
		floor.Package, floor.Branch = floor.Package[:at], floor.Package[at+1:]
	}
	return floor, nil
}

// saidPlainly keeps the words for people and leaves the cause out.
func saidPlainly(err error) error {
	if campaign.KindOf(err) == campaign.Invalid {
		return badInput(errors.New(campaign.PublicMessage(err)))
	}
	return err
}

func describeRefusal(r campaign.Refusal) string {
	where := r.File
	if r.Position != "" {
		where += " (" + r.Position + ")"
	}
	return cells(where + " " + r.Problem)[0]
}

// findingPrinter prints findings in one of the two forms. The table is aligned
// over blocks of rows, so that it starts before the last file is read.
type findingPrinter struct {
	format  string
	json    *json.Encoder
	table   *tabwriter.Writer
	printed int

	exploited map[string]advisory.Exploited
}

const tableBlock = 200

func newFindingPrinter(w io.Writer, format string) *findingPrinter {
	p := &findingPrinter{format: format, json: json.NewEncoder(w), table: tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)}
	p.json.SetEscapeHTML(false)
	return p
}

// matchLine is a line of the JSON form.
type matchLine struct {
	Advisory string           `json:"advisory"`
	PURL     string           `json:"purl"`
	Asset    string           `json:"asset"`
	File     string           `json:"file"`
	Verdict  campaign.Verdict `json:"verdict"`
	Fixed    []string         `json:"fixed"`
	Why      string           `json:"why,omitempty"`
	// Exploited is since when CISA knows that the vulnerability is exploited.
	Exploited string `json:"exploited,omitempty"`
}

func (p *findingPrinter) print(f campaign.Finding) error {
	p.printed++
	if p.format == "json" {
		return p.json.Encode(matchLine{
			Advisory: f.Advisory, PURL: f.Component.PURL, Asset: f.Asset, File: f.File,
			Verdict: f.Verdict, Fixed: append([]string{}, f.Fixed...), Why: f.Why,
			Exploited: p.exploited[f.Advisory].Added,
		})
	}
	if p.printed == 1 {
		fmt.Fprintln(p.table, "VERDICT\tADVISORY\tASSET\tCOMPONENT\tMOVE TO\tFILE\tWHY")
	}
	component := cmp.Or(f.Component.PURL, strings.TrimSpace(f.Component.Name+" "+f.Component.Version))
	fmt.Fprintln(p.table, strings.Join(cells(
		string(f.Verdict), f.Advisory, f.Asset, component, cmp.Or(strings.Join(f.Fixed, ", "), "-"), f.File, f.Why,
	), "\t"))
	if p.printed%tableBlock == 0 {
		return p.table.Flush()
	}
	return nil
}

// cells keeps text from outside from moving the terminal's cursor or breaking
// the table.
func cells(texts ...string) []string {
	for i, text := range texts {
		texts[i] = strings.Map(func(r rune) rune {
			if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
				return '?'
			}
			return r
		}, text)
	}
	return texts
}

// close prints what was held back; read is how many inventories were compared.
func (p *findingPrinter) close(read int) error {
	if p.format == "json" {
		return nil
	}
	if p.printed == 0 && read > 0 {
		fmt.Fprintln(p.table, "Nothing in the inventory that was read is affected or possibly affected.")
	}
	return p.table.Flush()
}

// readAdvisory reads a record from a file, or by its ID from the OSV source
// that the configuration names.
func readAdvisory(cmd *cobra.Command, std streams, name string) ([]byte, error) {
	f, err := os.Open(name)
	if err == nil {
		defer f.Close()
		return readRecord(f, name)
	}
	if !errors.Is(err, os.ErrNotExist) || !looksLikeID(name) {
		return nil, badInput(fmt.Errorf("the advisory %s cannot be opened: %w. Nothing was compared; check the path", name, err))
	}
	cfg, err := loadConfig(cmd, std)
	if err != nil {
		return nil, err
	}
	if cfg.Inventory.OSVURL == "" {
		return nil, badInput(fmt.Errorf("there is no file %s, and an ID is looked up only where the configuration names an OSV source. Nothing was compared; give the file, or set inventory.osv_url", name))
	}
	return fetchAdvisory(cmd.Context(), cfg.Inventory.OSVURL, name)
}

// looksLikeID tells an ID (GHSA-jfh8-c2jp-5v3q) from the path of a file that is
// missing.
func looksLikeID(name string) bool {
	return strings.Contains(name, "-") && !strings.ContainsAny(name, `/\`) && !slices.ContainsFunc(
		[]string{".json", ".yaml", ".yml"}, func(ext string) bool { return strings.HasSuffix(strings.ToLower(name), ext) })
}

const fetchTimeout = 30 * time.Second

// fetchAdvisory asks an OSV-compatible API for one record.
func fetchAdvisory(ctx context.Context, base, id string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	address, err := url.JoinPath(base, "v1", "vulns", url.PathEscape(id))
	if err != nil {
		return nil, badInput(fmt.Errorf("read inventory.osv_url: %w", err))
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("ask the OSV source: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("the OSV source did not answer; nothing was compared, try again or give the record as a file: %w", err)
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusNotFound:
		return nil, badInput(fmt.Errorf("the OSV source knows no advisory %s, and there is no such file. Nothing was compared; check the ID", id))
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("the OSV source answered %s; nothing was compared, try again or give the record as a file", resp.Status)
	}
	return readRecord(resp.Body, id)
}

// readRecord reads one byte more than a record may have, so that ReadAdvisory
// sees that it is too large.
func readRecord(r io.Reader, name string) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(r, advisory.MaxRecordBytes+1))
	if err != nil {
		return nil, badInput(fmt.Errorf("read advisory %s: %w", name, err))
	}
	return raw, nil
}
