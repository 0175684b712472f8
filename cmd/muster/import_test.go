package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus/hooks/test"
	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/sample"
	"github.com/musterbot/muster/campaign/tracker/builtin"
	"github.com/musterbot/muster/configs"
	"github.com/musterbot/muster/configs/secret"
	"github.com/musterbot/muster/store/bolt"
)

// desk is a folder with a store and files to import, and somebody who types.
type desk struct {
	t     *testing.T
	dir   string
	db    string
	store string // another store than the file at db; "" for that
}

func newDesk(t *testing.T) desk {
	t.Helper()
	dir := t.TempDir()
	return desk{t: t, dir: dir, db: filepath.Join(dir, "muster.db")}
}

// file writes a file and returns its path.
func (d desk) file(name, text string) string {
	d.t.Helper()
	path := filepath.Join(d.dir, name)
	require.NoError(d.t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(d.t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// types runs a command line against the store of this desk.
func (d desk) types(args ...string) (code int, out, errs string) {
	d.t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(d.t.Context(), streams{
		in: strings.NewReader(""), out: &stdout, err: &stderr, environ: []string{"MUSTER_STORE=" + cmp.Or(d.store, "bolt://"+d.db)},
	}, args)
	return code, stdout.String(), stderr.String()
}

// serves holds the store as the running service does, socket included.
func (d desk) serves() (*campaign.Engine, campaign.Store) {
	d.t.Helper()
	store, err := bolt.Open(d.db, bolt.Options{})
	require.NoError(d.t, err)
	d.t.Cleanup(func() { require.NoError(d.t, store.Close()) })
	engine := engineOn(d.t, store)
	log, _ := test.NewNullLogger()
	local, err := startLocal(d.db, engine, store, log)
	require.NoError(d.t, err)
	d.t.Cleanup(func() { require.NoError(d.t, local.stop(context.WithoutCancel(d.t.Context()))) })
	return engine, store
}

func engineOn(t *testing.T, store campaign.Store) *campaign.Engine {
	t.Helper()
	log, _ := test.NewNullLogger()
	tracker, err := builtin.New(builtin.Options{Store: store})
	require.NoError(t, err)
	o := offline{}
	engine, err := newEngine(configs.Default(), store, tracker, slackParts{messenger: o, channels: o, directory: o, roles: o}, campaign.RealClock{}, log, nil)
	require.NoError(t, err)
	return engine
}

const goodSBOM = `{"bomFormat":"CycloneDX","specVersion":"1.4","metadata":{"timestamp":"2021-12-11T08:00:00Z","component":{"type":"application","name":"checkout-api"}},
"components":[{"type":"library","name":"log4j-core","version":"2.14.1","purl":"pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1"}]}`

// sampleFiles writes a small company's catalog and inventory.
func (d desk) sampleFiles() (catalog, scans string) {
	d.t.Helper()
	company, err := sample.New(sample.Options{Seed: 7, Services: 20, Teams: 4, VPs: 2})
	require.NoError(d.t, err)
	catalog, scans = filepath.Join(d.dir, "catalog"), filepath.Join(d.dir, "scans")
	require.NoError(d.t, os.MkdirAll(catalog, 0o700))
	require.NoError(d.t, os.MkdirAll(scans, 0o700))
	require.NoError(d.t, company.WriteCatalog(catalog))
	require.NoError(d.t, company.WriteInventory(scans, time.Now().Add(-time.Hour)))
	return catalog, scans
}

func TestImportTwiceChangesNothing(t *testing.T) {
	for name, serving := range map[string]bool{"with the service running": true, "without a service": false} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			catalog, scans := d.sampleFiles()
			if serving {
				d.serves()
			}
			for _, args := range [][]string{{"import", "catalog", catalog}, {"import", "inventory", scans}} {
				_, out, errs := d.types(args...)
				require.Regexp(t, `: [1-9]\d* new, 0 changed, 0 unchanged`, out, errs)
				_, out, errs = d.types(args...)
				require.Regexp(t, `: 0 new, 0 changed, [1-9]\d* unchanged`, out, errs)
			}
		})
	}
}

