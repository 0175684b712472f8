package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/musterbot/muster/campaign"
)

func newAuditCommand(std streams) *cobra.Command {
	return group(&cobra.Command{
		Use:   "audit",
		Short: "Verify and export the audit log",
		Long: `Verify and export the audit log.

Every change and everything that goes out is logged with who, what, before, after
and a commitment to the reason; within a second a seal, a hash that continues the
one before, covers it. The newest seal of that time stands under each digest, so
that who rewrites the log and its seals is found out all the same.

Both commands read the running service, when there is one, and the store's file
otherwise.`,
		Example: `  muster audit verify
  muster audit export log4j-rce > log4j-rce.jsonl`,
	}, newAuditVerifyCommand(std), newAuditExportCommand(std))
}

func newAuditVerifyCommand(std streams) *cobra.Command {
	var (
		anchors []string
		format  string
	)
	cmd := &cobra.Command{
		Use:   "verify [CAMPAIGN...]",
		Short: "Recompute all seals of the audit log",
		Long: `Recompute all seals over the audit log: of the campaigns named, or of everything.

Each log is told with its records, its seals, its newest anchor, and what is not
sealed yet; a log that is not what was sealed is told with the first record that
cannot be trusted. With --anchor, the log of one campaign is compared with a seal
that was posted under a digest, as in "Audit seal 812:31f0d039c8d1f250".

Exit status: 0 when all agree, 1 when something does not or cannot be read, 2
when a campaign does not exist.`,
		Example: `  muster audit verify
  muster audit verify log4j-rce --anchor 812:31f0d039c8d1f250
  muster audit verify --format json`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, names []string) error {
			if len(anchors) > 0 && len(names) != 1 {
				return badInput(errors.New("--anchor needs the one campaign that the digest was about"))
			}
			if format != "text" && format != "json" {
				return badInput(fmt.Errorf("--format is text or json, not %q", format))
			}
			return withReader(cmd, std, func(ctx context.Context, r campaign.Reader) error {
				return verifyAudit(ctx, r, names, anchors, format, std.out)
			})
		},
	}
	cmd.Flags().StringArrayVar(&anchors, "anchor", nil, "a `seal` that was posted, NUMBER:HASH (may be repeated)")
	cmd.Flags().StringVar(&format, "format", "text", "text or json (one object a line)")
	return cmd
}

func newAuditExportCommand(std streams) *cobra.Command {
	return &cobra.Command{
		Use:   "export CAMPAIGN",
		Short: "Write the audit log of a campaign as JSON lines",
		Long: `Write the audit log of a campaign, or of what belongs to none ("sys"), as JSON
lines in order: each record exactly as the seals hash it, and after the last
record of each seal a line {"seal":{...}}.

The hash of a seal is SHA-256 over the line "muster seal v1", the hash of the
seal before it, the line "FROM TO", and the records from FROM to TO, each line
ended by a newline. People stand in it as pseudonyms, reasons as commitments.

Exit status: 0, 1 when it cannot be read, 2 when the campaign does not exist.`,
		Example: `  muster audit export log4j-rce > log4j-rce.jsonl`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return badInput(errors.New("name the one campaign whose log is written out: muster audit export log4j-rce"))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return withReader(cmd, std, func(ctx context.Context, r campaign.Reader) error {
				scopes, err := scopesOf(ctx, r, args)
				if err != nil {
					return err
				}
				return campaign.ExportAudit(ctx, r, scopes[0], std.out)
			})
		},
	}
}

// verifyAudit verifies the logs named, or all, and prints a verdict for each.
func verifyAudit(ctx context.Context, r campaign.Reader, names, anchors []string, format string, w io.Writer) error {
	scopes, err := scopesOf(ctx, r, names)
	if err != nil {
		return err
	}
	if len(scopes) == 0 && format != "json" {
		_, err := fmt.Fprintln(w, "The store is new: there is no audit log yet.")
		return err
	}
	bad := 0
	for _, scope := range scopes {
		verdict, err := campaign.VerifyAudit(ctx, r, scope, anchors...)
		if err != nil {
			return err
		}
		if !verdict.OK() {
			bad++
		}
		if err := printAs(w, format, verdict); err != nil {
			return err
		}
	}
	if bad > 0 {
		return fmt.Errorf("%d of %d logs are not what was sealed. Keep a copy of the store as it is, and compare the seals under the digests", bad, len(scopes))
	}
	return nil
}

// printAs prints a value as its words, or as one line of JSON.
func printAs(w io.Writer, format string, value fmt.Stringer) error {
	if format == "json" {
		return json.NewEncoder(w).Encode(value)
	}
	_, err := fmt.Fprintln(w, value)
	return err
}

// scopesOf returns the scopes named, or all of the store.
func scopesOf(ctx context.Context, r campaign.Reader, names []string) ([]campaign.Scope, error) {
	known, err := r.Scopes(ctx)
	if err != nil || len(names) == 0 {
		return known, err
	}
	var found []campaign.Scope
	for _, name := range names {
		if !slices.Contains(known, campaign.Scope(name)) {
			return nil, badInput(fmt.Errorf("there is no campaign %q in this store. Without a name, \"muster audit verify\" lists all", name))
		}
		found = append(found, campaign.Scope(name))
	}
	return found, nil
}
