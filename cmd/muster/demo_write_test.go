package main

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDemoWritesACompanyThatMatches(t *testing.T) {
	dir := t.TempDir()
	wrote := muster(t, nil, "demo", "--write", dir, "--size", "60", "--days", "1", "--seed", "3")
	require.Equal(t, 0, wrote.code, wrote.err)
	require.Contains(t, wrote.out, "company of 60 services")
	day := filepath.Join(dir, "day-00")
	matched := muster(t, nil, "match", "--advisory", filepath.Join(day, "advisories"), "--inventory", filepath.Join(day, "inventory"))
	require.Equal(t, 3, matched.code, matched.err)
	require.Contains(t, matched.out, "log4j-core@2.14.1")

	for name, args := range map[string][]string{"unknown size": {"--size", "vast"}, "too many days": {"--days", "15"}} {
		require.Equal(t, 2, muster(t, nil, append([]string{"demo", "--write", dir}, args...)...).code, name)
	}
}
