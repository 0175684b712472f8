package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

// sourceTree is a folder with one blocked dependency in a lock file and one that
// may be in a project file, and what campaigns block beside it.
func sourceTree(t *testing.T) (tree, blocks string) {
	t.Helper()
	dir := t.TempDir()
	raw, err := json.Marshal(campaign.Blocklist{AsOf: time.Now(), Blocks: []campaign.Block{
		{Campaign: "log4shell", Title: "Log4Shell", Status: campaign.Closed, Advisories: []campaign.Advisory{{ID: "GHSA-0000-0000-0001", Raw: []byte(matchRecord)}}},
		{Campaign: "loop", Title: "Loop", Floors: []campaign.Floor{{Package: "pkg:npm/minimist", Fixed: "1.2.6"}}},
	}})
	require.NoError(t, err)
	for name, text := range map[string]string{
		"blocks.json":                string(raw),
		"tree/pom.xml":               "<project><dependencies>\n<dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-core</artifactId></dependency>\n</dependencies></project>",
		"tree/web/package-lock.json": "{\"lockfileVersion\":3,\"packages\":{\n\"node_modules/minimist\":{\"version\":\"1.2.5\"}}}",
		"tree/build/shop.cdx.json":   matchInventory,
		"tree/tsconfig.json":         "{}",
		"clean/go.mod":               "module m\n",
		"broken/go.mod":              "module m\nrequire x\n",
	} {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	return dir, filepath.Join(dir, "blocks.json")
}

func TestCheckNamesCampaignLineAndWayOut(t *testing.T) {
	dir, blocks := sourceTree(t)
	got := muster(t, nil, "check", dir+"/tree", "--campaigns", blocks)
	require.Equal(t, exitAffected, got.code, got.err)
	require.Contains(t, got.out, dir+"/tree/web/package-lock.json:2: pkg:npm/minimist@1.2.5 is blocked by the campaign Loop (")
	require.Contains(t, got.out, "Move to 1.2.6.")
	require.Contains(t, got.out, dir+"/tree/pom.xml:2: pkg:maven/org.apache.logging.log4j/log4j-core may be blocked by the campaign Log4Shell (GHSA-0000-0000-0001): the inventory names no version")
	require.Contains(t, got.out, dir+"/tree/build/shop.cdx.json: pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1?type=jar is blocked")
}

func TestCheckExitStatus(t *testing.T) {
	dir, blocks := sourceTree(t)
	tests := map[string]struct {
		args []string
		code int
		want string
	}{
		"nothing blocked":        {[]string{dir + "/clean", "--campaigns", blocks}, 0, "No campaign blocks anything that was read."},
		"something blocked":      {[]string{dir + "/tree", "--campaigns", blocks}, exitAffected, ""},
		"a broken manifest":      {[]string{dir + "/broken", dir + "/clean", "--campaigns", blocks}, exitUsage, "so the answer is incomplete"},
		"no manifest at all":     {[]string{t.TempDir(), "--campaigns", blocks}, exitUsage, "nothing was checked"},
		"a path that is gone":    {[]string{dir + "/gone", "--campaigns", blocks}, exitUsage, "no such file"},
		"no list of campaigns":   {[]string{dir + "/clean", "--campaigns", dir + "/gone"}, exitUsage, "Nothing was checked"},
		"another file for it":    {[]string{dir + "/clean", "--campaigns", dir + "/tree/tsconfig.json"}, exitUsage, "not what /v1/check answers with"},
		"a form that is unknown": {[]string{dir + "/clean", "--campaigns", blocks, "--format", "xml"}, exitUsage, "write text, json or sarif"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := muster(t, nil, append([]string{"check"}, tt.args...)...)
			require.Equal(t, tt.code, got.code, got.err)
			require.Contains(t, got.out+got.err, tt.want)
		})
	}
}

func TestCheckForCodeReview(t *testing.T) {
	dir, blocks := sourceTree(t)
	t.Chdir(dir)
	got := muster(t, nil, "check", "./tree", "--campaigns", blocks, "--format", "sarif")
	require.Equal(t, exitAffected, got.code, got.err)
	var log sarifLog
	require.NoError(t, json.Unmarshal([]byte(got.out), &log))
	require.Equal(t, "2.1.0", log.Version)
	run := log.Runs[0]
	require.Len(t, run.Tool.Driver.Rules, 2, "one rule for each campaign and advisory")
	levels := map[string][]string{}
	for _, r := range run.Results {
		require.Contains(t, r.Message.Text, "campaign")
		require.Len(t, r.PartialFingerprints["muster/v1"], 32)
		place := r.Locations[0].Physical
		levels[place.Artifact.URI] = append(levels[place.Artifact.URI], r.Level)
	}
	require.Equal(t, map[string][]string{
		"tree/pom.xml": {"warning"}, "tree/web/package-lock.json": {"error"}, "tree/build/shop.cdx.json": {"error", "warning"},
	}, levels)
}

func TestCheckAsksARunningService(t *testing.T) {
	dir, blocks := sourceTree(t)
	raw, err := os.ReadFile(blocks)
	require.NoError(t, err)
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer muster_ci" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = w.Write(raw)
	}))
	defer service.Close()
	got := muster(t, []string{"MUSTER_TOKEN=muster_ci"}, "check", dir+"/tree", "--campaigns", service.URL+"/v1/check", "--format", "json")
	require.Equal(t, exitAffected, got.code, got.err)
	require.Contains(t, got.out, `"campaign":"loop"`)

	got = muster(t, []string{"MUSTER_TOKEN=muster_cx"}, "check", dir+"/tree", "--campaigns", service.URL+"/v1/check")
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.err, "muster token")
	require.NotContains(t, got.err, "muster_cx")
}

func TestATokenIsPrintedOnceWithItsEntry(t *testing.T) {
	got := muster(t, nil, "token", "ci", "--may", "check,scans")
	require.Zero(t, got.code, got.err)
	token, entry, _ := strings.Cut(got.out, "\n")
	require.True(t, strings.HasPrefix(token, "muster_") && len(token) > 40, token)
	require.Contains(t, entry, fmt.Sprintf("sha256: %x\n", sha256.Sum256([]byte(token))))
	require.NotContains(t, entry, token)

	config := filepath.Join(t.TempDir(), "muster.yaml")
	require.NoError(t, os.WriteFile(config, []byte(entry), 0o600))
	checked := muster(t, nil, "config", "check", "--config", config)
	require.NotContains(t, checked.err, "api.tokens", "what is printed is what the configuration wants")
	require.Equal(t, exitUsage, muster(t, nil, "token", "ci", "--may", "launch").code)
}
