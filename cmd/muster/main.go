// Command muster is the whole of Muster in one binary: the service, the demo
// and the tools around them. Each subcommand has a file of its own; this one
// joins them and decides the exit status.
package main

import (
	"cmp"
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // the binary runs where no zone files are

	"github.com/spf13/cobra"
)

// streams are what a command reads and writes, so that a test can run it in
// its own process.
type streams struct {
	in      io.Reader
	out     io.Writer // results
	err     io.Writer // progress and errors
	environ []string  // in the form of os.Environ
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	code := run(ctx, streams{in: os.Stdin, out: os.Stdout, err: os.Stderr, environ: os.Environ()}, os.Args[1:])
	stop()
	os.Exit(code)
}

// run carries out one command line and returns the exit status.
func run(ctx context.Context, io streams, args []string) int {
	root := newRootCommand(io)
	root.SetArgs(args)
	started := false
	markStart(root, &started)
	var noHelp error
	refuseHelp(root, &noHelp)
	cmd, err := root.ExecuteContextC(ctx)
	return report(io.err, cmd, cmp.Or(err, noHelp), started)
}

func newRootCommand(io streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "muster",
		Short: "Run security campaigns in Slack",
		Long: `Muster is a Slack bot that runs security campaigns: one clear instruction,
rehearsed before anyone receives it, one ticket per owner with everything in it,
help around the clock, and leaders who always see the same true numbers.

Everything is configured by one YAML file (--config) and MUSTER_ variables;
"muster config check" says what is wrong with them.

Exit status: 0 when all is well, 1 when something failed, 2 when the command
line or its input is wrong, 3 when something affected was found.`,
		Example: `  muster manifest > manifest.json   # create the app in Slack from this
  muster config check               # before the first start`,
		Version: version(),
	}
	root.SetIn(io.in)
	root.SetOut(io.out)
	root.SetErr(io.err)
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(explainFlag)
	root.PersistentFlags().String(configFlag, defaultConfig, "the configuration `file`")
	return group(root,
		newAuditCommand(io),
		newCheckCommand(io),
		newConfigCommand(io),
		newDoctorCommand(io),
		newImportCommand(io),
		newManifestCommand(io),
		newMatchCommand(io),
		newReportCommand(io),
		newServeCommand(io),
		newTokenCommand(io),
		newDemoCommand(io),
		newVersionCommand(io),
	)
}