// Both ways must come to the same, word for word.
func TestImportSaysTheSameWithAndWithoutAService(t *testing.T) {
	type said struct {
		code      int
		out, errs string
	}
	var all []said
	for _, serving := range []bool{true, false} {
		d := newDesk(t)
		d.file("sboms/good.cdx.json", goodSBOM)
		d.file("sboms/broken.cdx.json", goodSBOM[:200])
		if serving {
			d.serves()
		}
		code, out, errs := d.types("import", "inventory", filepath.Join(d.dir, "sboms"))
		all = append(all, said{code, out, strings.ReplaceAll(errs, d.dir, "DIR")})
	}
	require.Equal(t, all[1], all[0])
	require.Equal(t, exitUsage, all[0].code)
	require.Equal(t, "scans: 1 new, 0 changed, 0 unchanged, 1 refused\n", all[0].out)
}

func TestAnUnreadableSBOMIsRefusedAndTheRestKept(t *testing.T) {
	d := newDesk(t)
	d.file("sboms/good.cdx.json", goodSBOM)
	d.file("sboms/cut.cdx.json", goodSBOM[:len(goodSBOM)/2])
	code, out, errs := d.types("import", "inventory", filepath.Join(d.dir, "sboms"))
	require.Equal(t, exitUsage, code)
	require.Equal(t, "scans: 1 new, 0 changed, 0 unchanged, 1 refused\n", out)
	require.Contains(t, errs, "cut.cdx.json (")
	require.Contains(t, errs, "Nothing of it was used; run the scan again")
	require.Contains(t, errs, "1 of it could not be used (above); the rest was imported. Correct it and import it again")
}

func TestATargetListWithoutItsColumnIsRefused(t *testing.T) {
	d := newDesk(t)
	list := d.file("rotate.csv", "service,owner\ncheckout-api,payments\n")
	code, out, errs := d.types("import", "targets", list, "--campaign", "rotate")
	require.Equal(t, exitUsage, code)
	require.Equal(t, "targets: 0 new, 0 changed, 0 unchanged, 1 refused\n", out)
	require.Contains(t, errs, "rotate.csv")
	require.Contains(t, errs, "target", "the missing column is named")
}

func TestASecretInATargetListIsRefusedAndNotRepeated(t *testing.T) {
	const key = "AKIAIOSFODNN7EXAMPLE"
	for name, serving := range map[string]bool{"with the service running": true, "without a service": false} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			id := d.campaign("rotate-keys", serving)
			list := d.file("rotate.csv", "target,owner,detail\ncheckout-api,payments,key in vault/checkout\nbilling,payments,"+key+"\n")
			code, out, errs := d.types("import", "targets", list, "--campaign", id)
			require.Equal(t, exitUsage, code, errs)
			require.Equal(t, "targets: 1 new, 0 changed, 0 unchanged, 1 refused\n", out)
			require.Contains(t, errs, "rotate.csv (")
			require.Contains(t, errs, "seems to hold")
			require.Contains(t, errs, "rotate it")
			require.NotContains(t, out+errs, key)
			text, err := os.ReadFile(d.db)
			require.NoError(t, err)
			require.NotContains(t, string(text), key, "nor is it kept")
		})
	}
}

