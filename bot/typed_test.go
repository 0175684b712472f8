package bot_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/bot/fakeslack"
)

// Slack makes links of what looks like an address, also where a package was meant.
func TestAPatternThatLooksLikeAnAddressFindsItsServices(t *testing.T) {
	h := openHouse(t)
	h.answer(h.cara, "new “fix <http://log4j.org|log4j.org> now” for <http://log4j|log4j>-core")
	shown := h.answer(h.mei, "show fix-log4j-org-now").Words()
	require.Contains(t, shown, "fix log4j.org now")
	require.Contains(t, shown, "3 targets")
	title := h.answer(h.cara, "edit title “see #command, <!here> & <b>, @ann”").Words()
	require.Contains(t, title, "see #command, @here &amp; &lt;b&gt;, @ann")
}

func TestInstructionsKeepTheirLinks(t *testing.T) {
	h := openHouse(t)
	h.answer(h.cara, `new "log4j RCE" for log4j-core`)
	h.answer(h.cara, "track mitigate due in 2 days instructions 1. Read <https://example.com/a?b=1&amp;c=2|example.com/a>, log4j.org.\n2. Tell @mei in #command, if x < 3.")
	text, err := h.engine.Instructions(t.Context(), "log4j-rce", "mitigate")
	require.NoError(t, err)
	require.Equal(t, "1. Read [example.com/a](https://example.com/a?b=1&c=2), http://log4j.org.\n2. Tell mei in #command, if x < 3.", text)
}

// A record that is pasted has addresses in it, and Slack makes links of them.
func TestAPastedRecordIsReadBehindItsLinks(t *testing.T) {
	h := openHouse(t)
	shown := h.answer(h.cara, `new {"id": "CVE-2021-44228", "modified": "2021-12-14T00:00:00Z", "summary": "RCE & more in log4j-core, see log4j.org", `+
		`"references": [{"type": "WEB", "url": "https://logging.apache.org/security.html"}], `+
		`"affected": [{"package": {"ecosystem": "Maven", "name": "org.apache.logging.log4j:log4j-core"}, "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "2.0"}, {"fixed": "2.15.0"}]}]}]}`).Words()
	require.Contains(t, shown, "RCE &amp; more in log4j-core, see log4j.org")
}

func TestPeopleAreAskedByWhatSlackMakesOfTheirNames(t *testing.T) {
	h := openHouse(t)
	h.AddUserGroup("security", h.mei)
	h.answer(h.cara, `new "log4j RCE"`)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()

	require.NotContains(t, h.answer(h.cara, `ask ann@example.com "see https://wiki.example.com/x?a=1&b=2 with @mei" by 20:00`).Words(), "nobody")
	asked, err := h.ann.WaitsForDM(ctx, fakeslack.Containing("https://wiki.example.com/x?a=1&amp;b=2 with @mei"))
	require.NoError(t, err)
	require.NotContains(t, asked.Words(), "&lt;")

	refused := h.answer(h.cara, "dryrun mitigate @security").Words()
	require.Contains(t, refused, "@security is a user group")
}

func TestAQuestionIsPassedOnAsItWasTyped(t *testing.T) {
	h := openHouse(t)
	h.running()
	_, answer := h.annAsks("See <https://wiki.example.com/a?b=1&amp;c=2|the wiki> & @mei: is #command ok? <!here> <b>")
	require.True(t, h.ann.Presses("Needs a person", answer).OK())
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	told, err := h.WaitForMessage(ctx, "command", fakeslack.Containing("the wiki"))
	require.NoError(t, err)
	require.Contains(t, told.Words(), "See the wiki (https://wiki.example.com/a?b=1&amp;c=2) &amp; @mei: is #command ok? @here &lt;b&gt;")
}
