package manifest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign/manifest"
)

// read returns what a file of that name and content names, as "line purl".
func read(t *testing.T, name, content string) (named []string, problem string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	for m, refused := range manifest.Read(t.Context(), []string{path}) {
		if refused != nil {
			return nil, refused.Problem
		}
		for _, d := range m.Dependencies {
			named = append(named, fmt.Sprintf("%d %s", d.Line, d.PURL))
		}
	}
	return named, ""
}

func TestWhatManifestsName(t *testing.T) {
	tests := map[string]struct {
		file, content string
		want          []string
	}{
		"go.mod with replacements": {"go.mod", `module example.com/shop

go 1.26.1

require (
	github.com/gorilla/websocket v1.5.0
	golang.org/x/net v0.17.0 // indirect
	example.com/own v0.0.0
	example.com/gone v1.0.0
)

replace example.com/own => ../own

replace example.com/gone v1.0.0 => github.com/kept/gone v1.2.3
`, []string{
			"3 pkg:golang/stdlib@1.26.1", "6 pkg:golang/github.com/gorilla/websocket@v1.5.0", "7 pkg:golang/golang.org/x/net@v0.17.0",
			"14 pkg:golang/github.com/kept/gone@v1.2.3",
		}},
		"a toolchain beats the go line": {"go.mod", "module m\n\ngo 1.24\n\ntoolchain go1.24.3\n", []string{"5 pkg:golang/stdlib@1.24.3"}},
		"npm's lock file of today": {"package-lock.json", `{
  "name": "shop", "lockfileVersion": 3,
  "packages": {
    "": {"name": "shop", "version": "1.0.0"},
    "node_modules/@babel/core": {"version": "7.1.0"},
    "node_modules/a/node_modules/lodash": {"version": "4.17.20", "dev": true},
    "node_modules/old": {"name": "renamed", "version": "2.0.0"},
    "node_modules/part": {"resolved": "packages/part", "link": true},
    "packages/part": {"version": "1.0.0"}
  }
}`, []string{"5 pkg:npm/%40babel/core@7.1.0", "6 pkg:npm/lodash@4.17.20", "7 pkg:npm/renamed@2.0.0"}},
		"npm's first lock file": {"package-lock.json", `{"lockfileVersion": 1,
"dependencies": {
"lodash": {"version": "4.17.20", "requires": {"x": "^1"},
 "dependencies": {"deep": {"version": "1.0.1"}}},
"alias": {"version": "npm:minimist@1.2.5"},
"git": {"version": "git+ssh://git@example.com/x.git#abc"}}}`, []string{
			"3 pkg:npm/lodash@4.17.20", "4 pkg:npm/deep@1.0.1", "5 pkg:npm/minimist@1.2.5", "6 pkg:npm/git",
		}},
		"a Maven project": {"pom.xml", `<?xml version="1.0"?>
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <parent><groupId>com.acme</groupId><artifactId>base</artifactId><version>7</version></parent>
  <artifactId>shop</artifactId>
  <properties><log4j.version>2.14.1</log4j.version><alias>${log4j.version}</alias></properties>
  <dependencyManagement><dependencies>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-api</artifactId><version>${alias}</version></dependency>
  </dependencies></dependencyManagement>
  <dependencies>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-core</artifactId><version>${log4j.version}</version></dependency>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-api</artifactId></dependency>
    <dependency><groupId>${project.groupId}</groupId><artifactId>own</artifactId><version>${project.version}</version></dependency>
    <dependency><groupId>a</groupId><artifactId>by-parent</artifactId></dependency>
    <dependency><groupId>a</groupId><artifactId>range</artifactId><version>[1,2)</version></dependency>
  </dependencies>
  <build><plugins><plugin><dependencies>
    <dependency><groupId>a</groupId><artifactId>of-a-plugin</artifactId><version>1</version></dependency>
  </dependencies></plugin></plugins></build>
</project>`, []string{
			"10 pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1", "11 pkg:maven/org.apache.logging.log4j/log4j-api@2.14.1",
			"12 pkg:maven/com.acme/own@7", "13 pkg:maven/a/by-parent", "14 pkg:maven/a/range",
		}},
		"pip's requirements": {"requirements-dev.txt", "# tools\nDjango==3.2.1  # pinned\nrequests[security] >= 2.0, <3\nurllib3 == 1.26.* \n" +
			"-r other.txt\n--hash=sha256:0\npyyaml===5.3 ; python_version < '3'\nflask @ https://example.com/flask.whl\n" +
			"jinja2==2.11.2 \\\n    --hash=sha256:abc\nhttps://example.com/x.whl\nclick\n", []string{
			"2 pkg:pypi/django@3.2.1", "3 pkg:pypi/requests", "4 pkg:pypi/urllib3", "7 pkg:pypi/pyyaml@5.3", "8 pkg:pypi/flask",
			"9 pkg:pypi/jinja2@2.11.2", "12 pkg:pypi/click",
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			named, problem := read(t, tt.file, tt.content)
			require.Empty(t, problem)
			require.Equal(t, tt.want, named)
		})
	}
}