func TestVendorsAreImportedWithAndWithoutAService(t *testing.T) {
	for name, serving := range map[string]bool{"with the service running": true, "without a service": false} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			id := d.makes(campaign.NewCampaign{Title: "log4j RCE", Pattern: "log4j-core"}, serving)
			products := d.file("products.csv", "vendor,product,owner\nQlik,Sense,group:default/bi\nQlik,,\n")
			says := d.file("cisagov.yml", "software:\n  - vendor: Qlik\n    product: Sense\n    cves: {cve-2021-44228: {investigated: true, fixed_versions: ['2021.3']}}\n")
			code, out, errs := d.types("import", "vendors", products, says, "--campaign", id)
			require.Equal(t, exitUsage, code, errs)
			require.Equal(t, "products and statements: 2 new, 0 changed, 0 unchanged, 1 refused\n", out)
			require.Contains(t, errs, "products.csv (line 3)")
			code, out, errs = d.types("import", "vendors", says, "--campaign", id)
			require.Equal(t, exitOK, code, errs)
			require.Equal(t, "products and statements: 0 new, 0 changed, 1 unchanged, 0 refused\n", out)
		})
	}
}

// campaign makes a campaign of rows, and leaves a service running if asked.
func (d desk) campaign(title string, serving bool) (id string) {
	d.t.Helper()
	return d.makes(campaign.NewCampaign{Title: title, Rows: []campaign.Row{{Target: "first", Owner: "group:default/payments"}}}, serving)
}

// makes makes a campaign, and leaves a service running if asked.
func (d desk) makes(n campaign.NewCampaign, serving bool) (id string) {
	d.t.Helper()
	make := func(engine *campaign.Engine) {
		_, err := engine.New(d.t.Context(), campaign.Request{Actor: "T1/U1"}, n)
		require.NoError(d.t, err)
		all, err := engine.Campaigns(d.t.Context())
		require.NoError(d.t, err)
		id = all[0].ID
	}
	if serving {
		engine, _ := d.serves()
		make(engine)
		return id
	}
	store, err := bolt.Open(d.db, bolt.Options{})
	require.NoError(d.t, err)
	make(engineOn(d.t, store))
	require.NoError(d.t, store.Close())
	return id
}

func TestACatalogWithACycleIsRefusedAndTheOldOneStays(t *testing.T) {
	d := newDesk(t)
	catalog, _ := d.sampleFiles()
	code, first, _ := d.types("import", "catalog", catalog)
	require.Contains(t, []int{exitOK, exitUsage}, code)
	group := "apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata:\n  name: %s\nspec:\n  type: team\n  parent: %s\n  children: []\n"
	cycle := d.file("cycle.yaml", fmt.Sprintf(group+"---\n"+group, "a", "b", "b", "a"))

	code, out, errs := d.types("import", "catalog", cycle)
	require.Equal(t, exitUsage, code)
	require.Empty(t, out)
	require.Contains(t, errs, "group:default/a → group:default/b → group:default/a")
	require.Contains(t, errs, "Nothing was changed")

	_, again, _ := d.types("import", "catalog", catalog)
	require.NotEqual(t, first, again)
	require.Contains(t, again, "0 new, 0 changed")
}

func TestTheTimeOfADocumentThatTellsNone(t *testing.T) {
	d := newDesk(t)
	_, store := d.serves()
	report := d.file("shop.syft.json", `{"artifacts":[{"purl":"pkg:npm/a@1"}],"source":{"name":"shop"}}`)
	code, _, errs := d.types("import", "inventory", report, "--scanned-at", "yesterday")
	require.Equal(t, exitUsage, code)
	require.Contains(t, errs, "nothing was imported")
	code, out, errs := d.types("import", "inventory", report)
	require.Equal(t, exitOK, code, errs)
	require.Contains(t, out, "1 new")
	code, out, errs = d.types("import", "inventory", report, "--scanned-at", "2021-12-13T08:00:00Z")
	require.Equal(t, exitOK, code, errs)
	require.Contains(t, out, "1 changed", "the same software, and now it is known when")
	records, err := store.List(t.Context(), campaign.Sys, campaign.KindScan, "", 5)
	require.NoError(t, err)
	require.Len(t, records, 1)
}

