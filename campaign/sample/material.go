package sample

import (
	"embed"
	"fmt"

	"github.com/musterbot/muster/campaign"
)

//go:embed *.json *.md
var material embed.FS

// Log4Shell returns the OSV record of CVE-2021-44228, in our own words.
func Log4Shell() []byte { return mustRead("log4shell.json") }

// FollowUp returns the OSV record of CVE-2021-45046, which asks for more.
func FollowUp() []byte { return mustRead("log4shell-followup.json") }

// Instructions returns the Markdown text of a track's revision. The track
// mitigate has two: the first has a step that nobody can follow as it stands
// ("shaded jars"), the second says it in full. The track fix has three: 2.15.0,
// then 2.16.0, then 2.17.1, with their backports. Each numbered item is a step.
func Instructions(track string, revision int) (string, error) {
	text, err := material.ReadFile(fmt.Sprintf("%s.%d.md", track, revision))
	if err != nil {
		return "", &campaign.Error{
			Kind: campaign.NotFound, Err: err,
			Message: fmt.Sprintf("The sample company has no revision %d of instructions for %q.", revision, track),
		}
	}
	return string(text), nil
}

// mustRead reads what is compiled in: it cannot be missing.
func mustRead(name string) []byte {
	raw, err := material.ReadFile(name)
	if err != nil {
		panic(err)
	}
	return raw
}

// Advisories returns the OSV records that appear when the advice goes this far:
// of the library itself, and of Debian's package of it. 1 is Log4Shell, 2 and 3 are
// the follow-ups.
func Advisories(advice int) [][]byte {
	library := [...]string{"log4shell.json", "log4shell-followup.json", "log4shell-last.json"}
	return [][]byte{mustRead(library[advice-1]), mustRead(fmt.Sprintf("debian.%d.json", advice))}
}
