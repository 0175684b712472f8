package bolt_test

import (
	"bufio"
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/store/bolt"
)

const kind = campaign.RecordKind("ticket")

var now = time.Date(2021, 12, 10, 9, 0, 0, 0, time.UTC)

func TestReopenKeepsEverythingAndEndsLeases(t *testing.T) {
	path := filepath.Join(t.TempDir(), "muster.db")
	s, err := bolt.Open(path, bolt.Options{})
	require.NoError(t, err)
	change := campaign.Change{
		Scope:   "log4j",
		Records: []campaign.Record{{Kind: kind, ID: "a", Data: []byte("one")}},
		Index:   []campaign.IndexEntry{{Name: "by-team", Key: "core", ID: "a"}},
		Count:   []campaign.CounterDelta{{Name: "open", By: 3}},
		Due: []campaign.DueEntry{
			{ID: "leased", Serial: "u", At: now},
			{ID: "behind", Serial: "u", At: now},
			{ID: "later", At: now.Add(time.Hour)},
			{ID: "held again", Lane: campaign.Bulk, At: now},
		},
		Audit: []campaign.AuditRecord{{Action: "ticket.open", At: now}},
	}
	require.NoError(t, s.Apply(t.Context(), change))
	request := campaign.ClaimRequest{Now: now, Lease: time.Hour, N: 10}
	before, err := s.Claim(t.Context(), request)
	require.NoError(t, err)
	require.Len(t, before.Entries, 2)
	require.NoError(t, s.Close())

	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	s = open(t, path)
	rec, err := s.Get(t.Context(), "log4j", kind, "a")
	require.NoError(t, err)
	require.Equal(t, campaign.Record{Kind: kind, ID: "a", Version: 1, Data: []byte("one")}, rec)
	hits, err := s.Index(t.Context(), "log4j", "by-team", "core", campaign.IndexHit{}, 0)
	require.NoError(t, err)
	require.Equal(t, []campaign.IndexHit{{Key: "core", ID: "a"}}, hits)
	counters, err := s.Counters(t.Context(), "log4j", "")
	require.NoError(t, err)
	require.Equal(t, map[string]int64{"open": 3}, counters)
	audit, err := s.Audit(t.Context(), "log4j", 0, 0)
	require.NoError(t, err)
	require.Equal(t, []campaign.AuditRecord{{Seq: 1, Action: "ticket.open", At: now}}, audit)

	after, err := s.Claim(t.Context(), request)
	require.NoError(t, err)
	require.Len(t, after.Entries, 2)
	for i, e := range after.Entries {
		require.Equal(t, before.Entries[i].ID, e.ID)
		require.True(t, e.Expired, "whoever held it is gone")
		require.Equal(t, 1, e.Attempts)
	}
	require.Equal(t, now.Add(time.Hour), after.Next)
	require.Equal(t, campaign.Conflict, campaign.KindOf(campaign.Done(t.Context(), s, before.Entries[0])))
	require.NoError(t, campaign.Done(t.Context(), s, after.Entries[0]))
}

func TestStoreInUseIsUnavailable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "muster.db")
	open(t, path)
	began := time.Now()
	_, err := bolt.Open(path, bolt.Options{})
	require.Equal(t, campaign.Unavailable, campaign.KindOf(err))
	require.Contains(t, campaign.PublicMessage(err), "in use by another process")
	require.Contains(t, campaign.PublicMessage(err), path)
	require.Less(t, time.Since(began), 5*time.Second)
}

