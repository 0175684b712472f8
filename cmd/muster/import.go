package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/inventory"
	"github.com/musterbot/muster/campaign/ownership"
)

func newImportCommand(std streams) *cobra.Command {
	return group(&cobra.Command{
		Use:   "import",
		Short: "Bring inventories, catalogs and target lists into the store",
		Long: `Bring what runs where, who owns it, and what a campaign is about into the store.

Each kind reports what was new, changed and unchanged. What was refused is told
on the error stream with file and position, and the rest is kept. Importing the
same again changes nothing.

While "muster serve" runs, the import goes through the socket beside the store's
file, so nothing has to be stopped; otherwise the file is opened directly, and
what has to go out to people waits until the service starts.`,
		Example: `  muster import catalog backstage/
  muster import inventory sboms/ hosts.csv
  muster import targets rotate.csv --campaign rotate-signing-keys
  muster import vendors products.csv cisagov.yml --campaign log4shell`,
	}, newImportInventoryCommand(std), newImportCatalogCommand(std), newImportTargetsCommand(std), newImportVendorsCommand(std))
}

const importExit = `
Exit status: 0, 2 when something was refused, 1 when the import failed.`

func newImportInventoryCommand(std streams) *cobra.Command {
	var scannedAt string
	cmd := &cobra.Command{
		Use:   "inventory PATH...",
		Short: "Import what runs where: SBOMs, scan reports and host lists",
		Long: `Import inventories: CycloneDX (JSON, XML), SPDX, Syft, Grype and Trivy (JSON),
and host lists (CSV with the columns asset and purl, and if you like service,
scanned_at, path, exposure, environment, tier), each also with gzip. A folder is
read whole.

Of each asset and source the newest scan counts. Running campaigns are looked at
again afterwards: a scan verifies what was claimed, reopens what it refutes, and
brings late targets. A document that does not tell when it was made proves
nothing; --scanned-at tells it, for Syft's reports for example.
` + importExit,
		Example: `  muster import inventory sboms/
  muster import inventory shop.cdx.json.gz hosts.csv
  muster import inventory shop.syft.json --scanned-at 2021-12-13T08:00:00Z`,
		Args: needPaths,
		RunE: func(cmd *cobra.Command, paths []string) error {
			var reader inventory.Reader
			if scannedAt != "" {
				at, err := time.Parse(time.RFC3339, scannedAt)
				if err != nil || at.After(time.Now()) {
					return badInput(fmt.Errorf("--scanned-at %q is no time in the past, and nothing was imported; write it like 2021-12-13T08:00:00Z", scannedAt))
				}
				reader.ScannedAt = at.UTC()
			}
			return runImport(cmd, std, "scans", func(ctx context.Context, to estate, r campaign.Request) (campaign.ImportReport, error) {
				return to.ImportScans(ctx, r, fitting(reader.ReadScans(ctx, paths)))
			})
		},
	}
	cmd.Flags().StringVar(&scannedAt, "scanned-at", "", "when documents were made that do not tell it: a `time` like 2021-12-13T08:00:00Z")
	return cmd
}

func newImportCatalogCommand(std streams) *cobra.Command {
	var gone bool
	cmd := &cobra.Command{
		Use:   "catalog PATH...",
		Short: "Import who owns what: Backstage catalogs, CSV, CODEOWNERS",
		Long: `Import who owns what: Backstage catalog files (YAML), or what Backstage's catalog
API answers (JSON): services (Component, Resource), who owns them (Group, User),
and the tree of the organisation; tables (CSV with the columns service and owner,
and if you like exposure, environment, tier, assets, repository); CODEOWNERS
files, each in a folder named like its repository. A folder is read whole, and
all paths together are the one catalog: what is not in them is gone from it.

Where sources name different owners, the one that ownership.trust lists first
counts; the others are told, and kept beside it.

A file that cannot be read, groups that are each other's parents, or a catalog
that lacks a fifth of the services, groups or people of the one before (--gone
says that they are gone for good) are refused whole, and the one before stays.
` + importExit,
		Example: `  muster import catalog backstage/
  muster import catalog org.yaml services.yaml`,
		Args: needPaths,
		RunE: func(cmd *cobra.Command, paths []string) error {
			cfg, err := loadConfig(cmd, std)
			if err != nil {
				return err
			}
			return runImport(cmd, std, "services, groups and people", func(ctx context.Context, to estate, r campaign.Request) (campaign.ImportReport, error) {
				catalog, remarks, err := ownership.Read(paths, cfg.Ownership.Trust)
				if err != nil {
					return campaign.ImportReport{Refused: remarks}, err
				}
				take := to.ImportCatalog
				if gone {
					take = to.ShrinkCatalog
				}
				report, err := take(ctx, r, catalog)
				report.Refused = append(remarks, report.Refused...)
				return report, err
			})
		},
	}
	cmd.Flags().BoolVar(&gone, "gone", false, "much of the catalog before is gone for good")
	return cmd
}

