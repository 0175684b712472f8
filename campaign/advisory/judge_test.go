package advisory

import (
	"cmp"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

// oneRange is a record of one package with one range, as a feed would send it.
func oneRange(ecosystem, name, events string) string {
	return fmt.Sprintf(`{"id":"TEST-1","affected":[{"package":{"ecosystem":%q,"name":%q},"ranges":[{"type":"ECOSYSTEM","events":[%s]}]}]}`,
		ecosystem, name, events)
}

const log4jRecord = `{"id":"TEST-1","modified":"2021-12-14T00:00:00Z","aliases":["CVE-2021-44228"],"affected":[
 {"package":{"ecosystem":"Maven","name":"org.apache.logging.log4j:log4j-core"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"2.13.0"},{"fixed":"2.15.0"}]}]},
 {"package":{"ecosystem":"Maven","name":"org.apache.logging.log4j:log4j-core"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"2.0-beta9"},{"fixed":"2.3.1"}]}]},
 {"package":{"ecosystem":"Maven","name":"org.apache.logging.log4j:log4j-core"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"2.4"},{"fixed":"2.12.2"}]}]}]}`

func read(t testing.TB, raw string) campaign.Advisory {
	t.Helper()
	adv, err := Matcher{}.ReadAdvisory([]byte(raw))
	require.NoError(t, err)
	return adv
}

// verdict returns what one criterion says of one package URL.
func verdict(t *testing.T, c campaign.Criteria, comp campaign.Component) campaign.Verdict {
	t.Helper()
	found := compile(t, c).Judge(comp)
	require.LessOrEqual(t, len(found), 1, "one finding for each advisory")
	if len(found) == 0 {
		return campaign.NotAffected
	}
	if found[0].Verdict == campaign.Possible {
		require.NotEmpty(t, found[0].Why, "what is possible says why")
	}
	return found[0].Verdict
}

func TestVersions(t *testing.T) {
	log4j := "pkg:maven/org.apache.logging.log4j/log4j-core@"
	tests := map[string]struct {
		record, purl string
		want         campaign.Verdict
	}{
		"inside the newest range":           {log4jRecord, log4j + "2.14.1", campaign.Affected},
		"the fixed version":                 {log4jRecord, log4j + "2.15.0", campaign.NotAffected},
		"a candidate of the fixed version":  {log4jRecord, log4j + "2.15.0-rc1", campaign.Affected},
		"a backport":                        {log4jRecord, log4j + "2.12.2", campaign.NotAffected},
		"before the backport":               {log4jRecord, log4j + "2.12.1", campaign.Affected},
		"before the first":                  {log4jRecord, log4j + "2.0-beta7", campaign.NotAffected},
		"snapshot":                          {log4jRecord, log4j + "2.15.0-SNAPSHOT", campaign.Affected},
		"two parts only":                    {log4jRecord, log4j + "2.4", campaign.Affected},
		"log4j-api alone":                   {log4jRecord, "pkg:maven/org.apache.logging.log4j/log4j-api@2.14.1", campaign.NotAffected},
		"npm below":                         {oneRange("npm", "minimist", `{"introduced":"1.0.0"},{"fixed":"1.2.6"}`), "pkg:npm/minimist@1.2.5", campaign.Affected},
		"npm candidate below fix":           {oneRange("npm", "minimist", `{"introduced":"1.0.0"},{"fixed":"1.2.6"}`), "pkg:npm/minimist@1.2.6-rc.1", campaign.Affected},
		"npm scoped":                        {oneRange("npm", "@babel/core", `{"introduced":"0"},{"fixed":"7.0.1"}`), "pkg:npm/%40babel/core@7.0.0", campaign.Affected},
		"python candidate":                  {oneRange("PyPI", "Django", `{"introduced":"4.2"},{"fixed":"4.2.10"}`), "pkg:pypi/django@4.2.10rc1", campaign.Affected},
		"python post release of the fix":    {oneRange("PyPI", "Django", `{"introduced":"4.2"},{"fixed":"4.2.10"}`), "pkg:pypi/django@4.2.10.post1", campaign.NotAffected},
		"python name in another spelling":   {oneRange("PyPI", "ruamel.yaml", `{"introduced":"0"},{"fixed":"1"}`), "pkg:pypi/Ruamel_YAML@0.9", campaign.Affected},
		"go pseudo version":                 {oneRange("Go", "golang.org/x/net", `{"introduced":"0"},{"fixed":"0.17.0"}`), "pkg:golang/golang.org/x/net@v0.0.0-20210405180319-a5a99cb37ef4", campaign.Affected},
		"go module in other case":           {oneRange("Go", "github.com/BurntSushi/toml", `{"introduced":"0"},{"fixed":"1.0.0"}`), "pkg:golang/github.com/BurntSushi/toml@v0.3.1", campaign.Affected},
		"go standard library":               {oneRange("Go", "stdlib", `{"introduced":"0"},{"fixed":"1.20.10"}`), "pkg:golang/std@go1.20.9", campaign.Affected},
		"gem":                               {oneRange("RubyGems", "rails", `{"introduced":"0"},{"fixed":"5.2.0"}`), "pkg:gem/rails@5.2.0.rc1", campaign.Affected},
		"nuget in other case":               {oneRange("NuGet", "Newtonsoft.Json", `{"introduced":"0"},{"fixed":"13.0.1"}`), "pkg:nuget/newtonsoft.json@12.0.3", campaign.Affected},
		"crate with underscore":             {oneRange("crates.io", "time-macros", `{"introduced":"0"},{"fixed":"0.2.0"}`), "pkg:cargo/time_macros@0.1.9", campaign.Affected},
		"composer":                          {oneRange("Packagist", "symfony/http-kernel", `{"introduced":"4.0.0"},{"fixed":"4.4.50"}`), "pkg:composer/symfony/http-kernel@v4.4.49", campaign.Affected},
		"hex":                               {oneRange("Hex", "plug", `{"introduced":"1.0.0"},{"fixed":"1.0.4"}`), "pkg:hex/plug@1.0.4", campaign.NotAffected},
		"debian, its release":               {oneRange("Debian:11", "openssl", `{"introduced":"0"},{"fixed":"1.1.1n-0+deb11u5"}`), "pkg:deb/debian/openssl@1.1.1n-0%2Bdeb11u4?distro=debian-11", campaign.Affected},
		"debian, other release":             {oneRange("Debian:11", "openssl", `{"introduced":"0"},{"fixed":"1.1.1n-0+deb11u5"}`), "pkg:deb/debian/openssl@1.1.1n-0%2Bdeb11u4?distro=debian-12", campaign.NotAffected},
		"debian, code name":                 {oneRange("Debian:11", "openssl", `{"introduced":"0"},{"fixed":"1.1.1n-0+deb11u5"}`), "pkg:deb/debian/openssl@1.1.1k-1?distro=bullseye", campaign.Affected},
		"debian, release unknown":           {oneRange("Debian:11", "openssl", `{"introduced":"0"},{"fixed":"1.1.1n-0+deb11u5"}`), "pkg:deb/debian/openssl@1.1.1k-1", campaign.Possible},
		"debian, binary of the source":      {oneRange("Debian:11", "openssl", `{"introduced":"0"},{"fixed":"1.1.1n-0+deb11u5"}`), "pkg:deb/debian/libssl1.1@1.1.1k-1?distro=debian-11&upstream=openssl", campaign.Affected},
		"debian, source with its version":   {oneRange("Debian:11", "openssl", `{"introduced":"0"},{"fixed":"1.1.1n-0+deb11u5"}`), "pkg:deb/debian/libssl1.1@9-1?distro=debian-11&upstream=openssl%401.1.1k-1", campaign.Affected},
		"debian, epoch":                     {oneRange("Debian:11", "openssl", `{"introduced":"0"},{"fixed":"1.1.1n-0+deb11u5"}`), "pkg:deb/debian/openssl@1%3A0.9?distro=debian-11", campaign.NotAffected},
		"debian, tilde":                     {oneRange("Debian:11", "openssl", `{"introduced":"0"},{"fixed":"1.1.1n-1"}`), "pkg:deb/debian/openssl@1.1.1n-1~bpo1?distro=debian-11", campaign.Affected},
		"ubuntu, long-term release":         {oneRange("Ubuntu:22.04:LTS", "openssl", `{"introduced":"0"},{"fixed":"3.0.2-0ubuntu1.15"}`), "pkg:deb/ubuntu/openssl@3.0.2-0ubuntu1.9?distro=ubuntu-22.04", campaign.Affected},
		"alpine, its release":               {oneRange("Alpine:v3.10", "openssl", `{"introduced":"0"},{"fixed":"1.1.1d-r0"}`), "pkg:apk/alpine/libcrypto1.1@1.1.1c-r0?distro=3.10.2&upstream=openssl", campaign.Affected},
		"rocky, epoch as a qualifier":       {oneRange("Rocky Linux:8", "openssl-libs", `{"introduced":"0"},{"fixed":"1:1.1.1k-12.el8"}`), "pkg:rpm/rocky/openssl-libs@1.1.1k-9.el8?epoch=1&distro=rocky-8.9", campaign.Affected},
		"last affected itself":              {oneRange("npm", "a", `{"introduced":"1.0.0"},{"last_affected":"1.5.0"}`), "pkg:npm/a@1.5.0", campaign.Affected},
		"after last affected":               {oneRange("npm", "a", `{"introduced":"1.0.0"},{"last_affected":"1.5.0"}`), "pkg:npm/a@1.5.1", campaign.NotAffected},
		"one version only":                  {oneRange("npm", "a", `{"introduced":"1.0.0"},{"last_affected":"1.0.0"}`), "pkg:npm/a@1.0.1", campaign.NotAffected},
		"at the limit":                      {oneRange("npm", "a", `{"introduced":"1.0.0"},{"limit":"2.0.0"}`), "pkg:npm/a@2.0.0", campaign.NotAffected},
		"below the limit":                   {oneRange("npm", "a", `{"introduced":"1.0.0"},{"limit":"2.0.0"}`), "pkg:npm/a@1.9.9", campaign.Affected},
		"events out of order":               {oneRange("npm", "a", `{"fixed":"3.0.0"},{"introduced":"2.0.0"},{"fixed":"1.1.0"},{"introduced":"1.0.0"}`), "pkg:npm/a@1.2.0", campaign.NotAffected},
		"introduced again":                  {oneRange("npm", "a", `{"introduced":"1.0.0"},{"fixed":"1.1.0"},{"introduced":"2.0.0"}`), "pkg:npm/a@9.0.0", campaign.Affected},
		"listed version":                    {`{"id":"TEST-1","affected":[{"package":{"ecosystem":"npm","name":"a"},"versions":["1.0.0"]}]}`, "pkg:npm/a@1.0.0", campaign.Affected},
		"not a listed version":              {`{"id":"TEST-1","affected":[{"package":{"ecosystem":"npm","name":"a"},"versions":["1.0.0"]}]}`, "pkg:npm/a@1.0.1", campaign.NotAffected},
		"listed where only commits range":   {`{"id":"TEST-1","affected":[{"package":{"ecosystem":"npm","name":"a"},"ranges":[{"type":"GIT","events":[{"introduced":"0"}]}],"versions":["1.0.0"]}]}`, "pkg:npm/a@2.0.0", campaign.NotAffected},
		"version missing":                   {log4jRecord, "pkg:maven/org.apache.logging.log4j/log4j-core", campaign.Possible},
		"version is a variable":             {log4jRecord, log4j + "$%7Blog4j.version%7D", campaign.Possible},
		"version is a word":                 {log4jRecord, log4j + "LATEST", campaign.Possible},
		"version is a range":                {oneRange("npm", "a", `{"introduced":"1.0.0"}`), "pkg:npm/a@%5E1.0.0", campaign.Possible},
		"version too long":                  {oneRange("npm", "a", `{"introduced":"1.0.0"}`), "pkg:npm/a@1." + fmt.Sprintf("%0400d", 7), campaign.Possible},
		"guessed group":                     {log4jRecord, "pkg:maven/log4j-core/log4j-core@2.8.1", campaign.Possible},
		"guessed group, fixed version":      {log4jRecord, "pkg:maven/log4j-core/log4j-core@2.17.1", campaign.NotAffected},
		"same artifact, generic name":       {oneRange("Maven", "com.acme:core", `{"introduced":"0"}`), "pkg:maven/org.other/core@1.0", campaign.NotAffected},
		"same artifact, generic compound":   {oneRange("Maven", "com.acme:client-api", `{"introduced":"0"}`), "pkg:maven/org.other/client-api@1.0", campaign.NotAffected},
		"same name in another ecosystem":    {log4jRecord, "pkg:npm/log4j-core@2.14.1", campaign.NotAffected},
		"maven name in other case":          {log4jRecord, "pkg:maven/org.apache.logging.log4j/Log4j-Core@2.14.1", campaign.Possible},
		"npm name in other case":            {oneRange("npm", "jsonstream", `{"introduced":"0"}`), "pkg:npm/JSONStream@1.0.0", campaign.Possible},
		"ecosystem without a comparator":    {oneRange("GitHub Actions", "actions/checkout", `{"introduced":"0"},{"fixed":"2.0.0"}`), "pkg:githubactions/actions/checkout@1.0.0", campaign.Possible},
		"unknown type of package URL":       {log4jRecord, "pkg:generic/log4j-core@2.14.1", campaign.NotAffected},
		"qualifiers and type in upper case": {log4jRecord, "pkg:Maven/org.apache.logging.log4j/log4j-core@2.14.1?type=jar#META-INF", campaign.Affected},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := campaign.Criteria{Advisories: []campaign.Advisory{read(t, tt.record)}}
			require.Equal(t, tt.want, verdict(t, c, campaign.Component{PURL: tt.purl}))
		})
	}
}

