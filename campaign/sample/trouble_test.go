package sample

import (
	"cmp"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/advisory"
	"github.com/musterbot/muster/campaign/inventory"
	"github.com/musterbot/muster/campaign/ownership"
)

func sized(t testing.TB, word string, seed uint64) *Company {
	t.Helper()
	o, err := Size(word)
	require.NoError(t, err)
	o.Seed = seed
	return company(t, o)
}

func TestSizes(t *testing.T) {
	for word, want := range map[string]Options{
		"demo": {}, "small": {Services: 120, Teams: 12, Hosts: 1200}, "medium": {Services: 1000, Teams: 100, Hosts: 10_000},
		"full": {Services: 10_000, Teams: 1000, VPs: 8, Directors: 60, Hosts: 100_000}, "250": {Services: 250, Teams: 25},
	} {
		t.Run(word, func(t *testing.T) {
			o, err := Size(word)
			require.NoError(t, err)
			require.Equal(t, want.Services, o.Services)
			require.Equal(t, want.Teams, o.Teams)
			if want.VPs > 0 {
				require.Equal(t, [3]int{want.VPs, want.Directors, want.Hosts}, [3]int{o.VPs, o.Directors, o.Hosts})
			}
		})
	}
	for _, word := range []string{"", "huge", "3", "-1", "1e9"} {
		_, err := Size(word)
		require.Equal(t, campaign.Invalid, campaign.KindOf(err), word)
	}
}

// TestTroubleHasItsShares counts, in the full company, what Trouble promises.
func TestTroubleHasItsShares(t *testing.T) {
	c := sized(t, "full", 1)
	trouble, n := *c.opts.Trouble, float64(c.opts.Services)
	catalog := c.Catalog()
	var unowned, conflicting, unscanned, neverScanned int
	for _, s := range c.services {
		if s.team < 0 {
			unowned++
		}
		if s.how == never || s.since > 0 {
			unscanned++
		}
		if s.how == never {
			neverScanned++
		}
	}
	for _, s := range catalog.Services {
		if len(s.Claims) > 0 {
			conflicting++
		}
	}
	require.InDelta(t, trouble.Unowned*n, unowned, 80)
	require.InDelta(t, trouble.Conflicting*n, conflicting, 60)
	require.InDelta(t, trouble.Unscanned*n, unscanned, 5)
	require.InDelta(t, trouble.Never*n, neverScanned, 5)
	all, seen := 0, 0
	for i := range c.services {
		for asset := range c.assetCount(i) {
			if c.services[i].how != never && c.services[i].since == 0 {
				all++
				if c.seen(i, asset, c.RoundOn(3)) {
					seen++
				}
			}
		}
	}
	require.InDelta(t, 1-trouble.Gaps, float64(seen)/float64(all), 0.003)
}

// TestTroubledFilesReadBack writes a day and reads it with the real readers.
func TestTroubledFilesReadBack(t *testing.T) {
	for _, word := range []string{"small", "200"} {
		t.Run(word, func(t *testing.T) {
			c, dir := sized(t, word, 3), t.TempDir()
			for _, day := range []int{0, RealTrouble().ReorganisedDay, RealTrouble().OutageDay} {
				catalogs, inventories := filepath.Join(dir, fmt.Sprint("catalog", day)), filepath.Join(dir, fmt.Sprint("inventory", day))
				require.NoError(t, c.WriteCatalogOn(catalogs, day))
				read, _, err := ownership.Read([]string{catalogs}, nil)
				require.NoError(t, err)
				want := c.CatalogOn(day)
				require.Equal(t, want.Units, read.Units)
				require.Equal(t, want.Members, read.Members)
				for ref, s := range read.Services {
					for n := range s.Claims {
						s.Claims[n].File = ""
					}
					require.Empty(t, s.Assets, "hosts are told by their list alone")
					s.Assets = nil
					require.Equal(t, want.Services[ref], s)
				}

				require.NoError(t, c.WriteInventory(inventories, c.RoundOn(day)))
				var got []campaign.Scan
				for s, r := range (inventory.Reader{}).ReadScans(t.Context(), []string{inventories}) {
					if r != nil {
						require.True(t, r.Notice, r.Problem)
						continue
					}
					s.File = ""
					got = append(got, s)
				}
				scans := slices.Collect(c.Scans(c.RoundOn(day)))
				order := func(a, b campaign.Scan) int {
					return cmp.Or(cmp.Compare(a.Asset, b.Asset), cmp.Compare(a.Source, b.Source))
				}
				slices.SortFunc(got, order)
				slices.SortFunc(scans, order)
				require.Len(t, got, len(scans))
				for i := range got {
					require.Equal(t, scans[i], got[i])
				}
			}
		})
	}
}