func TestImportsThatCannotWork(t *testing.T) {
	d := newDesk(t)
	list := d.file("rows.csv", "target\ncheckout-api\n")
	tests := map[string]struct {
		args []string
		want string
	}{
		"nothing named":          {[]string{"import", "inventory"}, "no file or folder is named"},
		"a path that is missing": {[]string{"import", "inventory", filepath.Join(d.dir, "nowhere")}, "there is no file or folder"},
		"targets of no campaign": {[]string{"import", "targets", list}, "give the ID"},
		"vendors of no campaign": {[]string{"import", "vendors", list}, "give the ID"},
		"an unknown campaign":    {[]string{"import", "targets", list, "--campaign", "nope"}, "There is no campaign nope"},
		"an unknown kind":        {[]string{"import", "sboms", list}, `no subcommand "sboms"`},
		"an empty file":          {[]string{"import", "inventory", d.file("empty.json", "")}, "is empty"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			code, _, errs := d.types(tt.args...)
			require.Equal(t, exitUsage, code)
			require.Contains(t, errs, tt.want)
		})
	}
}

func TestTheSocketIsForItsUserOnly(t *testing.T) {
	d := newDesk(t)
	d.serves()
	info, err := os.Stat(d.db + ".sock")
	require.NoError(t, err)
	require.Equal(t, os.ModeSocket|0o600, info.Mode())
	left, err := filepath.Glob(filepath.Join(d.dir, ".muster-*"))
	require.NoError(t, err)
	require.Empty(t, left)
}

// A service that was killed leaves its socket behind.
func TestAStaleSocketIsNoService(t *testing.T) {
	d := newDesk(t)
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: d.db + ".sock", Net: "unix"})
	require.NoError(t, err)
	listener.SetUnlinkOnClose(false)
	require.NoError(t, listener.Close())

	code, out, errs := d.types("import", "inventory", d.file("a.cdx.json", goodSBOM))
	require.Equal(t, exitOK, code, errs)
	require.Contains(t, out, "1 new")
	require.NoFileExists(t, d.db+".sock")

	listener, err = net.ListenUnix("unix", &net.UnixAddr{Name: d.db + ".sock", Net: "unix"})
	require.NoError(t, err)
	listener.SetUnlinkOnClose(false)
	require.NoError(t, listener.Close())
	d.serves() // takes its place
	code, out, errs = d.types("import", "inventory", filepath.Join(d.dir, "a.cdx.json"))
	require.Equal(t, exitOK, code, errs)
	require.Contains(t, out, "1 unchanged")
}

func TestLongPathsHaveSocketsToo(t *testing.T) {
	for name, db := range map[string]string{
		"a deep folder": filepath.Join(strings.Repeat("a-long-folder/", 9), "muster.db"),
		"a long name":   strings.Repeat("x", 200) + ".db",
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.db = filepath.Join(d.dir, db)
			require.NoError(t, os.MkdirAll(filepath.Dir(d.db), 0o700))
			d.serves()
			code, out, errs := d.types("import", "inventory", d.file("a.cdx.json", goodSBOM))
			require.Equal(t, exitOK, code, errs)
			require.Contains(t, out, "1 new")
		})
	}
}

// However the store's path is written, it is the one store with the one socket.
func TestAllWaysToTheStoreLeadToOneSocket(t *testing.T) {
	d := newDesk(t)
	d.serves()
	link := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink(d.dir, link))
	d.db = filepath.Join(link, ".", "muster.db")
	code, out, errs := d.types("import", "inventory", d.file("a.cdx.json", goodSBOM))
	require.Equal(t, exitOK, code, errs)
	require.Contains(t, out, "1 new")
}