func TestWhatIsNoManifestIsRefusedWithWords(t *testing.T) {
	tests := map[string]struct{ file, content, want string }{
		"another file":           {"shop.txt", "x", "is not a manifest"},
		"a broken go.mod":        {"go.mod", "module m\nrequire x\n", "line 2"},
		"JSON of another kind":   {"package-lock.json", `{"name":"x"}`, "no lockfileVersion"},
		"a lock that breaks off": {"package-lock.json", "{\n\"packages\": {", "breaks off"},
		"nested without end":     {"package-lock.json", strings.Repeat(`{"dependencies":`, 10_000), "deeper than 64"},
		"an entity bomb":         {"pom.xml", `<!DOCTYPE p [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><project>&b;</project>`, "document type"},
		"other XML":              {"pom.xml", "<html/>", "not a Maven project"},
		"an empty project file":  {"pom.xml", "", "not a Maven project"},
		"deep XML":               {"pom.xml", "<project>" + strings.Repeat("<a>", 10_000), "deeper than 64"},
		"requirements in UTF-16": {"requirements.txt", "\xff\xfed\x00", "UTF-8"},
		"properties without end": {"pom.xml", "<project><properties><a>${b}${b}</a>", "not valid XML"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, problem := read(t, tt.file, tt.content)
			require.Contains(t, problem, tt.want)
			require.Contains(t, problem, "Nothing of it was checked.")
		})
	}
}

func TestPropertiesThatNameEachOtherEnd(t *testing.T) {
	named, problem := read(t, "pom.xml", `<project><properties><a>${b}${b}</a><b>${a}${a}</b></properties><dependencies>
<dependency><groupId>g</groupId><artifactId>x</artifactId><version>${a}</version></dependency></dependencies></project>`)
	require.Empty(t, problem)
	require.Equal(t, []string{"2 pkg:maven/g/x"}, named)
}

func TestAFolderIsReadButForWhatOthersPutThere(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{"go.mod", "web/package-lock.json", "web/node_modules/x/package-lock.json", "vendor/a/go.mod", "README.md"} {
		full := filepath.Join(dir, path)
		require.NoError(t, os.MkdirAll(filepath.Dir(full), 0o700))
		content := "module m\n"
		if strings.HasSuffix(path, ".json") {
			content = `{"lockfileVersion":3}`
		}
		require.NoError(t, os.WriteFile(full, []byte(content), 0o600))
	}
	var files []string
	for m, refused := range manifest.Read(t.Context(), []string{dir}) {
		require.Nil(t, refused)
		rel, err := filepath.Rel(dir, m.File)
		require.NoError(t, err)
		files = append(files, filepath.ToSlash(rel))
	}
	require.Equal(t, []string{"go.mod", "web/package-lock.json"}, files)
}

func TestAPathThatIsMissingIsToldAndTheRestIsRead(t *testing.T) {
	good := filepath.Join(t.TempDir(), "go.mod")
	require.NoError(t, os.WriteFile(good, []byte("module m\n"), 0o600))
	var refusals, read int
	for _, refused := range manifest.Read(t.Context(), []string{filepath.Join(t.TempDir(), "gone"), good}) {
		if refused != nil {
			require.Contains(t, refused.Problem, "no such file")
			refusals++
		} else {
			read++
		}
	}
	require.Equal(t, 1, refusals)
	require.Equal(t, 1, read)
}

func FuzzManifests(f *testing.F) {
	names := []string{"go.mod", "package-lock.json", "pom.xml", "requirements.txt"}
	for i, seed := range []string{
		"module m\n\nrequire a/b v1.0.0\n", `{"lockfileVersion":3,"packages":{"node_modules/a":{"version":"1"}}}`,
		"<project><dependencies><dependency><groupId>g</groupId></dependency></dependencies></project>", "a[b]==1 ; x\\\ny",
	} {
		f.Add(uint8(i), []byte(seed))
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, which uint8, content []byte) {
		path := filepath.Join(dir, names[int(which)%len(names)])
		require.NoError(t, os.WriteFile(path, content, 0o600))
		yielded := 0
		for m, refused := range manifest.Read(t.Context(), []string{path}) {
			yielded++
			if refused != nil {
				require.NotEmpty(t, refused.Problem)
				continue
			}
			for _, d := range m.Dependencies {
				require.True(t, strings.HasPrefix(d.PURL, "pkg:"), d.PURL)
				require.Positive(t, d.Line)
			}
		}
		require.Equal(t, 1, yielded)
	})
}
