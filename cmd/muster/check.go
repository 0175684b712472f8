package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/advisory"
	"github.com/musterbot/muster/campaign/inventory"
	"github.com/musterbot/muster/campaign/manifest"
)

// tokenVariable holds the token for a service that is asked over the network. A
// flag would show it to whoever lists processes.
const tokenVariable = "MUSTER_TOKEN"

// checkFlags are the flags of muster check.
type checkFlags struct {
	campaigns string
	format    string
}

func newCheckCommand(std streams) *cobra.Command {
	var flags checkFlags
	cmd := &cobra.Command{
		Use:   "check PATH…",
		Short: "Warn of dependencies that a campaign blocks, before they are merged",
		Long: `Compare what a source tree depends on with what launched and closed campaigns
block, and name the campaign and the versions to move to. It is meant for CI.

PATH is a file or a folder. Read are go.mod, package-lock.json, pom.xml (its
direct dependencies), requirements*.txt, and SBOMs: those that are named, and in
folders the files *.cdx.json, *.cdx.xml, *.spdx.json, bom.json and bom.xml.

What campaigns block comes from the store of the configuration, or with
--campaigns from a file, or from a running service (http://HOST/v1/check), whose
token is read from ` + tokenVariable + `.

Exit status: 0 when no campaign blocks anything, 3 when one does or may, 2 when
some input could not be read: then the answer is incomplete.`,
		Example: `  muster check . --campaigns https://muster.example.com/v1/check
  muster check go.mod --campaigns blocks.json --format sarif > muster.sarif`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, paths []string) error {
			return check(cmd, std, flags, paths)
		},
	}
	cmd.Flags().StringVar(&flags.campaigns, "campaigns", "", "what campaigns block: a `file` or the URL of /v1/check")
	cmd.Flags().StringVar(&flags.format, "format", "text", "text, json (one object a line) or sarif (2.1.0, for code review)")
	return cmd
}

// located is a warning and where in the source tree its component is named: a line
// of the JSON form.
type located struct {
	campaign.Warning
	File string `json:"file"`
	Line int    `json:"line,omitempty"` // 0: not known
}

func check(cmd *cobra.Command, std streams, flags checkFlags, paths []string) error {
	printers := map[string]func(io.Writer, []located) error{"text": printText, "json": printJSON, "sarif": printSARIF}
	report, ok := printers[flags.format]
	if !ok {
		return badInput(fmt.Errorf("--format %q is not known; write text, json or sarif", flags.format))
	}
	list, err := blocklist(cmd, std, flags.campaigns)
	if err != nil {
		return err
	}
	checker, err := campaign.NewChecker(advisory.Matcher{}, list)
	if err != nil {
		return saidPlainly(err)
	}
	run := checkRun{checker: checker, std: std}
	if err := run.paths(cmd.Context(), paths); err != nil {
		return err
	}
	if run.read > 0 || flags.format != "text" {
		if err := report(std.out, run.found); err != nil {
			return fmt.Errorf("print warnings: %w", err)
		}
	}
	switch {
	case run.refused > 0 && run.read == 0:
		return badInput(errors.New("none of it could be checked (above), so there is no answer"))
	case run.refused > 0:
		return badInput(fmt.Errorf("%d of the files could not be checked (above); the rest was, so the answer is incomplete", run.refused))
	case run.read == 0:
		return badInput(errors.New("no manifest and no SBOM was found there, so nothing was checked; name go.mod, package-lock.json, pom.xml, requirements.txt or an SBOM"))
	case len(run.found) > 0:
		return errAffected
	}
	return nil
}

// checkRun goes through the files.
type checkRun struct {
	checker *campaign.Checker
	std     streams
	found   []located
	read    int
	refused int
}

func (r *checkRun) paths(ctx context.Context, paths []string) error {
	var manifests, sboms []string
	for _, path := range paths {
		info, err := os.Stat(path)
		switch {
		case err == nil && info.IsDir():
			manifests = append(manifests, path)
			inside, err := sbomsIn(path)
			if err != nil {
				return badInput(fmt.Errorf("the folder %s cannot be read: %w", path, err))
			}
			sboms = append(sboms, inside...)
		case err != nil || manifest.Is(path):
			manifests = append(manifests, path)
		default:
			sboms = append(sboms, path)
		}
	}
	for m, refused := range manifest.Read(ctx, manifests) {
		if r.remark(refused) {
			continue
		}
		r.read++
		for _, d := range m.Dependencies {
			r.judge(d.Component, m.File, d.Line)
		}
	}
	for scan, refused := range (inventory.Reader{}).ReadScans(ctx, sboms) {
		if r.remark(refused) {
			continue
		}
		r.read++
		for _, c := range scan.Components {
			r.judge(c, scan.File, 0)
		}
	}
	return context.Cause(ctx)
}

