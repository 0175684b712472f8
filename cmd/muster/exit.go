package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/configs"
)

// The exit statuses, which scripts rely on.
const (
	exitOK       = 0
	exitFailure  = 1
	exitUsage    = 2 // the command line, or what it names, is wrong
	exitAffected = 3 // something affected or possibly affected was found
)

// errAffected ends a command with exitAffected and no further words: the
// finding has been printed.
var errAffected = &exitError{code: exitAffected}

// exitError is an error with an exit status of its own.
type exitError struct {
	code int
	err  error // printed; nil prints nothing
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// badInput marks err as a mistake in the input: exitUsage.
func badInput(err error) error { return &exitError{code: exitUsage, err: err} }

// report prints err, if any, and returns the exit status for it. An error from
// before the command's own work started is a mistake in the command line.
func report(w io.Writer, cmd *cobra.Command, err error, started bool) int {
	if err == nil {
		return exitOK
	}
	if own, ok := errors.AsType[*exitError](err); ok && own.err == nil {
		return own.code
	}
	fmt.Fprintf(w, "muster: %v\n", err)
	if !started {
		fmt.Fprintf(w, "See %q.\n", cmd.CommandPath()+" --help")
		return exitUsage
	}
	return statusOf(err)
}

func statusOf(err error) int {
	if own, ok := errors.AsType[*exitError](err); ok {
		return own.code
	}
	if _, ok := errors.AsType[configs.Problems](err); ok {
		return exitUsage
	}
	switch campaign.KindOf(err) {
	case campaign.Invalid, campaign.NotFound:
		return exitUsage
	}
	return exitFailure
}

// markStart sets started when the work of any command below cmd begins.
func markStart(cmd *cobra.Command, started *bool) {
	if work := cmd.RunE; work != nil && (!cmd.HasSubCommands() || cmd.Annotations[worksItself] != "") {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			*started = true
			return work(cmd, args)
		}
	}
	for _, sub := range cmd.Commands() {
		markStart(sub, started)
	}
}

// worksItself marks a command that has subcommands and does something without
// one.
const worksItself = "works itself"

// group adds subcommands to a command that does nothing by itself: alone it
// prints its help, and a word that it does not know is a mistake.
func group(parent *cobra.Command, subcommands ...*cobra.Command) *cobra.Command {
	parent.AddCommand(subcommands...)
	parent.SuggestionsMinimumDistance = 2
	parent.Args = cobra.ArbitraryArgs
	parent.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return unknownSubcommand(cmd, args[0])
		}
		return cmd.Help()
	}
	return parent
}

// unknownSubcommand says that cmd has no subcommand of that name, and which
// one was probably meant.
func unknownSubcommand(cmd *cobra.Command, name string) error {
	if near := cmd.SuggestionsFor(name); len(near) > 0 {
		return fmt.Errorf("%s has no subcommand %q. Did you mean %q?", cmd.CommandPath(), name, near[0])
	}
	var known []string
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			known = append(known, sub.Name())
		}
	}
	return fmt.Errorf("%s has no subcommand %q. It knows %s", cmd.CommandPath(), name, strings.Join(known, ", "))
}

// refuseHelp makes --help after a word that is no subcommand a mistake, which
// cobra would answer with the help of the command before it. The mistake is
// left in found, since cobra's help cannot fail.
func refuseHelp(root *cobra.Command, found *error) {
	help := root.HelpFunc()
	root.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		if words := cmd.Flags().Args(); cmd.HasSubCommands() && len(words) > 0 {
			*found = unknownSubcommand(cmd, words[0])
			return
		}
		help(cmd, args)
	})
}

// explainFlag names the flag that was probably meant.
func explainFlag(cmd *cobra.Command, err error) error {
	unknown, ok := errors.AsType[*pflag.NotExistError](err)
	if !ok {
		return err
	}
	var known []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			known = append(known, f.Name)
		}
	})
	if near := configs.Nearest(unknown.GetSpecifiedName(), known); near != "" {
		return fmt.Errorf("%w. Did you mean --%s?", err, near)
	}
	return err
}
