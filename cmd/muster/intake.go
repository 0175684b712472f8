package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"

	"github.com/musterbot/muster/bot/web"
	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/inventory"
)

// takeFile imports a file of scans once, by its content. It is put on disk
// first: what it is can be told from its beginning only, and its hash at its end.
func takeFile(ctx context.Context, g *campaign.Engine, r campaign.Request, name string, body io.Reader) (campaign.ImportReport, string, bool, error) {
	spool, err := os.CreateTemp("", "muster-scan-*")
	if err != nil {
		return campaign.ImportReport{}, "", false, fmt.Errorf("spool scan: %w", err)
	}
	defer func() {
		_ = spool.Close()
		_ = os.Remove(spool.Name())
	}()
	digest := sha256.New()
	if _, err := io.Copy(io.MultiWriter(spool, digest), body); err != nil {
		return campaign.ImportReport{}, "", false, fmt.Errorf("spool scan: %w", err)
	}
	if _, err := spool.Seek(0, io.SeekStart); err != nil {
		return campaign.ImportReport{}, "", false, fmt.Errorf("spool scan: %w", err)
	}
	hash := hex.EncodeToString(digest.Sum(nil))
	report, already, err := g.TakeIn(ctx, r, campaign.Intake{Name: name, Hash: hash, Read: func() ([]campaign.Scan, []campaign.Refusal) {
		return inventory.Read(spool, name)
	}})
	return report, hash, already, err
}

// takeScans is what POST /v1/scans does.
func (a *app) takeScans() web.TakeScans {
	return func(ctx context.Context, name string, body io.Reader) (campaign.ImportReport, bool, error) {
		report, _, already, err := takeFile(ctx, a.engine, campaign.Request{Reason: "POST /v1/scans"}, name, body)
		return report, already, err
	}
}
