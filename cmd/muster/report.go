package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/ownership"
)

func newReportCommand(std streams) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "report CAMPAIGN",
		Short: "Print the report of a campaign, or what people corrected",
		Long: `Print the report of a campaign: the closing report, or of one that is not closed,
the report as far as it goes. "muster report corrections" prints the owners that
people corrected.

It asks the running service, when there is one, and reads the store otherwise.

Exit status: 0, 2 when there is no such campaign, 1 when the store cannot be read.`,
		Example: `  muster report log4j-rce > log4j-rce.md
  muster report log4j-rce --format json
  muster report corrections > owners.yaml`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("one campaign is needed, as /campaign list shows its ID, or the word corrections")
			}
			return nil
		},
		Annotations: map[string]string{worksItself: "yes"},
		RunE: func(cmd *cobra.Command, args []string) error {
			if format != "markdown" && format != "json" {
				return badInput(fmt.Errorf("--format is markdown or json, not %q", format))
			}
			return withHolder(cmd, std, func(ctx context.Context, h *holder) error {
				r, err := h.WrittenReport(ctx, args[0])
				if err != nil {
					return saidToOperator(err)
				}
				return printReport(std.out, r, format)
			})
		},
	}
	cmd.Flags().StringVar(&format, "format", "markdown", "markdown or json")
	cmd.AddCommand(newReportCorrectionsCommand(std))
	return cmd
}

func printReport(w io.Writer, r campaign.WrittenReport, format string) error {
	var err error
	if format == "json" {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(r.Report)
	} else {
		_, err = fmt.Fprint(w, r.Markdown)
	}
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

func newReportCorrectionsCommand(std streams) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "corrections",
		Short: "Print the owners that people corrected, as a patch for the catalog",
		Long: `Print the owners that people corrected and the catalog's sources do not have yet,
as fragments of Backstage entities to be merged into the catalog's files, or as a
table. Muster holds on to a correction until an import of the catalog says the
same; then it is dropped, and the import says so.

It asks the running service, when there is one, and reads the store otherwise.

Exit status: 0, also when there are none, 1 when the store cannot be read.`,
		Example: `  muster report corrections > owners.yaml
  muster report corrections --format csv`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			write, ok := map[string]func(io.Writer, []campaign.Correction) error{"yaml": ownership.WritePatch, "csv": ownership.WritePatchTable}[format]
			if !ok {
				return badInput(fmt.Errorf("--format is yaml or csv, not %q", format))
			}
			return withHolder(cmd, std, func(ctx context.Context, h *holder) error {
				all, err := campaign.Corrections(ctx, h)
				if err != nil {
					return err
				}
				if len(all) == 0 {
					fmt.Fprintln(std.err, "Nobody corrected an owner that the catalog does not have.")
					return nil
				}
				return write(std.out, all)
			})
		},
	}
	cmd.Flags().StringVar(&format, "format", "yaml", "yaml or csv")
	return cmd
}
