package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/musterbot/muster/configs"
)

func newManifestCommand(io streams) *cobra.Command {
	var address string
	cmd := &cobra.Command{
		Use:   "manifest",
		Short: "Print the manifest that creates the Slack app",
		Long: `Print the manifest from which Slack creates the app, with its scopes, its events
and the command /campaign. On api.slack.com/apps choose "Create New App", "From a
manifest", and paste it. Do the same under "App Manifest" after an upgrade.

Without --http the app uses Socket Mode: Muster calls Slack, and no public
endpoint is needed. With it, Slack calls the paths /slack/events,
/slack/interactivity and /slack/command below the given address. It reads no
file.

Exit status: 0, or 2 when Slack could not call the address.`,
		Example: `  muster manifest > manifest.json
  muster manifest --http https://muster.example.com`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			text, err := configs.Manifest(address)
			if err != nil {
				return err
			}
			if _, err := io.out.Write(text); err != nil {
				return fmt.Errorf("write manifest: %w", err)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&address, "http", "", "the public https `URL` of the service, for HTTP mode")
	return cmd
}
