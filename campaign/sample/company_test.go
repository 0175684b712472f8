package sample

import (
	"cmp"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/advisory"
	"github.com/musterbot/muster/campaign/inventory"
	"github.com/musterbot/muster/campaign/ownership"
)

var hourZero = time.Date(2021, 12, 10, 14, 0, 0, 0, time.UTC)

func company(t testing.TB, o Options) *Company {
	t.Helper()
	c, err := New(o)
	require.NoError(t, err)
	return c
}

// judge compiles one of the sample's advisories.
func judge(t testing.TB, raw []byte) campaign.Judge {
	t.Helper()
	adv, err := advisory.Matcher{}.ReadAdvisory(raw)
	require.NoError(t, err)
	j, err := advisory.Matcher{}.Compile(campaign.Criteria{Advisories: []campaign.Advisory{adv}})
	require.NoError(t, err)
	return j
}

// found returns the refs of the services that a round of scans shows affected.
func found(t testing.TB, c *Company, j campaign.Judge, scans func(func(campaign.Scan) bool)) []string {
	t.Helper()
	index := campaign.NewAssetIndex(c.Catalog())
	refs := map[string]bool{}
	for s := range scans {
		service, ok := index.Service(s)
		require.True(t, ok, "asset %s is nobody's", s.Asset)
		for _, component := range s.Components {
			for _, f := range j.Judge(component) {
				require.Equal(t, campaign.Affected, f.Verdict)
				refs[service.Ref] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(refs))
}

func TestTheDemosCompany(t *testing.T) {
	c := company(t, Options{Seed: 1})
	var scanned, affected, unknown, unowned, shared int
	exposures := map[campaign.Exposure]int{}
	for truth := range c.Truths() {
		exposures[truth.Exposure]++
		if truth.Owner == "" {
			unowned++
		}
		if truth.Repository == SharedRepository {
			shared++
		}
		switch {
		case !truth.Scanned:
			unknown++
		case truth.Affected:
			affected++
			require.NotEmpty(t, truth.Path)
			fallthrough
		default:
			scanned++
		}
	}
	require.GreaterOrEqual(t, scanned+unknown, 80)
	require.GreaterOrEqual(t, affected, 40)
	require.GreaterOrEqual(t, unknown, 5)
	require.Equal(t, 3, unowned)
	require.Equal(t, 9, shared)
	require.Greater(t, exposures[campaign.Exposed], 10)
	require.Greater(t, exposures[campaign.NotExposed], 10)
	require.Positive(t, exposures[campaign.ExposureUnknown], "some say nothing about who reaches them")

	catalog := c.Catalog()
	teams, vps, zones := 0, 0, map[string]bool{}
	for _, u := range catalog.Units {
		switch u.Type {
		case "team":
			teams++
			_, ok := catalog.Contact(u.Ref)
			require.True(t, ok)
			require.Equal(t, "acme", shortRef(catalog.Path(u.Ref)[2].Ref))
		case "department":
			vps++
		}
	}
	for _, m := range catalog.Members {
		zones[m.Zone] = true
		_, err := time.LoadLocation(m.Zone)
		require.NoError(t, err)
	}
	require.Equal(t, 12, teams)
	require.Equal(t, 3, vps)
	require.Len(t, zones, 4)
	require.Len(t, c.People(), len(catalog.Members), "nobody is two people")
}

func TestScansShowTheTruthAndLaterTheFix(t *testing.T) {
	for _, seed := range []uint64{1, 2, 99} {
		c := company(t, Options{Seed: seed})
		first, followUp := judge(t, Log4Shell()), judge(t, FollowUp())
		var want []string
		for truth := range c.Truths() {
			if truth.Scanned && truth.Affected {
				want = append(want, truth.Service)
			}
		}
		slices.Sort(want)
		require.Equal(t, want, found(t, c, first, c.Scans(hourZero)), "seed %d", seed)

		require.NoError(t, c.Fix(want[0], "2.15.0", hourZero.Add(time.Hour)))
		require.NoError(t, c.Fix(want[1], "2.16.0", hourZero.Add(2*time.Hour)))
		require.Equal(t, want, found(t, c, first, c.Scans(hourZero)), "an older round shows what was")
		require.Equal(t, want[2:], found(t, c, first, c.Scans(hourZero.Add(3*time.Hour))))
		require.Equal(t, append(want[:1:1], want[2:]...), found(t, c, followUp, c.Scans(hourZero.Add(3*time.Hour))), "2.15.0 is not enough")
	}
	require.Equal(t, campaign.NotFound, campaign.KindOf(company(t, Options{}).Fix("component:default/none", "1", hourZero)))
}

func TestFilesReadBackAsTheCompany(t *testing.T) {
	for name, o := range map[string]Options{"demo": {Seed: 7}, "with directors": {Seed: 8, Services: 500, Teams: 30, VPs: 4, Directors: 8, Hosts: 300}} {
		t.Run(name, func(t *testing.T) {
			c, dir := company(t, o), t.TempDir()
			require.NoError(t, c.WriteCatalog(filepath.Join(dir, "catalog")))
			catalog, remarks, err := ownership.Read([]string{filepath.Join(dir, "catalog")}, nil)
			require.NoError(t, err)
			require.Len(t, remarks, 3, "the unowned, each a notice")
			require.Equal(t, c.Catalog(), catalog)

			require.NoError(t, c.WriteInventory(dir, hourZero))
			var read []campaign.Scan
			for s, r := range (inventory.Reader{}).ReadScans(t.Context(), []string{filepath.Join(dir, "cyclonedx"), filepath.Join(dir, "trivy"), filepath.Join(dir, "hosts.csv")}) {
				require.Nil(t, r)
				s.File = ""
				read = append(read, s)
			}
			want := slices.Collect(c.Scans(hourZero))
			byAsset := func(a, b campaign.Scan) int { return cmp.Compare(a.Asset, b.Asset) }
			slices.SortFunc(read, byAsset)
			slices.SortFunc(want, byAsset)
			require.Equal(t, want, read)
		})
	}
}

func TestSameSeedSameCompany(t *testing.T) {
	files := func(seed uint64) map[string]string {
		dir := t.TempDir()
		c := company(t, Options{Seed: seed})
		require.NoError(t, c.WriteCatalog(dir))
		require.NoError(t, c.WriteInventory(dir, hourZero))
		all := map[string]string{}
		require.NoError(t, filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			raw, err := os.ReadFile(path)
			all[strings.TrimPrefix(path, dir)] = string(raw)
			return err
		}))
		return all
	}
	require.Equal(t, files(3), files(3))
	require.NotEqual(t, files(3), files(4))
}