// remark prints what was refused or is doubtful, and says whether there was
// nothing else.
func (r *checkRun) remark(refused *campaign.Refusal) bool {
	if refused == nil {
		return false
	}
	fmt.Fprintln(r.std.err, describeRefusal(*refused))
	if !refused.Notice {
		r.refused++
	}
	return true
}

func (r *checkRun) judge(c campaign.Component, file string, line int) {
	for _, w := range r.checker.Check(c) {
		r.found = append(r.found, located{Warning: w, File: file, Line: line})
	}
}

// sbomsIn finds the SBOMs of a source tree by the names that their formats ask
// for; other JSON there is not meant for us.
func sbomsIn(root string) ([]string, error) {
	var found []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			if entry != nil && entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == ".git") {
				return fs.SkipDir
			}
			return err
		}
		name := strings.ToLower(entry.Name())
		for _, suffix := range []string{".cdx.json", ".cdx.xml", ".spdx.json"} {
			if strings.HasSuffix(name, suffix) {
				found = append(found, path)
			}
		}
		if name == "bom.json" || name == "bom.xml" {
			found = append(found, path)
		}
		return nil
	})
	return found, err
}

// The bounds of reading what campaigns block.
const (
	maxBlocklist = 256 << 20
	blocklistIn  = 30 * time.Second
)

// blocklist reads what campaigns block: from the store, a file or a service.
func blocklist(cmd *cobra.Command, std streams, from string) (list campaign.Blocklist, err error) {
	switch {
	case from == "":
		err = withReader(cmd, std, func(ctx context.Context, r campaign.Reader) (err error) {
			list, err = campaign.ReadBlocklist(ctx, r, time.Now())
			return err
		})
		return list, err
	case strings.HasPrefix(from, "https://") || strings.HasPrefix(from, "http://"):
		return fetchBlocklist(cmd.Context(), from, variableOf(std.environ, tokenVariable))
	}
	f, err := os.Open(from)
	if err != nil {
		return list, badInput(fmt.Errorf("--campaigns %s cannot be opened: %w. Nothing was checked; give the file that /v1/check answers with, or its URL", from, errors.Unwrap(err)))
	}
	defer f.Close()
	return decodeBlocklist(f, from)
}

func fetchBlocklist(ctx context.Context, address, token string) (list campaign.Blocklist, err error) {
	ctx, cancel := context.WithTimeout(ctx, blocklistIn)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return list, badInput(fmt.Errorf("--campaigns is not a web address: %w", err))
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		return list, fmt.Errorf("the service does not answer, so nothing was checked: %w", err)
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
		return decodeBlocklist(resp.Body, address)
	case http.StatusUnauthorized, http.StatusForbidden:
		return list, badInput(fmt.Errorf("the service refuses the token in %s (%s), so nothing was checked; the operator makes one with `muster token`", tokenVariable, resp.Status))
	}
	return list, fmt.Errorf("the service answered %s, so nothing was checked", resp.Status)
}

func decodeBlocklist(r io.Reader, name string) (list campaign.Blocklist, err error) {
	in := &io.LimitedReader{R: r, N: maxBlocklist}
	if err := json.NewDecoder(in).Decode(&list); err != nil || list.AsOf.IsZero() || in.N == 0 {
		return list, badInput(fmt.Errorf("%s is not what /v1/check answers with, so nothing was checked", name))
	}
	return list, nil
}

// variableOf returns the value of a variable.
func variableOf(environ []string, name string) string {
	for _, entry := range environ {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value
		}
	}
	return ""
}

// words says a warning in one sentence.
func (l located) words() string {
	what := cmp.Or(l.PURL, strings.TrimSpace(l.Component.Name+" "+l.Component.Version))
	sentence := fmt.Sprintf("%s is blocked by the campaign %s (%s)", what, l.Title, l.Advisory)
	if l.Verdict == campaign.Possible {
		sentence = fmt.Sprintf("%s may be blocked by the campaign %s (%s): %s", what, l.Title, l.Advisory, l.Why)
	}
	if len(l.Fixed) > 0 {
		sentence += ". Move to " + strings.Join(l.Fixed, " or ")
	}
	return sentence + "."
}

func printText(w io.Writer, found []located) error {
	for _, l := range found {
		where := l.File
		if l.Line > 0 {
			where = fmt.Sprintf("%s:%d", l.File, l.Line)
		}
		if _, err := fmt.Fprintln(w, cells(where + ": " + l.words())[0]); err != nil {
			return err
		}
	}
	if len(found) == 0 {
		_, err := fmt.Fprintln(w, "No campaign blocks anything that was read.")
		return err
	}
	return nil
}

func printJSON(w io.Writer, found []located) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	for _, l := range found {
		if err := encoder.Encode(l); err != nil {
			return err
		}
	}
	return nil
}