func TestScannerTellsTheSourcePackage(t *testing.T) {
	c := campaign.Criteria{Advisories: []campaign.Advisory{read(t, oneRange("Debian:10", "openssl", `{"introduced":"0"},{"fixed":"2"}`))}}
	require.Equal(t, campaign.Affected, verdict(t, c, campaign.Component{
		PURL: "pkg:deb/debian/libssl1.1@1.1.1d-0?distro=debian-10.1", Source: "openssl@1.1.1d-0",
	}))
}

// TestEveryEcosystemWithAComparator reads a record of each and compares.
func TestEveryEcosystemWithAComparator(t *testing.T) {
	tests := map[string]string{ // ecosystem -> package URL without version
		"AlmaLinux:8": "rpm/almalinux/a?distro=almalinux-8.9", "Alpaquita:23": "apk/alpaquita/a?distro=alpaquita-23", "Alpine:v3.19": "apk/alpine/a?distro=alpine-3.19.1",
		"BellSoft Hardened Containers": "apk/bellsoft-hardened-containers/a", "Bioconductor": "bioconductor/a", "Bitnami": "bitnami/a", "Chainguard": "apk/chainguard/a",
		"ConanCenter": "conan/a", "CRAN": "cran/a", "crates.io": "cargo/a", "Debian:12": "deb/debian/a?distro=bookworm", "Docker Hardened Images": "dhi/a", "GHC": "ghc/a", "Go": "golang/a",
		"Hackage": "hackage/a", "Hex": "hex/a", "Julia": "julia/a?uuid=7876af07-990d-54b4-ab0e-23690620f79a", "Mageia:9": "rpm/mageia/a?distro=mageia-9", "Maven": "maven/a/a", "MinimOS": "apk/minimos/a",
		"npm": "npm/a", "NuGet": "nuget/a", "openEuler:22.03-LTS-SP1": "rpm/openeuler/a?distro=openeuler-22.03", "openSUSE:Leap 15.5": "rpm/opensuse/a?distro=opensuse-leap-15.5",
		"openSUSE:Tumbleweed": "rpm/opensuse/a?distro=opensuse-tumbleweed-20240101", "Packagist": "composer/a/a", "Pub": "pub/a", "PyPI": "pypi/a", "Red Hat:enterprise_linux:9::baseos": "rpm/redhat/a?distro=rhel-9.3",
		"Rocky Linux:9": "rpm/rocky/a?distro=rocky-9.3", "RubyGems": "gem/a", "SUSE:Linux Enterprise Server 15 SP5": "rpm/sles/a?distro=sles-15.5",
		"SwiftURL": "swift/a/a", "Ubuntu:22.04:LTS": "deb/ubuntu/a?distro=ubuntu-22.04", "Wolfi": "apk/wolfi/a",
	}
	for ecosystem, purl := range tests {
		t.Run(ecosystem, func(t *testing.T) {
			name := map[string]string{"Maven": "a:a", "Packagist": "a/a", "SwiftURL": "a/a"}[ecosystem]
			c := campaign.Criteria{Advisories: []campaign.Advisory{read(t, oneRange(ecosystem, cmp.Or(name, "a"), `{"introduced":"1.2.0"},{"fixed":"1.10.0"}`))}}
			before, after, qualified := strings.Cut(purl, "?")
			for version, want := range map[string]campaign.Verdict{"1.1.9": campaign.NotAffected, "1.9.0": campaign.Affected, "1.10.0": campaign.NotAffected} {
				full := "pkg:" + before + "@" + version
				if qualified {
					full += "?" + after
				}
				require.Equal(t, want, verdict(t, c, campaign.Component{PURL: full}), full)
			}
		})
	}
}

