package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/musterbot/muster"

// room is one row of the table of who may import whom. Patterns are import
// paths, those of ours without the module; "x/**" is x and all below it. The
// standard library is open to all, and so are the entries of everyRoom.
type room struct {
	name   string
	ours   []string
	others []string
	never  []string // taken out of ours
}

var everyRoom = room{
	ours:   []string{"configs/secret"},
	others: []string{"github.com/sirupsen/logrus"}, // for its FieldLogger
}

const (
	testify = "github.com/stretchr/testify/require"
	slackGo = "github.com/slack-go/slack/**"
	yamlLib = "go.yaml.in/yaml/v3"
)

var readers = []string{ // what the rooms that read records, inventories and catalogs may use
	"github.com/google/osv-scalibr/semantic",
	"github.com/package-url/packageurl-go",
	"github.com/CycloneDX/cyclonedx-go",
	"github.com/spdx/tools-golang/**",
	"github.com/hmarr/codeowners",
	yamlLib,
}

// rooms is the table, the more particular row first. A package that no row
// names may not exist.
var rooms = []room{
	{name: "campaign", others: []string{"github.com/robfig/cron/v3"}},
	{name: "campaign/advisory", ours: []string{"campaign"}, others: readers},
	{name: "campaign/inventory", ours: []string{"campaign", "campaign/advisory"}, others: readers},
	{name: "campaign/manifest", ours: []string{"campaign"}, others: []string{"github.com/package-url/packageurl-go", "golang.org/x/mod/modfile"}},
	{name: "campaign/ownership", ours: []string{"campaign", "campaign/advisory"}, others: readers},
	{name: "campaign/sample", ours: []string{"campaign/**"}, never: []string{"campaign/tracker/**"}},
	{name: "campaign/paging/pagingtest", ours: []string{"campaign"}, others: []string{testify}},
	{name: "campaign/paging/**", ours: []string{"campaign", "campaign/paging/**"}, never: []string{"campaign/paging/pagingtest"}},
	{name: "campaign/tracker/trackertest", ours: []string{"campaign"}, others: []string{testify}},
	{name: "campaign/tracker/builtin", ours: []string{"campaign"}},
	{name: "campaign/tracker/rest", ours: []string{"campaign"}},
	{name: "campaign/tracker/checklist", ours: []string{"campaign"}},
	{name: "campaign/tracker/mark", ours: []string{"campaign", "campaign/tracker/checklist"}},
	{name: "campaign/tracker/redmine/redminetest", others: []string{testify}},
	{name: "campaign/tracker/redmine", ours: ticketing, others: []string{"github.com/yuin/goldmark/**"}},
	{name: "campaign/tracker/jira/jiratest"},
	{name: "campaign/tracker/jira", ours: ticketing, others: []string{"github.com/yuin/goldmark/**"}},
	{name: "campaign/tracker/servicenow", ours: ticketing},
	{name: "campaign/tracker/github", ours: ticketing, others: []string{"github.com/google/go-github/**"}},
	{name: "campaign/tracker/gitlab", ours: ticketing, others: []string{"gitlab.com/gitlab-org/api/client-go/**"}},

	{name: "store", ours: []string{"campaign"}, others: []string{"github.com/klauspost/compress/s2"}},
	{name: "store/storetest", ours: []string{"campaign", "store"}, others: []string{testify, "pgregory.net/rapid"}},
	{name: "store/pace", ours: []string{"campaign"}, others: []string{"golang.org/x/time/rate"}},
	{name: "store/bolt", ours: []string{"campaign", "store"}, others: []string{"go.etcd.io/bbolt/**"}},
	{name: "store/redis/redistest"},
	{
		name: "store/redis", ours: []string{"campaign", "store"},
		others: []string{"github.com/redis/go-redis/v9/**"},
	},

	{name: "templates", ours: []string{"campaign"}, others: []string{"github.com/yuin/goldmark/**"}},

	{name: "bot/slackapi", ours: door, never: fake, others: []string{slackGo}},
	{name: "bot/chart", ours: door, never: fake, others: []string{slackGo, "gonum.org/v1/plot/**"}},
	{name: "bot/mail", ours: door, never: fake, others: []string{slackGo, "github.com/wneessen/go-mail"}},
	{name: "bot/web", ours: door, never: fake, others: []string{slackGo, "github.com/prometheus/client_golang/**"}},
	{name: "bot/fakeslack", ours: door, others: []string{slackGo, "github.com/gorilla/websocket"}},
	{name: "bot", ours: door, never: fake, others: []string{slackGo, "github.com/gorilla/websocket"}},
	{name: "bot/**", ours: door, never: fake, others: []string{slackGo}},

	{name: "configs/secret"},
	{name: "configs", others: []string{"github.com/knadh/koanf/**", yamlLib}}, // yaml: koanf keeps no line numbers
	{name: "cmd/muster", ours: []string{"**"}, others: []string{"**"}, never: []string{"store/storetest", "campaign/tracker/trackertest", "campaign/paging/pagingtest", "campaign/tracker/jira/jiratest", "campaign/tracker/redmine/redminetest"}},
}

var (
	// ticketing: campaign/tracker/rest is how all of them call out, and
	// campaign/tracker/checklist how their texts hold several tasks.
	ticketing = []string{"campaign", "campaign/tracker/rest", "campaign/tracker/checklist", "campaign/tracker/mark"}

	door = []string{"campaign", "templates", "bot/**"}
	fake = []string{"bot/fakeslack"} // for tests and the demo, so only cmd joins it
)