func TestTheServiceIsReadThroughItsSocket(t *testing.T) {
	d := newDesk(t)
	_, store := d.serves()
	log, _ := test.NewNullLogger()
	require.NoError(t, store.Apply(t.Context(), campaign.Change{
		Scope:   "c1",
		Records: []campaign.Record{{Kind: campaign.KindTask, ID: "a", Data: []byte(`{"v":1}`)}, {Kind: campaign.KindTask, ID: "b", Data: []byte{0, 255}}},
		Index:   []campaign.IndexEntry{{Name: "by", Key: "x", ID: "a"}},
		Count:   []campaign.CounterDelta{{Name: "n", By: 3}},
		Audit:   []campaign.AuditRecord{{Action: "task.open", Subject: "task/a"}},
	}))
	cfg := configs.Default()
	cfg.Store = secret.NewURL("bolt://" + d.db)
	h, err := openHolder(t.Context(), cfg, holdFor, log)
	require.NoError(t, err)
	defer func() { require.NoError(t, h.close()) }()
	require.True(t, h.running)

	ctx := t.Context()
	same := func(ask func(r campaign.Reader) (any, error)) {
		t.Helper()
		want, wantErr := ask(store)
		got, gotErr := ask(h)
		require.Equal(t, want, got)
		require.Equal(t, wantErr == nil, gotErr == nil)
		require.Equal(t, campaign.KindOf(wantErr), campaign.KindOf(gotErr))
		require.Equal(t, campaign.PublicMessage(wantErr), campaign.PublicMessage(gotErr))
	}
	same(func(r campaign.Reader) (any, error) { return r.Get(ctx, "c1", campaign.KindTask, "b") })
	same(func(r campaign.Reader) (any, error) { return r.Get(ctx, "c1", campaign.KindTask, "none") })
	same(func(r campaign.Reader) (any, error) {
		return r.GetMany(ctx, "c1", campaign.KindTask, []string{"b", "none", "a"})
	})
	same(func(r campaign.Reader) (any, error) { return r.List(ctx, "c1", campaign.KindTask, "a", 5) })
	same(func(r campaign.Reader) (any, error) {
		return r.Index(ctx, "c1", "by", "", campaign.IndexHit{}, 5)
	})
	same(func(r campaign.Reader) (any, error) { return r.Counters(ctx, "c1", "") })
	same(func(r campaign.Reader) (any, error) { return r.Audit(ctx, "c1", 0, 5) })
	same(func(r campaign.Reader) (any, error) { return r.Scopes(ctx) })
}

// An import that is running holds the file without a socket: the next one waits
// for it, and says so when it takes too long.
func TestTwoImportsTakeTurns(t *testing.T) {
	d := newDesk(t)
	store, err := bolt.Open(d.db, bolt.Options{})
	require.NoError(t, err)
	path := d.file("a.cdx.json", goodSBOM)
	done := make(chan int, 1)
	var errs string
	go func() {
		var code int
		code, _, errs = d.types("import", "inventory", path)
		done <- code
	}()
	require.NoError(t, store.Close())
	require.Equal(t, exitOK, <-done, errs)
}

func TestAHeldStoreSaysWhatToDo(t *testing.T) {
	d := newDesk(t)
	store, err := bolt.Open(d.db, bolt.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, store.Close()) }()
	log, _ := test.NewNullLogger()
	cfg := configs.Default()
	cfg.Store = secret.NewURL("bolt://" + d.db)
	_, err = openHolder(t.Context(), cfg, time.Millisecond, log)
	require.Equal(t, campaign.Unavailable, campaign.KindOf(err))
	words := campaign.PublicMessage(err)
	require.Contains(t, words, "is held by another process")
	require.Contains(t, words, "run this again in a moment")
	require.NotContains(t, words, "stop", "nobody is told to stop the service")
}

func FuzzLocalLines(f *testing.F) {
	f.Add([]byte(`{"asset":"a"}` + "\n" + `{"asset":"b"}`))
	f.Add([]byte("{}\nnull\n[]"))
	f.Fuzz(func(t *testing.T, body []byte) {
		last := false
		for _, err := range lines[campaign.Scan](bytes.NewReader(body)) {
			require.False(t, last, "nothing comes after an error")
			if last = err != nil; last {
				_, ok := errors.AsType[*campaign.Error](err)
				require.True(t, ok)
			}
		}
	})
}
