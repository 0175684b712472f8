package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheDemoPlaysAWholeCampaign(t *testing.T) {
	out := muster(t, os.Environ(), "demo", "--headless", "--exit", "--format", "json")
	require.Zero(t, out.code, out.err)
	lines := strings.Split(strings.TrimSpace(out.out), "\n")
	var r demoResult
	require.NoError(t, json.Unmarshal([]byte(lines[len(lines)-1]), &r), "the last line is the result")
	require.Equal(t, "closed", r.State)
	require.GreaterOrEqual(t, r.Targets, 40+r.Unknown)
	require.Equal(t, r.Contacts, r.FirstMessages)
	require.Zero(t, r.Duplicates)
	require.Equal(t, 2, r.Unknown, "two leads never answer, and the report says so")
	require.Equal(t, "ok", r.Audit)
}
