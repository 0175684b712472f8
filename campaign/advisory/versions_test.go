package advisory

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

// TestOrderOfVersions lets records be fixed in one version, last affected at it
// and introduced with it, and asks for the versions on both sides.
func TestOrderOfVersions(t *testing.T) {
	table, err := os.ReadFile("testdata/versions.tsv")
	require.NoError(t, err)
	cases := 0
	for line := range strings.Lines(string(table)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		col := strings.Split(strings.TrimSpace(line), "\t")
		require.Len(t, col, 5, line)
		cases++
		t.Run(col[0]+", "+col[4], func(t *testing.T) {
			low, high, same := col[1], col[3], col[2] == "="
			name := "a"
			if col[0] == "Maven" {
				name = "a:a"
			}
			affected := func(events, version string) bool {
				record := oneRange(col[0], name, events)
				got := verdict(t, campaign.Criteria{Advisories: []campaign.Advisory{read(t, record)}}, campaign.Component{PURL: purlOf(col[0], name, version)})
				require.NotEqual(t, campaign.Possible, got, version)
				return got == campaign.Affected
			}
			fixed := fmt.Sprintf(`{"introduced":"0"},{"fixed":%q}`, high)
			require.Equal(t, !same, affected(fixed, low), "below the fix")
			require.False(t, affected(fixed, high), "the fix")
			last := fmt.Sprintf(`{"introduced":"0"},{"last_affected":%q}`, low)
			require.True(t, affected(last, low), "the last affected")
			require.Equal(t, same, affected(last, high), "after the last affected")
			first := fmt.Sprintf(`{"introduced":%q}`, high)
			require.Equal(t, same, affected(first, low), "before the first affected")
		})
	}
	require.GreaterOrEqual(t, cases, 150)
}
