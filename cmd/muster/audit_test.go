package main

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/store/bolt"
)

// drafted fills the desk's store with one campaign, and lets meddle at it.
func (d desk) drafted(meddle func(campaign.Store)) {
	d.t.Helper()
	store, err := bolt.Open(d.db, bolt.Options{})
	require.NoError(d.t, err)
	engine := engineOn(d.t, store)
	_, err = engine.New(d.t.Context(), campaign.Request{Key: "k1", Actor: "T1/U1"}, campaign.NewCampaign{Title: "log4j RCE"})
	require.NoError(d.t, err)
	if meddle != nil {
		meddle(store)
	}
	require.NoError(d.t, store.Close())
}

func TestAuditAndDoctorReadTheStore(t *testing.T) {
	forged, err := campaign.Put(campaign.KindSeal, "head", 0, campaign.Seal{From: 1, To: 9, Hash: "forged"})
	require.NoError(t, err)
	tests := map[string]struct {
		meddle func(campaign.Change) campaign.Change
		args   []string
		code   int
		says   string
	}{
		"verify":                {nil, []string{"audit", "verify"}, exitOK, "log4j-rce: 0 records agree with 0 seals; 1 record not sealed yet."},
		"verify as json":        {nil, []string{"audit", "verify", "log4j-rce", "--format", "json"}, exitOK, `"scope":"log4j-rce","records":1,`},
		"export":                {nil, []string{"audit", "export", "log4j-rce"}, exitOK, `"action":"campaign.new","subject":"campaign/log4j-rce"`},
		"no such campaign":      {nil, []string{"audit", "export", "log5j"}, exitUsage, `there is no campaign "log5j"`},
		"an anchor of nothing":  {nil, []string{"audit", "verify", "--anchor", "1:00"}, exitUsage, "--anchor needs the one campaign"},
		"an unknown format":     {nil, []string{"doctor", "--format", "xml"}, exitUsage, `not "xml"`},
		"doctor":                {nil, []string{"doctor"}, exitOK, "Nothing is wrong."},
		"doctor on durability":  {nil, []string{"doctor"}, exitOK, "durable"},
		"a seal that is forged": {func(c campaign.Change) campaign.Change { c.Records = []campaign.Record{forged}; return c }, []string{"audit", "verify"}, exitFailure, "NOT valid"},
		"a counter that drifted": {func(c campaign.Change) campaign.Change {
			c.Count = []campaign.CounterDelta{{Name: "reopened", By: 3}}
			return c
		}, []string{"doctor"}, exitFailure, "PROBLEM  counter reopened says 3, the records say 0"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.drafted(func(s campaign.Store) {
				if tt.meddle != nil {
					require.NoError(t, s.Apply(context.Background(), tt.meddle(campaign.Change{Scope: "log4j-rce"})))
				}
			})
			code, out, errs := d.types(tt.args...)
			require.Equal(t, tt.code, code, out+errs)
			require.Contains(t, out+errs, tt.says)
		})
	}
}

func TestAuditAsksTheRunningService(t *testing.T) {
	d := newDesk(t)
	engine, _ := d.serves()
	_, err := engine.New(t.Context(), campaign.Request{Key: "k1", Actor: "T1/U1"}, campaign.NewCampaign{Title: "log4j RCE"})
	require.NoError(t, err)
	code, out, errs := d.types("audit", "verify", "log4j-rce")
	require.Equal(t, exitOK, code, errs)
	require.Contains(t, out, "1 record not sealed yet")
	code, out, errs = d.types("doctor")
	require.Equal(t, exitOK, code, errs)
	require.True(t, strings.Contains(out, "Nothing is wrong."), out)
}

func TestNobodyMakesAStoreByLooking(t *testing.T) {
	d := newDesk(t)
	code, _, errs := d.types("doctor")
	require.Equal(t, exitUsage, code)
	require.Contains(t, errs, "there is no store at")
	require.NoFileExists(t, d.db)
}
