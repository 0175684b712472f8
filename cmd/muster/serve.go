package main

import (
	"context"
	"io"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"

	"github.com/musterbot/muster/configs"
)

func newServeCommand(std streams) *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Run the service",
		Long: `Run Muster: receive what people type and press in Slack, and carry out what is
due. It runs until it is interrupted, and then stops within 10 seconds; whatever
is not finished by then is finished at the next start.

By default Muster calls Slack (Socket Mode) and needs no public address. With
slack.mode "http", Slack calls /slack/events, /slack/interactivity and
/slack/command. Both listen on the address of "listen" for /healthz (the process
runs), /readyz (the store answers and Slack is connected) and /metrics
(Prometheus).

Beside the store's file it listens on a socket of its user, through which the
other subcommands work while it runs.

Exit status: 0 after it was interrupted, 2 when the configuration is wrong, 1
when it cannot start or run.`,
		Example: `  muster serve
  muster serve --config /etc/muster/muster.yaml
  MUSTER_STORE=bolt:///var/lib/muster/muster.db muster serve`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := loadConfig(cmd, std, configs.ReadyToServe)
			if err != nil {
				return err
			}
			return serve(cmd.Context(), appOptions{Config: cfg, Log: newLogger(cfg.Log, std.err), LeaveFor: leaveFor})
		},
	}
}

// leaveFor is how long a load balancer has to see that a replica stops.
const leaveFor = 3 * time.Second

// serve runs the service until ctx ends.
func serve(ctx context.Context, o appOptions) error {
	a, err := startApp(ctx, o)
	if err != nil {
		return saidToOperator(err)
	}
	o.Log.WithFields(logrus.Fields{
		"listen": a.web.Addr(), "mode": o.Config.Slack.Mode, "team": a.me.TeamID, "team_name": a.me.Team,
		"bot": a.me.BotID, "bot_user": a.me.UserID, "version": version(),
	}).Info("muster is running")
	<-ctx.Done()
	o.Log.Info("muster is stopping")
	return a.Stop(context.WithoutCancel(ctx))
}

// newLogger returns the logger that the configuration describes; what it holds
// was checked.
func newLogger(c configs.Log, w io.Writer) logrus.FieldLogger {
	log := logrus.New()
	log.SetOutput(w)
	if c.Format == "json" {
		log.SetFormatter(&logrus.JSONFormatter{})
	}
	if level, err := logrus.ParseLevel(c.Level); err == nil {
		log.SetLevel(level)
	}
	return log
}
