package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

func TestTheCatalogueOfExploitedVulnerabilitiesIsReadAnewWhenItChanges(t *testing.T) {
	file := filepath.Join(t.TempDir(), "kev.json")
	write := func(cve string, at time.Time) {
		require.NoError(t, os.WriteFile(file, []byte(`{"vulnerabilities": [{"cveID": "`+cve+`", "dateAdded": "2021-12-10", "dueDate": "2021-12-24"}]}`), 0o600))
		require.NoError(t, os.Chtimes(file, at, at))
	}
	known := func(cve string) (campaign.KnownExploit, bool) {
		e, found, err := (&kevFile{path: file}).Exploited(t.Context(), campaign.Advisory{ID: "GHSA-x", Aliases: []string{cve}})
		require.NoError(t, err)
		return e, found
	}
	write("CVE-2021-44228", time.Unix(1, 0))
	e, found := known("CVE-2021-44228")
	require.True(t, found)
	require.Equal(t, campaign.KnownExploit{By: "CISA", Name: "CVE-2021-44228", Since: "2021-12-10", Due: "2021-12-24"}, e)
	_, found = known("CVE-2021-45046")
	require.False(t, found)

	kept := &kevFile{path: file}
	_, _, err := kept.Exploited(t.Context(), campaign.Advisory{ID: "CVE-2021-44228"})
	require.NoError(t, err)
	write("CVE-2021-45046", time.Unix(2, 0))
	_, found, err = kept.Exploited(t.Context(), campaign.Advisory{ID: "CVE-2021-45046"})
	require.NoError(t, err)
	require.True(t, found)

	require.NoError(t, os.WriteFile(file, []byte("half a fi"), 0o600))
	_, _, err = kept.Exploited(t.Context(), campaign.Advisory{ID: "CVE-2021-45046"})
	require.Error(t, err)
}
