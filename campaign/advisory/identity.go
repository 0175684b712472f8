package advisory

import (
	"cmp"
	"regexp"
	"strings"

	"github.com/package-url/packageurl-go"

	"github.com/musterbot/muster/campaign"
)

// identity is a component in the words of an advisory database.
type identity struct {
	ecosystem string // without release; blank when no database has the type
	name      string // as the database writes it: group:artifact, @scope/name, source package
	short     string // the last part of the name
	version   string
	release   string // of a distribution: 11, v3.19, 22.04; blank when not known
	// near are other names that a distribution's record may use for the package.
	near []nearName
}

// nearName is a name that may mean the package, and why that is not certain.
type nearName struct{ name, doubt string }

// ecosystems maps package URL types to OSV ecosystems. Types of Linux
// distributions are decided by their namespace (distributions).
var ecosystems = map[string]string{
	"maven": "Maven", "npm": "npm", "pypi": "PyPI", "golang": "Go", "gem": "RubyGems",
	"nuget": "NuGet", "cargo": "crates.io", "composer": "Packagist", "hex": "Hex",
	"pub": "Pub", "swift": "SwiftURL", "cran": "CRAN", "hackage": "Hackage",
	"conan": "ConanCenter", "bitnami": "Bitnami", "githubactions": "GitHub Actions",
	"julia": "Julia", "bioconductor": "Bioconductor", "ghc": "GHC", "dhi": "Docker Hardened Images",
}

var distributions = map[string]string{
	"deb/debian": "Debian", "deb/ubuntu": "Ubuntu",
	"apk/alpine": "Alpine", "apk/alpaquita": "Alpaquita", "apk/bellsoft-hardened-containers": "BellSoft Hardened Containers", "apk/wolfi": "Wolfi", "apk/chainguard": "Chainguard", "apk/minimos": "MinimOS",
	"rpm/redhat": "Red Hat", "rpm/rhel": "Red Hat", "rpm/rocky": "Rocky Linux", "rpm/rockylinux": "Rocky Linux",
	"rpm/almalinux": "AlmaLinux", "rpm/alma": "AlmaLinux", "rpm/opensuse": "openSUSE", "rpm/sles": "SUSE",
	"rpm/opensuse-leap": "openSUSE", "rpm/opensuse-tumbleweed": "openSUSE", "rpm/opensuse.leap": "openSUSE", "rpm/opensuse.tumbleweed": "openSUSE",
	"rpm/suse": "SUSE", "rpm/openeuler": "openEuler", "rpm/mageia": "Mageia",
}

// parsePURL returns the component's identity, false when the package URL is
// absent or malformed.
func parsePURL(c campaign.Component) (identity, bool) {
	if c.PURL == "" {
		return identity{}, false
	}
	p, err := packageurl.FromString(c.PURL)
	if err != nil {
		return identity{}, false
	}
	id := identity{ecosystem: ecosystems[p.Type], name: p.Name, short: p.Name, version: p.Version}
	switch p.Type {
	case "maven":
		id.name = p.Namespace + ":" + p.Name
	case "golang":
		id.name = joinName(p.Namespace, p.Name)
		if id.name == "std" || id.name == "stdlib" {
			id.name, id.version = "stdlib", strings.TrimPrefix(id.version, "go")
		}
	case "deb", "apk", "rpm":
		id.distribution(p, c.Source)
	default:
		id.name = joinName(p.Namespace, p.Name)
	}
	return id, true
}

func joinName(namespace, name string) string {
	if namespace == "" {
		return name
	}
	return namespace + "/" + name
}

// distribution fills in what the package URL of a distribution's package says.
// Debian's and Alpine's records speak of source packages, so the source's name
// and version count where they are known; those for RPM speak of binary ones.
func (id *identity) distribution(p packageurl.PackageURL, source string) {
	id.ecosystem = distributions[p.Type+"/"+strings.ToLower(p.Namespace)]
	qualifiers := p.Qualifiers.Map()
	if epoch := qualifiers["epoch"]; epoch != "" && epoch != "0" && !strings.Contains(id.version, ":") {
		id.version = epoch + ":" + id.version
	}
	id.release = distroRelease(id.ecosystem, qualifiers["distro"])
	if upstream := qualifiers["upstream"]; upstream != "" {
		source = upstream
	}
	if p.Type == "rpm" {
		if name := sourceRPM(source); name != "" && name != id.name {
			id.near = append(id.near, nearName{name, "the record names the source package " + name + ", of which this is a part"})
		}
		return
	}
	name, version, _ := strings.Cut(source, "@")
	switch {
	case name == "":
		root := binaryRoot(id.name)
		id.near = append(id.near, nearName{root, "by its name a part of the source package " + root + ", which the inventory does not tell"})
		return
	case name != id.name:
		id.near = append(id.near, nearName{id.name, "the record names the binary package " + id.name + ", where records name source packages"})
	}
	id.name, id.short = name, name
	if version != "" {
		id.version = version
	}
}

