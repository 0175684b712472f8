package main

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/musterbot/muster/configs"
)

// tokenPrefix lets secret scanners and people tell what a token is for.
const tokenPrefix = "muster_"

func newTokenCommand(std streams) *cobra.Command {
	var may []string
	cmd := &cobra.Command{
		Use:   "token NAME",
		Short: "Make a token for a program that calls Muster",
		Long: `Make a token with which a program may call the API, such as a CI that asks what
campaigns block, or a scanner that brings its reports. NAME is that of the
program.

The token is printed once, on the first line, and kept nowhere: give it to the
program as a secret. The lines after it belong into the configuration, under
api.tokens; they hold only its SHA-256. To take the right away, remove them and
start the service again.

Exit status: 0 when the token was made, 2 when the command line is wrong.`,
		Example: `  muster token ci
  muster token scanner --may scans`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return badInput(errors.New("give the token a name, that of the program which is to have it: muster token ci"))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			for _, right := range may {
				if !slices.Contains(configs.TokenRights, right) {
					return badInput(fmt.Errorf("--may %q is not known; write %s", right, strings.Join(configs.TokenRights, " or ")))
				}
			}
			token := tokenPrefix + rand.Text() + rand.Text()
			_, err := fmt.Fprintf(std.out, "%s\n\napi:\n  tokens:\n    - name: %q\n      sha256: %x\n      may: [%s]\n",
				token, args[0], sha256.Sum256([]byte(token)), strings.Join(may, ", "))
			return err
		},
	}
	cmd.Flags().StringSliceVar(&may, "may", []string{"check"}, "what it is good for: `rights`, check or scans, separated by commas")
	return cmd
}