// TestTheTruthAgreesWithTheAdvisories compares the generator's own few lines about
// versions with what the real matcher makes of the records.
func TestTheTruthAgreesWithTheAdvisories(t *testing.T) {
	for advice := 1; advice <= 3; advice++ {
		var records []campaign.Advisory
		for a := 1; a <= advice; a++ {
			for _, raw := range Advisories(a) {
				record, err := advisory.Matcher{}.ReadAdvisory(raw)
				require.NoError(t, err)
				records = append(records, record)
			}
		}
		j, err := advisory.Matcher{}.Compile(campaign.Criteria{Advisories: records})
		require.NoError(t, err)
		judged := func(purl string) bool { return len(j.Judge(campaign.Component{PURL: purl})) > 0 }
		versions := append(slices.Clone(affectedVersions), "2.3.1", "2.3.2", "2.12.2", "2.12.4", "2.15.0", "2.16.0", "2.17.1")
		for _, v := range versions {
			require.Equal(t, Vulnerable(campaign.LayerApplication, v, advice), judged("pkg:maven/org.apache.logging.log4j/log4j-core@"+v), "advice %d: %s", advice, v)
			require.False(t, Vulnerable(campaign.LayerApplication, FixedVersion(campaign.LayerApplication, v, advice), advice))
		}
		for a := 0; a <= 3; a++ {
			v := debianInstalled
			if a > 0 {
				v = FixedVersion(campaign.LayerHost, debianInstalled, a)
			}
			require.Equal(t, Vulnerable(campaign.LayerHost, v, advice), judged("pkg:deb/debian/liblog4j2-java@"+v+"?arch=all&distro=debian-11&upstream=apache-log4j2"), "advice %d: %s", advice, v)
		}
	}
}

func TestDaysAreWrittenWithTheirTruth(t *testing.T) {
	c, dir := sized(t, "small", 2), t.TempDir()
	require.NoError(t, c.Unattended())
	require.NoError(t, c.WriteDays(dir, Days))
	vulnerable := func(day int) (n int) {
		f, err := os.Open(filepath.Join(dir, fmt.Sprintf("day-%02d", day), "truth.jsonl"))
		require.NoError(t, err)
		defer f.Close()
		lines := json.NewDecoder(f)
		for {
			var s State
			if err := lines.Decode(&s); err == io.EOF {
				return n
			} else if require.NoError(t, err); s.Vulnerable {
				n++
			}
		}
	}
	require.Greater(t, vulnerable(0), vulnerable(4), "some have updated")
	require.Greater(t, vulnerable(5), vulnerable(4), "the follow-up asks for more")
	for day, folders := range map[int][]string{0: {"catalog", "advisories", "inventory"}, 5: {"advisories", "inventory"}, 6: {"catalog", "inventory"}} {
		for _, folder := range folders {
			require.DirExists(t, filepath.Join(dir, fmt.Sprintf("day-%02d", day), folder))
		}
	}
}

func TestLargeCompaniesAreCompressed(t *testing.T) {
	c, dir := sized(t, "1000", 1), t.TempDir()
	require.NoError(t, c.WriteInventory(dir, c.RoundOn(0)))
	f, err := os.Open(filepath.Join(dir, "hosts", "0001.csv.gz"))
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	text, err := io.ReadAll(z)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(text), "asset,service,purl"))
}
