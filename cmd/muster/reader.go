package main

import (
	"context"
	"errors"
	"os"

	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"

	"github.com/musterbot/muster/campaign"
)

// withReader lets a command read the store: that of the running service, or the
// file itself when no service runs, or the one in Redis. A file that is not there
// is an error, and is not made.
func withReader(cmd *cobra.Command, std streams, read func(context.Context, campaign.Reader) error) error {
	return withHolder(cmd, std, func(ctx context.Context, h *holder) error { return read(ctx, h) })
}

// withHolder is withReader for those that ask more of it.
func withHolder(cmd *cobra.Command, std streams, work func(context.Context, *holder) error) error {
	cfg, err := loadConfig(cmd, std)
	if err != nil {
		return err
	}
	if !isShared(cfg.Store) {
		path, err := storePath(cfg.Store)
		if err != nil {
			return saidPlainly(err)
		}
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			return badInput(errors.New("there is no store at " + path + ". Say where it is by `store` in the configuration, or by MUSTER_STORE"))
		}
	}
	log := logrus.New()
	log.SetOutput(std.err)
	log.SetLevel(logrus.ErrorLevel)
	from, err := openHolder(cmd.Context(), cfg, holdFor, log)
	if err != nil {
		return saidToOperator(err)
	}
	return errors.Join(work(cmd.Context(), from), from.close())
}