func TestPackagesOfDistributionsByOtherNames(t *testing.T) {
	tests := map[string]struct {
		ecosystem, name, purl, source string
		want                          campaign.Verdict
	}{
		"the source package is told":             {"Debian:11", "openssl", "pkg:deb/debian/libssl1.1@1?distro=debian-11&upstream=openssl", "", campaign.Affected},
		"the source package beside it":           {"Debian:11", "openssl", "pkg:deb/debian/libssl1.1@1?distro=debian-11", "openssl@1", campaign.Affected},
		"a record of the binary package":         {"Debian:11", "libssl1.1", "pkg:deb/debian/libssl1.1@1?distro=debian-11&upstream=openssl", "", campaign.Possible},
		"source not told, a part by its name":    {"Debian:11", "xz", "pkg:deb/debian/xz-utils@1?distro=debian-11", "", campaign.Possible},
		"source not told, a library by its name": {"Debian:11", "ssh2", "pkg:deb/debian/libssh2-1@1?distro=debian-11", "", campaign.Possible},
		"source told, so its name says nothing":  {"Debian:11", "xz", "pkg:deb/debian/xz-tools@1?distro=debian-11&upstream=other", "", campaign.NotAffected},
		"rpm, a record of the source package":    {"openSUSE:Leap 15.5", "openssl", "pkg:rpm/opensuse/libopenssl1_1@1?distro=opensuse-15.5&upstream=openssl-1.1.1-3.src.rpm", "", campaign.Possible},
		"rpm, the source beside it":              {"Rocky Linux:8", "openssl", "pkg:rpm/rocky/openssl-libs@1?distro=rocky-8.9", "openssl@1-2", campaign.Possible},
		"rpm, a record of the binary package":    {"Rocky Linux:8", "openssl-libs", "pkg:rpm/rocky/openssl-libs@1?distro=rocky-8.9", "openssl@1-2", campaign.Affected},
		"alpine, another part":                   {"Alpine:v3.10", "xz", "pkg:apk/alpine/xz-libs@1?distro=3.10.2", "", campaign.Possible},
		"another release":                        {"Debian:12", "xz", "pkg:deb/debian/xz-utils@1?distro=debian-11", "", campaign.NotAffected},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := campaign.Criteria{Advisories: []campaign.Advisory{read(t, oneRange(tt.ecosystem, tt.name, `{"introduced":"0"},{"fixed":"2"}`))}}
			require.Equal(t, tt.want, verdict(t, c, campaign.Component{PURL: tt.purl, Source: tt.source}))
		})
	}
}