func TestFileThatIsNoStoreIsInvalid(t *testing.T) {
	folder := t.TempDir()
	good := filepath.Join(folder, "good.db")
	fill(t, good)
	data, err := os.ReadFile(good)
	require.NoError(t, err)

	overwritten := func(from, to int) []byte {
		out := bytes.Clone(data)
		for i := from; i < to; i++ {
			out[i] = 0xa5
		}
		return out
	}
	page := os.Getpagesize()
	tests := map[string]struct{ data []byte }{
		"a text file":             {[]byte(strings.Repeat("hello\n", 4000))},
		"a short file":            {[]byte("hello")},
		"zero bytes only":         {make([]byte, 64<<10)},
		"without its end":         {data[:len(data)/2]},
		"of two pages":            {data[:2*page]},
		"both headers are lost":   {overwritten(0, 2*page)},
		"all but headers is lost": {overwritten(2*page, len(data))},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "muster.db")
			require.NoError(t, os.WriteFile(path, tt.data, 0o600))
			for range 2 { // the lock of a refused file is released
				_, err := bolt.Open(path, bolt.Options{})
				require.Equal(t, campaign.Invalid, campaign.KindOf(err), "%v", err)
				require.Contains(t, campaign.PublicMessage(err), "damaged or is not a store of Muster")
			}
			left, err := os.ReadFile(path)
			require.NoError(t, err)
			require.True(t, bytes.Equal(tt.data, left), "the file is left as it was")
		})
	}
}

func TestPathThatCannotBeOpenedIsInvalid(t *testing.T) {
	foreign := func(t *testing.T, bucket, format string) string {
		path := filepath.Join(t.TempDir(), "other.db")
		db, err := bbolt.Open(path, 0o600, nil)
		require.NoError(t, err)
		require.NoError(t, db.Update(func(tx *bbolt.Tx) error {
			b, err := tx.CreateBucket([]byte(bucket))
			if err != nil {
				return err
			}
			return b.Put([]byte("format"), []byte(format))
		}))
		require.NoError(t, db.Close())
		return path
	}
	tests := map[string]struct {
		path func(t *testing.T) string
		want string
	}{
		"a folder":           {func(t *testing.T) string { return t.TempDir() }, "Check that the path names a file"},
		"in no folder":       {func(t *testing.T) string { return filepath.Join(t.TempDir(), "no", "muster.db") }, "Create it"},
		"of another program": {func(t *testing.T) string { return foreign(t, "etcd", "1") }, "belongs to another program"},
		"of a newer Muster":  {func(t *testing.T) string { return foreign(t, "muster", "2") }, "another version of Muster"},
		"without a format":   {func(t *testing.T) string { return foreign(t, "muster", "x") }, "damaged"},
		"below a file":       {func(t *testing.T) string { return filepath.Join(foreign(t, "muster", "1"), "muster.db") }, "Check that the path"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := bolt.Open(tt.path(t), bolt.Options{})
			require.Equal(t, campaign.Invalid, campaign.KindOf(err), "%v", err)
			require.Contains(t, campaign.PublicMessage(err), tt.want)
		})
	}
}

// fill makes a store that is large enough to be damaged in several ways.
func fill(t *testing.T, path string) {
	t.Helper()
	s, err := bolt.Open(path, bolt.Options{})
	require.NoError(t, err)
	for i := range 20 {
		c := campaign.Change{Scope: "log4j"}
		for n := range 100 {
			c.Records = append(c.Records, campaign.Record{Kind: kind, ID: fmt.Sprintf("%d-%d", i, n), Data: bytes.Repeat([]byte{'x'}, 300)})
		}
		require.NoError(t, s.Apply(t.Context(), c))
	}
	require.NoError(t, s.Close())
}

func TestLeasesRunOnTheTimeOfABubble(t *testing.T) {
	path := filepath.Join(t.TempDir(), "muster.db")
	synctest.Test(t, func(t *testing.T) {
		s, err := bolt.Open(path, bolt.Options{})
		require.NoError(t, err)
		defer func() { require.NoError(t, s.Close()) }()
		woken := make(chan struct{})
		ready := s.Ready()
		go func() {
			<-ready
			close(woken)
		}()
		require.NoError(t, s.Apply(t.Context(), campaign.Change{Scope: "log4j", Due: []campaign.DueEntry{{ID: "a", At: now}}}))
		<-woken

		request := campaign.ClaimRequest{Now: now, Lease: time.Hour, N: 1}
		got, err := s.Claim(t.Context(), request)
		require.NoError(t, err)
		require.Len(t, got.Entries, 1)
		time.Sleep(time.Hour - time.Second)
		got, err = s.Claim(t.Context(), request)
		require.NoError(t, err)
		require.Empty(t, got.Entries)
		time.Sleep(time.Second)
		got, err = s.Claim(t.Context(), request)
		require.NoError(t, err)
		require.Len(t, got.Entries, 1)
		require.True(t, got.Entries[0].Expired)
	})
}