func newImportTargetsCommand(std streams) *cobra.Command {
	var id string
	cmd := &cobra.Command{
		Use:   "targets PATH... --campaign ID",
		Short: "Import the targets of a campaign that is not about packages",
		Long: `Import targets from CSV files with the columns target, kind, owner, detail and
exposure, of which only target has to be there. They join the campaign that
--campaign names, and replace its rows of the same target and kind.

Rows that seem to hold a secret are refused and their values are not repeated:
name where a secret is, never the secret.
` + importExit,
		Example: `  muster import targets rotate.csv --campaign rotate-signing-keys`,
		Args:    needPaths,
		RunE: func(cmd *cobra.Command, paths []string) error {
			if err := needCampaign(id); err != nil {
				return err
			}
			return runImport(cmd, std, "targets", func(ctx context.Context, to estate, r campaign.Request) (campaign.ImportReport, error) {
				rows, remarks := readTargets(paths)
				if len(rows) == 0 {
					return campaign.ImportReport{Refused: remarks}, nil
				}
				report, err := to.ImportRows(ctx, r, id, rows)
				report.Refused = append(remarks, report.Refused...)
				return report, err
			})
		},
	}
	cmd.Flags().StringVar(&id, "campaign", "", "the `ID` of the campaign, as /campaign list shows it")
	return cmd
}

func newImportVendorsCommand(std streams) *cobra.Command {
	var id string
	cmd := &cobra.Command{
		Use:   "vendors PATH... --campaign ID",
		Short: "Import products of vendors, and what their vendors say",
		Long: `Import what the company runs of vendors and cannot look into, and what those say.

Tables (CSV) with the columns vendor and product, and if you like version, owner,
service, exposure, environment and tier, are products. They join the campaign
that --campaign names, on its track "vendor": the owner asks, and acts.

Tables with a column status (affected, not_affected, fixed, under_investigation),
and if you like cve, versions, fixed, link and updated, are statements. So is
the list in YAML that the US agencies published for Log4j
(github.com/cisagov/log4j-affected-db). A statement counts for the product of
exactly its vendor and name, or for all of the vendor's where it says All; one
about a similar name goes to the triage list. Other words than before reopen
what was done by the old ones.
` + importExit,
		Example: `  muster import vendors products.csv --campaign log4shell
  muster import vendors cisagov_*.yml --campaign log4shell`,
		Args: needPaths,
		RunE: func(cmd *cobra.Command, paths []string) error {
			if err := needCampaign(id); err != nil {
				return err
			}
			return runImport(cmd, std, "products and statements", func(ctx context.Context, to estate, r campaign.Request) (campaign.ImportReport, error) {
				list, remarks := readVendors(paths)
				if len(list.Products)+len(list.Statements) == 0 {
					return campaign.ImportReport{Refused: remarks}, nil
				}
				report, err := to.ImportVendors(ctx, r, id, list)
				report.Refused = append(remarks, report.Refused...)
				return report, err
			})
		},
	}
	cmd.Flags().StringVar(&id, "campaign", "", "the `ID` of the campaign, as /campaign list shows it")
	return cmd
}

func needCampaign(id string) error {
	if strings.TrimSpace(id) == "" {
		return badInput(errors.New("no campaign is named, and nothing was imported; give the ID that /campaign list shows with --campaign ID"))
	}
	return nil
}

func readVendors(paths []string) (list campaign.VendorList, remarks []campaign.Refusal) {
	for _, path := range paths {
		l, refused := inventory.ReadVendorFile(path)
		list.Products, list.Statements = append(list.Products, l.Products...), append(list.Statements, l.Statements...)
		remarks = append(remarks, refused...)
	}
	return list, remarks
}

func needPaths(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return errors.New("no file or folder is named, so there is nothing to import")
	}
	for _, path := range args {
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			return badInput(fmt.Errorf("there is no file or folder %s. Nothing was imported", path))
		}
	}
	return nil
}

func readTargets(paths []string) (rows []campaign.Row, remarks []campaign.Refusal) {
	for _, path := range paths {
		r, refused := inventory.ReadTargetFile(path)
		rows, remarks = append(rows, r...), append(remarks, refused...)
	}
	return rows, remarks
}

