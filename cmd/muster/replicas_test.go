package main

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/configs/secret"
	"github.com/musterbot/muster/store/redis/redistest"
)

// Two services share one Redis: what one of them is told, the other knows, and
// the other subcommands work beside both.
func TestReplicasShareARedis(t *testing.T) {
	server := redistest.New(t, redistest.Options{Fsync: "always"})
	o := newOffice(t, "http")
	o.desk.store = server.URL()
	o.cfg.Store = secret.NewURL(server.URL())
	catalog, scans := o.sampleFiles()
	_, out, errs := o.types("import", "catalog", catalog)
	require.Regexp(t, `: [1-9]\d* new`, out, errs)

	o.opens()
	other := &office{desk: o.desk, ws: o.ws, cfg: o.cfg, ann: o.ann, bob: o.bob, ops: o.ops, logs: &journal{}}
	require.True(t, o.ann.Runs(`/campaign new "log4j RCE"`, o.ops).OK())
	o.hears(o.ann, "log4j RCE")

	other.opens() // commands go there from now on
	_, out, errs = o.types("import", "inventory", scans)
	require.Regexp(t, `^scans: [1-9]\d* new`, out, errs)
	require.True(t, o.ann.Runs("/campaign show", o.ops).OK())
	o.hears(o.ann, "log4j-rce")
	require.True(t, o.bob.Runs("/campaign launch", o.ops).OK())
	o.hears(o.bob, "commander")

	for _, replica := range []*office{o, other} {
		all, err := replica.app.engine.Campaigns(t.Context())
		require.NoError(t, err)
		require.Len(t, all, 1)
		require.Equal(t, campaign.NewPerson(o.ws.TeamID(), o.ann.ID), all[0].Commander)
		code, ready := replica.asks("/readyz")
		require.Equal(t, http.StatusOK, code, ready)
		require.Contains(t, ready, "store: ok, Redis has every write on disk before Muster acknowledges it")
	}

	code, out, errs := o.types("doctor")
	require.Equal(t, exitOK, code, errs)
	require.Contains(t, out, "appendfsync always")

	// One goes, and the other carries on.
	o.closes()
	require.True(t, o.ann.Runs("/campaign list", o.ops).OK())
	o.hears(o.ann, "log4j RCE")
}

func TestDoctorSaysThatNothingSurvives(t *testing.T) {
	server := redistest.New(t, redistest.Options{})
	d := newDesk(t)
	d.store = server.URL()
	code, out, errs := d.types("doctor")
	require.Equal(t, exitOK, code, errs)
	require.Contains(t, out, "NOTHING SURVIVES a restart")
}