const childVar = "MUSTER_BOLT_TEST_CHILD"

// TestKilledProcessLosesNothingAcknowledged kills a process that writes, at
// random moments, and looks for what it had been told was stored.
func TestKilledProcessLosesNothingAcknowledged(t *testing.T) {
	if path := os.Getenv(childVar); path != "" {
		writeUntilKilled(t, path)
		return
	}
	const kills, writers = 8, 8
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	path := filepath.Join(t.TempDir(), "muster.db")
	acknowledged := make(map[int]int, writers) // writer -> its last number
	for range kills {
		readUntilKilled(t, path, 20+random.IntN(400), acknowledged)

		s, err := bolt.Open(path, bolt.Options{})
		require.NoError(t, err)
		total := 0
		for w, last := range acknowledged {
			rec, err := s.Get(t.Context(), "log4j", kind, strconv.Itoa(w))
			require.NoError(t, err)
			stored, err := strconv.Atoi(string(rec.Data))
			require.NoError(t, err)
			require.GreaterOrEqual(t, stored, last, "writer %d", w)
			require.LessOrEqual(t, stored, last+1, "at most one was not acknowledged yet")
			acknowledged[w] = stored
			total += stored
		}
		counters, err := s.Counters(t.Context(), "log4j", "")
		require.NoError(t, err)
		require.Equal(t, int64(total), counters["sum"], "a change is there whole or not at all")
		last, err := s.Audit(t.Context(), "log4j", uint64(total-1), 0)
		require.NoError(t, err)
		require.Len(t, last, 1)
		require.NoError(t, s.Close())
	}
	require.Len(t, acknowledged, writers)
}

// readUntilKilled starts a writing process, notes what it says, and kills it
// after so many lines.
func readUntilKilled(t *testing.T, path string, lines int, acknowledged map[int]int) {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	child := exec.CommandContext(t.Context(), exe, "-test.run=^"+t.Name()+"$", "-test.v=false")
	child.Env = append(os.Environ(), childVar+"="+path)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	scan := bufio.NewScanner(out)
	for n := 0; scan.Scan(); n++ {
		var w, number int
		if _, err := fmt.Sscanf(scan.Text(), "stored %d %d", &w, &number); err != nil {
			require.FailNow(t, "the child failed", scan.Text())
		}
		acknowledged[w] = max(acknowledged[w], number)
		if n == lines {
			require.NoError(t, child.Process.Kill())
		}
	}
	require.Error(t, child.Wait(), "it ended by the signal")
}

func writeUntilKilled(t *testing.T, path string) {
	s := open(t, path)
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for {
				number, err := writeNext(t, s, strconv.Itoa(w))
				if err != nil {
					fmt.Println(err)
					os.Exit(1)
				}
				fmt.Printf("stored %d %d\n", w, number)
			}
		})
	}
	wg.Wait()
}

func writeNext(t *testing.T, s *bolt.Store, id string) (int, error) {
	rec, err := s.Get(t.Context(), "log4j", kind, id)
	if campaign.KindOf(err) == campaign.NotFound {
		rec, err = campaign.Record{Kind: kind, ID: id, Data: []byte("0")}, nil
	}
	if err != nil {
		return 0, err
	}
	number, err := strconv.Atoi(string(rec.Data))
	if err != nil {
		return 0, err
	}
	rec.Data = strconv.AppendInt(nil, int64(number+1), 10)
	return number + 1, s.Apply(t.Context(), campaign.Change{
		Scope: "log4j", Records: []campaign.Record{rec},
		Count: []campaign.CounterDelta{{Name: "sum", By: 1}},
		Audit: []campaign.AuditRecord{{Action: "write"}},
	})
}
