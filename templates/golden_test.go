package templates_test

import (
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/templates"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func load(t *testing.T, dir string) *templates.Set {
	t.Helper()
	set, err := templates.Load(dir)
	require.NoError(t, err)
	return set
}

// Every word that Muster says is read by a person in testdata before it is sent.
func TestWordsAreAsReviewed(t *testing.T) {
	set := load(t, "")
	samples := templates.Samples()
	require.ElementsMatch(t, slices.Collect(maps.Keys(set.Texts())), slices.Collect(maps.Keys(samples)))
	for name, sample := range samples {
		t.Run(name, func(t *testing.T) {
			got, err := set.Render(nil, name, sample)
			require.NoError(t, err)
			path := filepath.Join("testdata", name+".golden")
			if *update {
				require.NoError(t, os.WriteFile(path, []byte(got+"\n"), 0o644))
			}
			want, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, string(want), got+"\n")
		})
	}
}

func TestMessagesKeepTheirLength(t *testing.T) {
	set := load(t, "")
	samples := templates.Samples()
	for name, limit := range templates.Limits() {
		text, err := set.Render(nil, name, samples[name])
		require.NoError(t, err)
		if n := templates.Words(text); n > limit {
			t.Errorf("%s has %d words on its longest realistic case; at most %d are allowed:\n%s", name, n, limit, text)
		}
	}
}
