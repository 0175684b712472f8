package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"

	"github.com/musterbot/muster/campaign/sample"
)

// demoOptions are the flags of muster demo.
type demoOptions struct {
	headless, exit, verbose bool
	format, listen          string
	seed                    uint64
	factor                  float64 // how much faster than life
	write, size             string  // a folder to write a company into, and how large it is
	days                    int
}

func newDemoCommand(std streams) *cobra.Command {
	o := demoOptions{seed: 1, factor: 60}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Play a Log4Shell campaign in a made-up company",
		Long: `Start a Slack workspace of its own on this machine, a made-up company with its
inventory, and Muster with an embedded store in a temporary folder; then play a
Log4Shell campaign in about two minutes: hour zero without a record, a rehearsal
that finds an unclear step, the launch of the exposed slice, questions, the
advisory arriving, a method that becomes void, a floor that moves, digests and
the close. Open the address that it prints and join in: act as anybody, type
/campaign, press the buttons. Nothing leaves this machine, and nothing stays.

With --headless there is no page; it plays as fast as it can, and its last line
says what came of it. Every figure is counted from the workspace's own messages,
the tracker's own tickets and a recount of the store.

With --write FOLDER nothing is played: a made-up company of --size is written
there as files, a folder a day, with catalog, scans, advisories and the truth
about each service, to try Muster's other commands on.

Exit status: 0 when the campaign closed and all that must hold did, 1 when not,
2 when the flags make no sense.`,
		Example: `  muster demo
  muster demo --listen 127.0.0.1:8090
  muster demo --headless --exit --format json
  muster demo --write company --size small
  muster match --advisory company/day-00/advisories --inventory company/day-00/inventory`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.format != "text" && o.format != "json" {
				return badInput(fmt.Errorf("--format is text or json, not %q", o.format))
			}
			if o.write != "" {
				return writeCompany(std, o)
			}
			return playDemo(cmd.Context(), std, o)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&o.headless, "headless", false, "play without the page, as fast as it goes")
	flags.BoolVar(&o.exit, "exit", false, "stop when the story is over")
	flags.StringVar(&o.format, "format", "text", "how the result is printed: text or json")
	flags.StringVar(&o.listen, "listen", "127.0.0.1:0", "address of the workspace and its page; 0 takes a free port")
	flags.Uint64Var(&o.seed, "seed", o.seed, "which company is made up")
	flags.StringVar(&o.write, "write", "", "write a company's files into this folder, and play nothing")
	flags.StringVar(&o.size, "size", "small", "with --write: small, medium, full, or a number of services")
	flags.IntVar(&o.days, "days", sample.Days, "with --write: how many days")
	flags.BoolVar(&o.verbose, "verbose", false, "show Muster's log as well")
	return cmd
}

// writeCompany writes a made-up company and its days as files.
func writeCompany(std streams, o demoOptions) error {
	options, err := sample.Size(o.size)
	if err != nil {
		return badInput(err)
	}
	if o.days < 1 || o.days > sample.Days {
		return badInput(fmt.Errorf("--days is from 1 to %d, not %d", sample.Days, o.days))
	}
	options.Seed = o.seed
	company, err := sample.New(options)
	if err != nil {
		return err
	}
	if err := company.Unattended(); err != nil {
		return err
	}
	if err := company.WriteDays(o.write, o.days); err != nil {
		return err
	}
	fmt.Fprintf(std.out, "Wrote %d days of a company of %d services to %s; seed %d.\n", o.days, company.Services(), o.write, o.seed)
	return nil
}

// log returns Muster's logger: errors only, unless more is asked for.
func (o demoOptions) log(std streams) logrus.FieldLogger {
	log := logrus.New()
	log.SetOutput(std.err)
	log.SetLevel(logrus.PanicLevel)
	if o.verbose {
		log.SetLevel(logrus.InfoLevel)
	}
	return log
}

// headlessFactor is how fast the clock runs when nobody watches.
const headlessFactor = 600

// playDemo starts everything, plays the story, counts, and stops everything.
func playDemo(ctx context.Context, std streams, o demoOptions) (err error) {
	if o.headless {
		o.factor = headlessFactor
	}
	folder, err := os.MkdirTemp("", "muster-demo-")
	if err != nil {
		return fmt.Errorf("make a folder for the demo: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	d, err := newDemoWorld(ctx, std, folder, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	if err := d.present(std, o); err != nil {
		return err
	}
	for _, s := range story {
		d.clock.leap(demoStart.Add(s.after))
		d.narrate(s.title)
		if err := s.play(d, ctx); err != nil {
			if ctx.Err() != nil {
				return nil // interrupted by the visitor
			}
			return fmt.Errorf("%s: %w", strings.SplitN(s.title, ".", 2)[0], err)
		}
		d.breathe(3 * time.Second)
	}
	if err := d.quiet(ctx); err != nil {
		return err
	}
	result, err := d.count(ctx)
	if err != nil {
		return err
	}
	d.narrate(result.sentence())
	if !o.exit {
		fmt.Fprintln(std.out, "The story is over; the workspace stays open. Stop it with Ctrl-C.")
		<-ctx.Done()
	}
	if err := result.print(std.out, o.format); err != nil {
		return err
	}
	return result.check()
}

// demoResult is what the demo comes to.
type demoResult struct {
	Campaign      string `json:"campaign"`
	State         string `json:"state"`
	Targets       int    `json:"targets"` // unknown ones included
	Tasks         int    `json:"tasks"`
	Tickets       int    `json:"tickets"`  // in the tracker
	Contacts      int    `json:"contacts"` // people who were asked
	FirstMessages int    `json:"first_messages"`
	Duplicates    int    `json:"duplicates"` // messages and tickets beyond the first of their key
	Unknown       int    `json:"unknown"`    // targets that are still unknown
	Questions     int    `json:"questions"`
	Digests       int    `json:"digests"`
	Reopened      int    `json:"reopened"` // events
	Audit         string `json:"audit"`    // "ok", or what is wrong

	problems []string
}

func (r demoResult) sentence() string {
	return fmt.Sprintf("*It is over.* %d targets, %d tickets, %d people asked once each, %d reopened and done again, %d still unknown and named in the report. Audit: %s.",
		r.Targets, r.Tickets, r.Contacts, r.Reopened, r.Unknown, r.Audit)
}

func (r demoResult) print(out io.Writer, format string) error {
	if format == "text" {
		_, err := fmt.Fprintln(out, strings.ReplaceAll(r.sentence(), "*", ""))
		return err
	}
	return json.NewEncoder(out).Encode(r)
}

// check returns what does not hold.
func (r demoResult) check() error {
	if len(r.problems) == 0 {
		return nil
	}
	return errors.New("the demo does not hold: " + strings.Join(r.problems, "; "))
}