// neverOutsideTests is what no row can allow outside of *test packages.
var neverOutsideTests = []string{"github.com/stretchr/testify/**", "pgregory.net/rapid", "github.com/chromedp/**"}

// listed is what go list says about a package.
type listed struct {
	ImportPath   string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

func TestWhoMayImportWhom(t *testing.T) {
	packages := listPackages(t)
	require.NotEmpty(t, packages)
	for _, p := range packages {
		for _, problem := range violations(p) {
			t.Error(problem)
		}
	}
}

// The table must be able to say no.
func TestTheTableSaysNo(t *testing.T) {
	tests := map[string]struct {
		from, to string
		want     []string
	}{
		"a door sees a store":           {"bot/command", module + "/store/bolt", []string{"bot/command must not import store/bolt"}},
		"the domain sees a door":        {"campaign", module + "/bot/view", []string{"campaign must not import bot/view"}},
		"the domain sees a child":       {"campaign", module + "/campaign/advisory", []string{"campaign must not import campaign/advisory"}},
		"a store sees its rival":        {"store/redis", module + "/store/bolt", []string{"store/redis must not import store/bolt"}},
		"config below cmd":              {"bot/slackapi", module + "/configs", []string{"bot/slackapi must not import configs"}},
		"samples know no trackers":      {"campaign/sample", module + "/campaign/tracker/builtin", []string{"campaign/sample must not import campaign/tracker/builtin"}},
		"the fake outside of the demo":  {"bot/action", module + "/bot/fakeslack", []string{"bot/action must not import bot/fakeslack"}},
		"a library out of its room":     {"campaign", "go.etcd.io/bbolt", []string{"campaign must not import go.etcd.io/bbolt"}},
		"another part of a library":     {"campaign/advisory", "github.com/google/osv-scalibr/extractor", []string{"campaign/advisory must not import github.com/google/osv-scalibr/extractor"}},
		"metrics outside of web":        {"bot/view", "github.com/prometheus/client_golang/prometheus", []string{"bot/view must not import github.com/prometheus/client_golang/prometheus"}},
		"testify in the product":        {"cmd/muster", testify, []string{"cmd/muster must not import " + testify}},
		"testify's assert in a suite":   {"store/storetest", "github.com/stretchr/testify/assert", []string{"store/storetest must not import github.com/stretchr/testify/assert"}},
		"a room nobody planned":         {"helpers", "fmt", []string{"helpers has no row in the table of who may import whom"}},
		"a tracker nobody planned":      {"campaign/tracker/bugzilla", "fmt", []string{"campaign/tracker/bugzilla has no row in the table of who may import whom"}},
		"a door sees another":           {"bot/action", module + "/bot/view", nil},
		"a secret, from anywhere":       {"store/redis", module + "/configs/secret", nil},
		"a logger, from anywhere":       {"campaign", "github.com/sirupsen/logrus", nil},
		"the standard library":          {"campaign", "net/http", nil},
		"a suite with its requirements": {"store/storetest", testify, nil},
		"everything joins in cmd":       {"cmd/muster", module + "/store/bolt", nil},
		"a library in its room":         {"store/bolt", "go.etcd.io/bbolt", nil},
		"a subpackage of one":           {"bot/web", "github.com/prometheus/client_golang/prometheus/promhttp", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tt.want, violations(listed{ImportPath: module + "/" + tt.from, Imports: []string{tt.to}}))
		})
	}
}

// Of testify, tests use require only: an assertion that goes on hides what
// went wrong first.
func TestTestsUseRequireOnly(t *testing.T) {
	for _, p := range listPackages(t) {
		for _, imported := range slices.Concat(p.TestImports, p.XTestImports) {
			if matches(imported, "github.com/stretchr/testify/**") && imported != testify {
				t.Errorf("tests of %s must not import %s", ourName(p.ImportPath), imported)
			}
		}
	}
}

func listPackages(t *testing.T) []listed {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", "./...")
	list.Dir = "../.."
	out, err := list.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		t.Fatalf("go list: %s", exit.Stderr)
	}
	require.NoError(t, err)

	var packages []listed
	decoder := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p listed
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return packages
		}
		require.NoError(t, err)
		packages = append(packages, p)
	}
}

// violations says which imports of p the table forbids.
func violations(p listed) []string {
	name := ourName(p.ImportPath)
	i := slices.IndexFunc(rooms, func(r room) bool { return matches(name, r.name) })
	if i < 0 {
		return []string{name + " has no row in the table of who may import whom"}
	}
	var found []string
	for _, imported := range p.Imports {
		if !rooms[i].allows(name, imported) {
			found = append(found, name+" must not import "+ourName(imported))
		}
	}
	return found
}

func (r room) allows(name, imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	if !strings.Contains(first, ".") {
		return true // the standard library
	}
	if imported == module || strings.HasPrefix(imported, module+"/") {
		ours := ourName(imported)
		return !matchesAny(ours, r.never) && (matchesAny(ours, r.ours) || matchesAny(ours, everyRoom.ours))
	}
	if matchesAny(imported, neverOutsideTests) && !strings.HasSuffix(path.Base(name), "test") {
		return false
	}
	return matchesAny(imported, r.others) || matchesAny(imported, everyRoom.others)
}

func ourName(importPath string) string { return strings.TrimPrefix(importPath, module+"/") }

func matchesAny(name string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return matches(name, pattern) })
}

func matches(name, pattern string) bool {
	if pattern == "**" {
		return true
	}
	if base, ok := strings.CutSuffix(pattern, "/**"); ok {
		return name == base || strings.HasPrefix(name, base+"/")
	}
	return name == pattern
}