func TestNameWithoutPackageURLIsForAPerson(t *testing.T) {
	c := campaign.Criteria{Advisories: []campaign.Advisory{read(t, log4jRecord)}}
	require.Equal(t, campaign.Possible, verdict(t, c, campaign.Component{Name: "log4j-core", Version: "2.14.1"}))
	require.Equal(t, campaign.Possible, verdict(t, c, campaign.Component{PURL: "not a purl", Name: "org.apache.logging.log4j/log4j-core", Version: "2.14.1"}))
	require.Equal(t, campaign.NotAffected, verdict(t, c, campaign.Component{Name: "log4j-core", Version: "2.17.1"}))
	require.Equal(t, campaign.NotAffected, verdict(t, c, campaign.Component{}))
}

func TestFindingNamesTheVersionsToMoveTo(t *testing.T) {
	judge := compile(t, campaign.Criteria{Advisories: []campaign.Advisory{read(t, log4jRecord)}})
	found := judge.Judge(campaign.Component{PURL: "pkg:maven/org.apache.logging.log4j/log4j-core@2.8.1", Path: "/opt/app"})
	require.Equal(t, []campaign.Finding{{
		Advisory: "TEST-1", Verdict: campaign.Affected, Fixed: []string{"2.12.2", "2.15.0"},
		Component: campaign.Component{PURL: "pkg:maven/org.apache.logging.log4j/log4j-core@2.8.1", Path: "/opt/app"},
	}}, found)
}

