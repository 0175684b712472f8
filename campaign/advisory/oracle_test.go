package advisory

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

// sharedData returns the folder of public test data, which stands beside the
// repository and not in it.
func sharedData(t *testing.T) string {
	t.Helper()
	dir := filepath.Join("..", "..", "..", "shared", "data")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the public test data is not beside the repository")
	}
	return dir
}

// TestAgreesWithReferenceComparators compares every version of the oracle,
// which each ecosystem's own comparator decided.
func TestAgreesWithReferenceComparators(t *testing.T) {
	dir := sharedData(t)
	f, err := os.Open(filepath.Join(dir, "expected-versions.tsv"))
	require.NoError(t, err)
	defer f.Close()
	judges := map[string]campaign.Judge{}
	rows := 0
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		col := strings.Split(lines.Text(), "\t")
		require.Len(t, col, 5)
		if col[0] == "advisory" {
			continue
		}
		rows++
		if judges[col[0]] == nil {
			judges[col[0]] = compileFile(t, dir, col[0])
		}
		want := campaign.NotAffected
		if col[4] == "yes" {
			want = campaign.Affected
		}
		got := campaign.NotAffected
		for _, finding := range judges[col[0]].Judge(campaign.Component{PURL: purlOf(col[1], col[2], col[3])}) {
			got = finding.Verdict
		}
		if got != want {
			t.Errorf("%s: got %s", lines.Text(), got)
		}
	}
	require.NoError(t, lines.Err())
	require.NotZero(t, rows)
}

func compileFile(t *testing.T, dir, id string) campaign.Judge {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "osv", id+".json"))
	if os.IsNotExist(err) { // PyPA keeps its records as YAML
		raw, err = os.ReadFile(filepath.Join(dir, "osv", id+".yaml"))
	}
	require.NoError(t, err)
	adv, err := Matcher{}.ReadAdvisory(raw)
	require.NoError(t, err)
	return compile(t, campaign.Criteria{Advisories: []campaign.Advisory{adv}})
}

func compile(t testing.TB, c campaign.Criteria) campaign.Judge {
	t.Helper()
	judge, err := Matcher{}.Compile(c)
	require.NoError(t, err)
	return judge
}

// purlOf writes a package of an ecosystem as a scanner would.
func purlOf(ecosystem, name, version string) string {
	version = strings.NewReplacer("+", "%2B", ":", "%3A").Replace(version)
	base, release := baseEcosystem(ecosystem)
	switch base {
	case "Maven":
		return "pkg:maven/" + strings.Replace(name, ":", "/", 1) + "@" + version + "?type=jar"
	case "Debian":
		return "pkg:deb/debian/" + name + "@" + version + "?arch=amd64&distro=debian-" + release
	case "RubyGems":
		return "pkg:gem/" + name + "@" + version
	case "Go":
		return "pkg:golang/" + name + "@" + version
	}
	return "pkg:" + strings.ToLower(base) + "/" + name + "@" + version
}