// fitting refuses the scans that are too large for the store.
func fitting(scans iter.Seq2[campaign.Scan, *campaign.Refusal]) iter.Seq2[campaign.Scan, *campaign.Refusal] {
	return func(yield func(campaign.Scan, *campaign.Refusal) bool) {
		for scan, refusal := range scans {
			if refusal == nil && sizeOf(scan) > maxLocalLine/2 {
				refusal = &campaign.Refusal{File: scan.File, Problem: fmt.Sprintf("names more software for the asset %.100q than one scan may hold (32 MiB). It was left out; scan its parts one by one.", scan.Asset)}
				scan = campaign.Scan{}
			}
			if !yield(scan, refusal) {
				return
			}
		}
	}
}

// sizeOf is about what a scan takes when it is written down.
func sizeOf(s campaign.Scan) int {
	size := 0
	for _, c := range s.Components {
		size += 80 + len(c.PURL) + len(c.Name) + len(c.Version) + len(c.Path) + len(c.Source) + len(c.Layer)
	}
	return size
}

// runImport hands what was read to whoever holds the store, and reports.
func runImport(cmd *cobra.Command, std streams, what string, work func(context.Context, estate, campaign.Request) (campaign.ImportReport, error)) error {
	cfg, err := loadConfig(cmd, std)
	if err != nil {
		return err
	}
	log := logrus.New()
	log.SetOutput(std.err)
	log.SetLevel(logrus.ErrorLevel)
	to, err := openHolder(cmd.Context(), cfg, holdFor, log)
	if err != nil {
		return saidToOperator(err)
	}
	report, err := work(cmd.Context(), to, campaign.Request{Actor: localActor(os.Getenv), Reason: cmd.CommandPath()})
	err = errors.Join(err, to.close())
	refused := tellRefusals(std.err, report.Refused)
	if err == nil || report.Kept() {
		tellReport(std.out, what, report, refused)
	}
	switch {
	case campaign.KindOf(err) == campaign.Unavailable && !to.running:
		fmt.Fprintln(std.err, "All of it is kept, but who has to be asked for new targets is known in Slack only, so not every campaign could be looked at. Once `muster serve` runs, import the same again: it counts as unchanged, and the campaigns are looked at.")
	case err != nil:
		return saidToOperator(err)
	}
	switch {
	case refused > 0 && !report.Kept():
		return badInput(errors.New("nothing of it could be used (above), and nothing was imported. Correct it and import it again"))
	case refused > 0:
		return badInput(fmt.Errorf("%d of it could not be used (above); the rest was imported. Correct it and import it again", refused))
	}
	return nil
}

// tellRefusals prints what was refused or is doubtful, and counts the former.
func tellRefusals(w io.Writer, all []campaign.Refusal) int {
	refused := 0
	for _, r := range all {
		fmt.Fprintln(w, describeRefusal(r))
		if !r.Notice {
			refused++
		}
	}
	return refused
}

func tellReport(w io.Writer, what string, r campaign.ImportReport, refused int) {
	gone := ""
	if r.Gone > 0 {
		gone = fmt.Sprintf(", %d gone", r.Gone)
	}
	fmt.Fprintf(w, "%s: %d new, %d changed, %d unchanged%s, %d refused\n", what, r.New, r.Changed, r.Unchanged, gone, refused)
	switch {
	case r.Held:
		fmt.Fprintf(w, "not imported yet: %d open tasks would go to other owners, so a second person has to agree; the command channel has the preview\n", r.Reassigned)
	case r.Reassigned > 0:
		fmt.Fprintf(w, "open tasks that go to other owners: %d\n", r.Reassigned)
	}
	if len(r.Agreed) > 0 {
		fmt.Fprintf(w, "corrections dropped, because the catalog agrees: %s\n", strings.Join(r.Agreed, ", "))
	}
	if r.Corrected > 0 {
		fmt.Fprintf(w, "owners that people corrected and that hold over the catalog: %d (muster report corrections prints them)\n", r.Corrected)
	}
	for _, m := range r.Moved {
		if m == (campaign.SweepReport{Campaign: m.Campaign}) {
			continue
		}
		fmt.Fprintf(w, "campaign %s: %d verified, %d reopened, %d opened, %d not affected, %d joined, %d waiting for a person\n",
			m.Campaign, m.Verified, m.Reopened, m.Opened, m.Cleared, m.Joined, m.Waiting)
		if m.Held {
			fmt.Fprintf(w, "campaign %s: so much would change at once that a second person has to agree; the command channel has the preview\n", m.Campaign)
		}
	}
}

// saidToOperator keeps an error's words and its kind, and leaves the cause out
// where the words say what to do.
func saidToOperator(err error) error {
	e, ok := errors.AsType[*campaign.Error](err)
	if !ok || e.Kind == campaign.Internal || e.Message == "" {
		return err
	}
	return campaign.Refuse(e.Kind, e.Message)
}