func TestFloorsBeatTheRecord(t *testing.T) {
	const pkg = "pkg:maven/org.apache.logging.log4j/log4j-core"
	floors := []campaign.Floor{
		{Package: pkg, Branch: "2.3", Fixed: "2.3.2"},
		{Package: pkg, Branch: "2.12", Fixed: "2.12.4"},
		{Package: pkg, Fixed: "2.17.1"},
	}
	tests := map[string]struct {
		version string
		want    campaign.Verdict
		fixed   []string
	}{
		"on a branch, below its floor":             {"2.12.2", campaign.Affected, []string{"2.12.4"}},
		"on a branch, at its floor":                {"2.12.4", campaign.NotAffected, nil},
		"the backport that records forget":         {"2.3.2", campaign.NotAffected, nil},
		"another branch that begins the same":      {"2.30.0", campaign.NotAffected, nil},
		"no branch, below the general floor":       {"2.15.0", campaign.Affected, []string{"2.17.1"}},
		"no branch, at the general floor":          {"2.17.1", campaign.NotAffected, nil},
		"a version that cannot be compared":        {"$%7Bv%7D", campaign.Possible, []string{"2.3.1", "2.12.2", "2.15.0"}},
		"older than anything the record speaks of": {"1.9", campaign.Affected, []string{"2.17.1"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := campaign.Criteria{Advisories: []campaign.Advisory{read(t, log4jRecord)}, Floors: floors}
			comp := campaign.Component{PURL: pkg + "@" + tt.version}
			require.Equal(t, tt.want, verdict(t, c, comp))
			if tt.fixed != nil {
				require.Equal(t, tt.fixed, compile(t, c).Judge(comp)[0].Fixed)
			}
		})
	}
}

