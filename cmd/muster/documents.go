package main

import (
	"bytes"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/advisory"
	"github.com/musterbot/muster/campaign/inventory"
)

// documents reads what people drop into channels.
type documents struct{}

var _ campaign.Documents = documents{}

func (documents) Scans(raw []byte, name string) ([]campaign.Scan, []campaign.Refusal) {
	return inventory.Read(bytes.NewReader(raw), name)
}

func (documents) Statements(raw []byte, name string) ([]campaign.Statement, []campaign.Refusal, error) {
	return advisory.ReadVEX(raw, name)
}
