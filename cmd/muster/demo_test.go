package main

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheDemoPlaysAWholeCampaign(t *testing.T) {
	out := muster(t, os.Environ(), "demo", "--headless", "--exit", "--format", "json")
	require.Zero(t, out.code, out.err)
	var r demoResult
	require.NoError(t, json.Unmarshal([]byte(out.out), &r), "nothing but the result")
	require.Equal(t, "closed", r.State)
	require.GreaterOrEqual(t, r.Targets, 40+r.Unknown)
	require.Equal(t, r.Contacts, r.FirstMessages)
	require.Zero(t, r.Duplicates)
	require.Equal(t, 2, r.Unknown, "two leads never answer, and the report says so")
	require.Equal(t, "ok", r.Audit)
}