func TestPatternWithoutARecord(t *testing.T) {
	tests := map[string]struct {
		pattern string
		comp    campaign.Component
		want    campaign.Verdict
	}{
		"star at the end":    {"log4j*", campaign.Component{PURL: "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1"}, campaign.Possible},
		"other case":         {"LOG4J*", campaign.Component{PURL: "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1"}, campaign.Possible},
		"whole name":         {"log4j-core", campaign.Component{PURL: "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1"}, campaign.Possible},
		"with its group":     {"org.apache.*:log4j*", campaign.Component{PURL: "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1"}, campaign.Possible},
		"by its file":        {"log4j-core*.jar", campaign.Component{Name: "java archive", Path: "/opt/app/lib/log4j-core-2.14.1.jar"}, campaign.Possible},
		"part of a name":     {"log4j", campaign.Component{PURL: "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1"}, campaign.NotAffected},
		"star in the middle": {"log*core", campaign.Component{PURL: "pkg:maven/a/log4j-api@2.14.1"}, campaign.NotAffected},
		"another package":    {"log4j*", campaign.Component{PURL: "pkg:npm/minimist@1.0.0"}, campaign.NotAffected},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tt.want, verdict(t, campaign.Criteria{Pattern: tt.pattern}, tt.comp))
		})
	}
}

