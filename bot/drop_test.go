package bot_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/bot/fakeslack"
	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/advisory"
	"github.com/musterbot/muster/campaign/inventory"
)

// documents reads dropped files as the service does.
type documents struct{}

func (documents) Scans(raw []byte, name string) ([]campaign.Scan, []campaign.Refusal) {
	return inventory.Read(bytes.NewReader(raw), name)
}

func (documents) Statements(raw []byte, name string) ([]campaign.Statement, []campaign.Refusal, error) {
	return advisory.ReadVEX(raw, name)
}

const hostList = "asset,purl,scanned_at\nledger,pkg:maven/a/b@1,2021-12-13T08:00:00Z\nledger,pkg:maven/a/c@1,tomorrow\n"

func TestAFileDroppedInTheCommandChannelIsImported(t *testing.T) {
	h := openHouse(t)
	_, err := h.cara.Uploads("command", "hosts.csv", []byte(hostList))
	require.NoError(t, err)
	answer, err := h.WaitForMessage(t.Context(), "command", func(m fakeslack.Message) bool { return strings.Contains(m.Text, "hosts.csv") })
	require.NoError(t, err)
	require.Contains(t, answer.Text, "new")
	require.Contains(t, answer.Text, "line 3")
	require.NotEmpty(t, answer.ThreadTS, "in the thread of the file")
}

func TestAnOwnersScanProvesTheirOwnServicesOnly(t *testing.T) {
	h := openHouse(t)
	_, err := h.ann.Uploads(fakeslack.DM, "mine.csv", []byte("asset,purl,scanned_at\nledger,pkg:maven/a/b@1,2021-12-13T08:00:00Z\nnobodys,pkg:maven/a/b@1,2021-12-13T08:00:00Z\n"))
	require.NoError(t, err)
	answer, err := h.ann.WaitsForDM(t.Context(), func(m fakeslack.Message) bool { return strings.Contains(m.Text, "mine.csv") })
	require.NoError(t, err)
	require.Contains(t, answer.Text, "your own scan of 1 asset")
	require.Contains(t, answer.Text, "nobodys")
}

func TestAFileOfSomebodyElseIsNoProof(t *testing.T) {
	h := openHouse(t)
	_, err := h.mei.Uploads("command", "hosts.csv", []byte(hostList))
	require.NoError(t, err)
	answer, err := h.WaitForMessage(t.Context(), "command", func(m fakeslack.Message) bool { return strings.Contains(m.Text, "hosts.csv") })
	require.NoError(t, err)
	require.Contains(t, answer.Text, "another team")
}

// Whoever answers "done" to Muster itself hears that nobody read it.
func TestWordsToMusterItselfAreAnswered(t *testing.T) {
	h := openHouse(t)
	h.ann.Says(fakeslack.DM, "done, all of it")
	answer, err := h.ann.WaitsForDM(t.Context(), func(m fakeslack.Message) bool { return strings.Contains(m.Text, "cannot read answers") })
	require.NoError(t, err)
	require.Contains(t, answer.Text, "/campaign help")
	_, err = h.ann.Uploads(fakeslack.DM, "mine.csv", []byte(hostList))
	require.NoError(t, err)
	_, err = h.ann.WaitsForDM(t.Context(), func(m fakeslack.Message) bool { return strings.Contains(m.Text, "mine.csv") })
	require.NoError(t, err)
	require.Len(t, h.ann.DMs(), 4, "a file is no word, and what Muster says is not answered")
}
