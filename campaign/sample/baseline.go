package sample

import (
	"strconv"
	"strings"

	"github.com/musterbot/muster/campaign"
)

// floors are the first versions of log4j-core that count as fixed, by how far the
// advisories went; by branch, "" for the newest. They are written down here from
// public facts and compared by a few lines of this package, so that what Muster
// makes of the advisories is checked against something else than itself.
var floors = []map[string]string{
	{"2.3": "2.3.1", "2.12": "2.12.2", "": "2.15.0"},
	{"2.3": "2.3.1", "2.12": "2.12.2", "": "2.16.0"},
	{"2.3": "2.3.2", "2.12": "2.12.4", "": "2.17.1"},
}

// debianRevision ends the versions of Debian 11's package.
const (
	debianRevision  = "-1~deb11u1"
	debianInstalled = "2.13.3-1"
)

// FixedVersion returns the version that somebody who runs this one moves to.
func FixedVersion(layer campaign.Layer, version string, advice int) string {
	if layer == campaign.LayerHost {
		return floors[advice-1][""] + debianRevision
	}
	return floors[advice-1][branch(version)]
}

// Vulnerable returns whether advisories that went this far concern a version; a
// blank one is not there.
func Vulnerable(layer campaign.Layer, version string, advice int) bool {
	if version == "" {
		return false
	}
	of := branch(version)
	if layer == campaign.LayerHost {
		of = ""
	}
	return older(version, floors[advice-1][of])
}

func branch(version string) string {
	for _, b := range []string{"2.3", "2.12"} {
		if version == b || strings.HasPrefix(version, b+".") {
			return b
		}
	}
	return ""
}

// older compares the numbers of two versions up to the first dash.
func older(a, b string) bool {
	left, right := numbers(a), numbers(b)
	for n := range left {
		if left[n] != right[n] {
			return left[n] < right[n]
		}
	}
	return false
}

func numbers(version string) (out [3]int) {
	version, _, _ = strings.Cut(version, "-")
	for n, part := range strings.SplitN(version, ".", 3) {
		out[n], _ = strconv.Atoi(part)
	}
	return out
}