func TestLargeCompany(t *testing.T) {
	c := company(t, Options{Seed: 1, Services: 10_000, Teams: 600, VPs: 12, Directors: 60, Hosts: 100_000, Components: 4})
	catalog := c.Catalog()
	require.Len(t, catalog.Services, 10_000)
	require.Len(t, c.People(), len(catalog.Members))
	hosts := 0
	for truth := range c.Truths() {
		if strings.HasPrefix(truth.Assets[0], "host-") {
			hosts += len(truth.Assets)
		}
	}
	require.Equal(t, 100_000, hosts)
}

func TestOptionsThatMakeNoCompany(t *testing.T) {
	for name, o := range map[string]Options{
		"few services": {Services: 3}, "few teams": {Teams: 2}, "few directors": {Directors: 1}, "all affected": {Affected: 1}, "lonely teams": {Members: 1},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New(o)
			require.Equal(t, campaign.Invalid, campaign.KindOf(err))
		})
	}
}

func TestInstructions(t *testing.T) {
	first, err := Instructions("mitigate", 1)
	require.NoError(t, err)
	second, err := Instructions("mitigate", 2)
	require.NoError(t, err)
	require.Contains(t, first, "4. Do the same for shaded jars.")
	require.NotContains(t, second, "Do the same for shaded jars")
	for revision, version := range map[int]string{1: "2.15.0", 2: "2.16.0", 3: "2.17.1"} {
		text, err := Instructions("fix", revision)
		require.NoError(t, err)
		require.Contains(t, strings.SplitN(text, "\n", 2)[0], version)
		require.Contains(t, text, "\n5. ")
	}
	_, err = Instructions("fix", 4)
	require.Equal(t, campaign.NotFound, campaign.KindOf(err))
}
