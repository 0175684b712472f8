package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/musterbot/muster/campaign"
)

func newDoctorCommand(std streams) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Look for what should not be, and say what to do",
		Long: `Look into the store for what should not be: counters that disagree with a recount
of the tasks, effects that were given up or wait for long, effects that nothing
leads to, an audit log that is not what was sealed or is not sealed. It says how
durable the store is. It changes nothing.

It reads the running service, when there is one, and the store's file otherwise;
a store in Redis it reads itself.
A campaign at work may show a difference that is gone when doctor runs again.

Exit status: 0 when nothing is wrong, 1 when something is or cannot be read, 2
when there is no store or no configuration.`,
		Example: `  muster doctor
  muster doctor --format json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if format != "text" && format != "json" {
				return badInput(fmt.Errorf("--format is text or json, not %q", format))
			}
			return withHolder(cmd, std, func(ctx context.Context, h *holder) error {
				if err := tellDurability(ctx, h, format, std.out); err != nil {
					return err
				}
				return examine(ctx, h, format, std.out)
			})
		},
	}
	cmd.Flags().StringVar(&format, "format", "text", "text or json (one object a line)")
	return cmd
}

// tellDurability prints what the store promises. What it leaves in doubt is the
// operator's choice, and no problem of the store's contents.
func tellDurability(ctx context.Context, d campaign.Durable, format string, w io.Writer) error {
	found, err := d.Durability(ctx)
	if err != nil {
		return err
	}
	if format == "json" {
		err = json.NewEncoder(w).Encode(map[string]campaign.Durability{"durability": found})
	} else {
		_, err = fmt.Fprintln(w, strings.Join(append([]string{found.Promise}, found.Doubts...), "\n"))
	}
	if err != nil {
		return fmt.Errorf("write durability: %w", err)
	}
	return nil
}

// examine looks into every scope and prints what it found.
func examine(ctx context.Context, r campaign.Reader, format string, w io.Writer) error {
	scopes, err := r.Scopes(ctx)
	if err != nil {
		return err
	}
	bad := 0
	for _, scope := range scopes {
		found, err := campaign.CheckScope(ctx, r, scope, campaign.Stamp(time.Now()))
		if err != nil {
			return err
		}
		bad += len(found.Bad)
		if format == "json" {
			err = json.NewEncoder(w).Encode(found)
		} else {
			err = printCheckup(w, found)
		}
		if err != nil {
			return fmt.Errorf("write checkup: %w", err)
		}
	}
	switch {
	case bad == 1:
		return errors.New("one thing is wrong")
	case bad > 1:
		return fmt.Errorf("%d things are wrong", bad)
	case format == "text":
		fmt.Fprintln(w, "Nothing is wrong.")
	}
	return nil
}

func printCheckup(w io.Writer, c campaign.Checkup) error {
	title := string(c.Scope)
	if c.State != "" {
		title += " (" + string(c.State) + ")"
	}
	if _, err := fmt.Fprintf(w, "\n%s\n", title); err != nil {
		return err
	}
	for _, line := range c.Good {
		if _, err := fmt.Fprintf(w, "  ok       %s\n", line); err != nil {
			return err
		}
	}
	for _, line := range c.Bad {
		if _, err := fmt.Fprintf(w, "  PROBLEM  %s\n", line); err != nil {
			return err
		}
	}
	return nil
}