func TestPatternKeepsQuietWhereARecordSpeaks(t *testing.T) {
	c := campaign.Criteria{Pattern: "log4j*", Advisories: []campaign.Advisory{read(t, log4jRecord)}}
	require.Equal(t, campaign.NotAffected, verdict(t, c, campaign.Component{PURL: "pkg:maven/org.apache.logging.log4j/log4j-core@2.17.1"}))
	require.Equal(t, campaign.Possible, verdict(t, c, campaign.Component{PURL: "pkg:maven/org.apache.logging.log4j/log4j-api@2.14.1"}))
}

func TestFloorsWithoutARecord(t *testing.T) {
	byURL := campaign.Criteria{Pattern: "log4j*", Floors: []campaign.Floor{{Package: "pkg:maven/org.apache.logging.log4j/log4j-core", Fixed: "2.15.0"}}}
	byName := campaign.Criteria{Floors: []campaign.Floor{{Package: "log4j-core", Fixed: "2.15.0"}}}
	core := func(v string) campaign.Component {
		return campaign.Component{PURL: "pkg:maven/org.apache.logging.log4j/log4j-core@" + v}
	}
	require.Equal(t, campaign.Affected, verdict(t, byURL, core("2.14.1")))
	require.Equal(t, campaign.NotAffected, verdict(t, byURL, core("2.15.0")))
	require.Equal(t, campaign.Possible, verdict(t, byName, core("2.14.1")), "a plain name is no identity")
	require.Equal(t, campaign.NotAffected, verdict(t, byName, core("2.15.0")))
}

func TestRefusedCriteria(t *testing.T) {
	tests := map[string]campaign.Criteria{
		"pattern of stars":          {Pattern: "**"},
		"pattern of one letter":     {Pattern: "a*"},
		"pattern too long":          {Pattern: fmt.Sprintf("%0300d", 1)},
		"floor without package":     {Floors: []campaign.Floor{{Fixed: "1"}}},
		"floor without version":     {Floors: []campaign.Floor{{Package: "log4j-core"}}},
		"floor that is a word":      {Floors: []campaign.Floor{{Package: "log4j-core", Fixed: "latest"}}},
		"floor on a versioned name": {Floors: []campaign.Floor{{Package: "pkg:npm/a@1.0.0", Fixed: "2.0.0"}}},
		"floor on an unknown type":  {Floors: []campaign.Floor{{Package: "pkg:nothing/a", Fixed: "2.0.0"}}},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Matcher{}.Compile(c)
			require.Equal(t, campaign.Invalid, campaign.KindOf(err))
			require.Contains(t, campaign.PublicMessage(err), "Nothing was changed")
		})
	}
}
