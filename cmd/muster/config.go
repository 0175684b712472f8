package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/robfig/cron/v3"
	"github.com/spf13/cobra"

	"github.com/musterbot/muster/configs"
)

const (
	configFlag    = "config"
	defaultConfig = "muster.yaml"
)

// loadConfig reads the configuration for a command and checks it; further
// checks are those of configs.Config.Validate. The default file may be absent,
// one that --config names may not. Everything wrong is in one configs.Problems.
func loadConfig(cmd *cobra.Command, io streams, further ...func(configs.Config) []configs.Problem) (configs.Config, error) {
	cfg, err := configs.Load(configPath(cmd), io.environ)
	unreadable, ok := errors.AsType[configs.Problems](err)
	if err != nil && !ok {
		return cfg, err
	}
	checks := append([]func(configs.Config) []configs.Problem{checkSchedules}, further...)
	invalid, _ := errors.AsType[configs.Problems](cfg.Validate(checks...))
	all := append(unreadable, invalid...)
	switch {
	case len(all) == 0:
		return cfg, nil
	case configPath(cmd) == "":
		return cfg, fmt.Errorf("there is no %s in %s; --config names another file. With the MUSTER_ variables only, %w", defaultConfig, here(), all)
	}
	return cfg, all
}

// here returns the folder in which files are looked for.
func here() string {
	folder, err := os.Getwd()
	if err != nil {
		return "this folder"
	}
	return folder
}

// configPath returns the file to read, and "" when there is none to.
func configPath(cmd *cobra.Command) string {
	path := cmd.Flag(configFlag).Value.String()
	if cmd.Flag(configFlag).Changed {
		return path
	}
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return ""
	}
	return path
}

var fiveFields = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)

// checkSchedules reads each schedule as the service will.
func checkSchedules(c configs.Config) []configs.Problem {
	var found []configs.Problem
	for i, digest := range c.Digests {
		if len(strings.Fields(digest.Schedule)) != 5 { // found by configs itself
			continue
		}
		if _, err := fiveFields.Parse(digest.Schedule); err != nil {
			found = append(found, configs.Problem{
				Path: fmt.Sprintf("digests[%d].schedule", i),
				What: fmt.Sprintf("%q is not a schedule (%v)", digest.Schedule, err),
				Do:   `Write minute, hour, day, month and weekday, such as "0 9 * * 1-5".`,
			})
		}
	}
	return found
}

func newConfigCommand(io streams) *cobra.Command {
	return group(&cobra.Command{
		Use:   "config",
		Short: "Look into the configuration",
		Long:  "Look into the configuration: the YAML file of --config and the MUSTER_ variables over it.",
	}, newConfigCheckCommand(io))
}

func newConfigCheckCommand(io streams) *cobra.Command {
	var valuesOnly bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Say everything that is wrong with the configuration",
		Long: `Read the configuration as "muster serve" does and say everything that is wrong
with it, each with file and line or variable and with what to do. Use it before
a start, and with --values-only where the tokens are not at hand, as in CI.

It reads the file of --config (muster.yaml if there is one) and the MUSTER_
variables. It opens no store, calls nobody and prints no secret.

Exit status: 0 when nothing is wrong, 2 when something is, 1 when the file
cannot be read.`,
		Example: `  muster config check
  muster config check --config /etc/muster/muster.yaml --values-only`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var further []func(configs.Config) []configs.Problem
			if !valuesOnly {
				further = append(further, configs.ReadyToServe)
			}
			cfg, err := loadConfig(cmd, io, further...)
			if err != nil {
				return err
			}
			source := configPath(cmd)
			if source == "" {
				source = "no file, variables only"
			}
			fmt.Fprintf(io.out, "The configuration is good (%s): store %s, Slack by %s, %d digests.\n",
				source, cfg.Store, cfg.Slack.Mode, len(cfg.Digests))
			return nil
		},
	}
	cmd.Flags().BoolVar(&valuesOnly, "values-only", false, "do not ask for the tokens and roles that serving needs")
	return cmd
}
