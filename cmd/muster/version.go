package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// release is set by the linker (see the Makefile) and by nothing else.
var release string

// version returns the release, or what Go recorded about the build.
func version() string {
	name := release
	if info, ok := debug.ReadBuildInfo(); ok && name == "" {
		name = info.Main.Version
	}
	if name == "" {
		name = "(devel)"
	}
	return fmt.Sprintf("muster %s (%s, %s/%s)", name, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

func newVersionCommand(io streams) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Long: `Print the version of this binary, the Go version it was built with and the
platform it was built for, on one line. Give it with every report of a problem.

Exit status: 0.`,
		Example: `  muster version`,
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(io.out, version())
			return err
		},
	}
}
