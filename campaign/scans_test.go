package campaign_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

// imports brings scans in, in one import.
func (h *house) imports(scans ...campaign.Scan) campaign.ImportReport {
	h.t.Helper()
	report, err := h.engine.ImportScans(h.t.Context(), h.by(cara), func(yield func(campaign.Scan, *campaign.Refusal) bool) {
		for _, s := range scans {
			if !yield(s, nil) {
				return
			}
		}
	})
	require.NoError(h.t, err)
	return report
}

// scanOf is a scan of one asset that sees these versions of one library.
func scanOf(asset, source string, at time.Time, versions ...string) campaign.Scan {
	s := campaign.Scan{Asset: asset, Source: source, At: at}
	for _, v := range versions {
		s.Components = append(s.Components, campaign.Component{PURL: "pkg:maven/a/b@" + v})
	}
	return s
}

func TestOfAnAssetAndSourceTheNewestScanIsKept(t *testing.T) {
	h := newHouse(t)
	hour := func(n int) time.Time { return monday.Add(time.Duration(n) * time.Hour) }
	kept := func() map[string]string {
		found := map[string]string{}
		for s, err := range h.engine.KeptScans(t.Context()) {
			require.NoError(t, err)
			found[s.Asset+" by "+s.Source] = s.Components[0].PURL
		}
		return found
	}
	first := []campaign.Scan{
		scanOf("a", "trivy", hour(1), "1"), scanOf("a", "syft", hour(1), "1"),
		scanOf("b", "trivy", hour(2), "3"), scanOf("b", "trivy", hour(1), "2"), // the older one comes second
		scanOf("c", "trivy", hour(1), "1"), scanOf("c", "trivy", hour(2), "2"),
	}
	report := h.imports(first...)
	require.Equal(t, campaign.ImportReport{New: 4, Changed: 1, Unchanged: 1}, report)
	want := map[string]string{"a by trivy": "pkg:maven/a/b@1", "a by syft": "pkg:maven/a/b@1", "b by trivy": "pkg:maven/a/b@3", "c by trivy": "pkg:maven/a/b@2"}
	require.Equal(t, want, kept())

	report = h.imports(first...)
	require.Equal(t, campaign.ImportReport{Unchanged: 6}, report, "the same files again change nothing")
	require.Equal(t, want, kept())
	require.Equal(t, campaign.ImportReport{Changed: 1}, h.imports(scanOf("a", "trivy", hour(1), "1.1")), "of the same moment, what came last counts")
}

func TestAScanTooLargeForTheStoreHoldsNothingUp(t *testing.T) {
	h := newHouse(t)
	rng := rand.New(rand.NewPCG(1, 2))
	large := campaign.Scan{Asset: "mainframe", Source: "syft", File: "m.json", At: monday}
	for range 60_000 {
		large.Components = append(large.Components, campaign.Component{PURL: fmt.Sprintf("pkg:maven/%x/%x@%x", rng.Uint64(), rng.Uint64(), rng.Uint64())})
	}
	report := h.imports(scanOf("a", "syft", monday, "1"), large, scanOf("b", "syft", monday, "1"))
	require.Equal(t, 2, report.New)
	require.Len(t, report.Refused, 1)
	require.Contains(t, report.Refused[0].Problem, "mainframe")
}

// BenchmarkImportScans imports a day of 5,000 hosts over the day before, and lets
// a running campaign look at them, by processor time.
func BenchmarkImportScans(b *testing.B) {
	const hosts = 5000
	h := newHouse(b)
	h.estate()
	h.ready()
	day := 0
	round := func() {
		day++
		h.clock.advance(24 * time.Hour)
		_, err := h.engine.ImportScans(b.Context(), h.by(cara), func(yield func(campaign.Scan, *campaign.Refusal) bool) {
			for i := range hosts {
				s := campaign.Scan{Asset: fmt.Sprintf("host-%05d", i), Source: "csv", Service: "wiki", File: "hosts.csv", At: h.clock.Now()}
				for n := range 10 {
					name := strings.Repeat("x", 3+n) + fmt.Sprint((i*7+n)%97)
					s.Components = append(s.Components, campaign.Component{PURL: fmt.Sprintf("pkg:maven/org.%s/%s@%d.%d", name, name, n, day), Path: "/opt/wiki/lib/" + name + ".jar"})
				}
				if !yield(s, nil) {
					return
				}
			}
		})
		require.NoError(b, err)
	}
	round()
	before := processorTime(b)
	for b.Loop() {
		round()
	}
	b.ReportMetric(float64((processorTime(b)-before).Nanoseconds())/float64(b.N*hosts), "cpu-ns/scan")
}

// processorTime is what this process has used so far.
func processorTime(tb testing.TB) time.Duration {
	var used syscall.Rusage
	require.NoError(tb, syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
