package configs_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/configs"
)

// What stands in the file is what Jira gets, as JSON.
func TestFieldsOfTheTrackerKeepTheirForm(t *testing.T) {
	path := write(t, `
tracker:
  kind: jira
  url: https://jira.example.com
  token: t0ken
  project: SEC
  no_due: true
  resolution: Mitigated
  fields:
    customfield_10010: {value: "${LEVEL}", child: {id: "7"}}
    customfield_10011: [1, 2.5, true, null, 2021-12-10, "10"]
    customfield_10012: {a.b: x, empty: {}}
    priority: {name: High}
    fixVersions: [{name: "2.1"}]
    customfield_10013: 8
`)
	cfg, err := configs.Load(path, []string{"LEVEL=Security", "MUSTER_TRACKER_NO_DUE=true"})
	require.NoError(t, err)
	require.NoError(t, cfg.Validate())
	text, err := json.Marshal(cfg.Tracker.Fields)
	require.NoError(t, err)
	require.JSONEq(t, `{
		"customfield_10010": {"value": "Security", "child": {"id": "7"}},
		"customfield_10011": [1, 2.5, true, null, "2021-12-10", "10"],
		"customfield_10012": {"a.b": "x", "empty": {}},
		"priority": {"name": "High"},
		"fixVersions": [{"name": "2.1"}],
		"customfield_10013": 8
	}`, string(text))
	require.True(t, cfg.Tracker.NoDue)
	require.Equal(t, "Mitigated", cfg.Tracker.Resolution)

	_, err = configs.Load("", []string{"MUSTER_TRACKER_NO_DUE=perhaps"})
	require.ErrorContains(t, err, "tracker.no_due: the value cannot be read. Write true or false.")
}