// sourceRPM returns the name in openssl-1.0.2k-16.el7.src.rpm or openssl@1.0.2k.
func sourceRPM(source string) string {
	name, _, _ := strings.Cut(source, "@")
	if file, ok := strings.CutSuffix(name, ".rpm"); ok {
		for range 2 {
			if i := strings.LastIndexByte(file, '-'); i > 0 {
				file = file[:i]
			}
		}
		return file
	}
	return name
}

// debianReleases are the code names that a distro qualifier may carry.
var debianReleases = map[string]string{
	"jessie": "8", "stretch": "9", "buster": "10", "bullseye": "11", "bookworm": "12", "trixie": "13", "forky": "14",
}

var ubuntuReleases = map[string]string{
	"trusty": "14.04", "xenial": "16.04", "bionic": "18.04", "focal": "20.04", "jammy": "22.04", "noble": "24.04",
}

// distroRelease turns a distro qualifier ("debian-11.3", "bullseye", "3.10.2")
// into the release that the ecosystem's records name.
func distroRelease(ecosystem, distro string) string {
	if strings.Contains(distro, "tumbleweed") {
		distro = "tumbleweed"
	}
	if i := strings.LastIndexByte(distro, '-'); i >= 0 {
		distro = distro[i+1:]
	}
	major, rest, _ := strings.Cut(distro, ".")
	minor, _, _ := strings.Cut(rest, ".")
	switch ecosystem {
	case "Debian":
		if number, ok := debianReleases[distro]; ok {
			return number
		}
		return onlyDigits(major)
	case "Ubuntu":
		if number, ok := ubuntuReleases[distro]; ok {
			return number
		}
		if onlyDigits(major) != "" && onlyDigits(minor) != "" {
			return major + "." + minor
		}
		return ""
	case "Alpine":
		if onlyDigits(major) != "" && onlyDigits(minor) != "" {
			return "v" + major + "." + minor
		}
		return ""
	case "openSUSE", "SUSE", "openEuler":
		if onlyDigits(major) != "" && onlyDigits(minor) != "" {
			return major + "." + minor
		}
		return strings.ToLower(onlyLetters(major))
	case "Wolfi", "Chainguard", "MinimOS": // rolling: their records name no release
		return ""
	}
	return onlyDigits(major)
}

func onlyDigits(s string) string {
	if strings.Trim(s, "0123456789") != "" {
		return ""
	}
	return s
}

// recordRelease returns the release that a record's ecosystem names, in the
// form of distroRelease: "Ubuntu:Pro:22.04:LTS" is 22.04.
func recordRelease(ecosystem, release string) string {
	switch ecosystem {
	case "Ubuntu":
		for part := range strings.SplitSeq(release, ":") {
			if part != "" && onlyDigits(strings.Replace(part, ".", "", 1)) != "" {
				return part
			}
		}
	case "Alpine":
		if release != "" && !strings.HasPrefix(release, "v") {
			return "v" + release
		}
	case "Red Hat": // enterprise_linux:9::baseos, rhel_eus:8.6::appstream
		for part := range strings.SplitSeq(release, ":") {
			if major, _, _ := strings.Cut(part, "."); major != "" && onlyDigits(major) != "" {
				return major
			}
		}
	case "openSUSE", "SUSE", "openEuler":
		if m := suseRelease.FindStringSubmatch(release); m != nil {
			return m[1] + "." + cmp.Or(m[2], m[3], "0")
		}
		return strings.ToLower(release)
	}
	return release
}

// suseRelease finds 15.5 in "Leap 15.5" and "Linux Enterprise Server 15 SP5", and
// 22.03 in "22.03-LTS-SP1".
var suseRelease = regexp.MustCompile(`([0-9]+)(?:\.([0-9]+)| SP([0-9]+))?`)

func onlyLetters(s string) string {
	if strings.ContainsAny(s, "0123456789") {
		return ""
	}
	return s
}

var pypiSeparators = regexp.MustCompile(`[-_.]+`)

// canonicalName writes a package name in the one way that its ecosystem
// compares names in. Maven, npm and RubyGems tell upper from lower case. A
// package URL of type golang is lower case by its specification, so the case of
// a Go module's name cannot be compared.
func canonicalName(ecosystem, name string) string {
	switch ecosystem {
	case "Maven", "npm", "RubyGems", "CRAN", "Hackage", "Julia":
		return name
	case "PyPI":
		return pypiSeparators.ReplaceAllString(strings.ToLower(name), "-")
	case "crates.io":
		return strings.ReplaceAll(strings.ToLower(name), "_", "-")
	case "SwiftURL":
		return strings.TrimSuffix(strings.TrimPrefix(strings.ToLower(name), "https://"), ".git")
	}
	return strings.ToLower(name)
}

// shortName returns the last part of a package's name in any spelling:
// the artifact of group:artifact, the name of @scope/name or group/name.
func shortName(name string) string {
	return name[strings.LastIndexAny(name, ":/")+1:]
}
