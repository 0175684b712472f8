package campaign_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

// steps are the life cycles as people draw them: every step that is allowed,
// once more and in another form than the tables, so that a slip shows.
var steps = map[string]string{
	"campaign": `draft>in_review draft>cancelled in_review>draft in_review>approved in_review>cancelled approved>in_review
		approved>running approved>cancelled running>paused running>closing running>cancelled paused>running paused>cancelled
		closing>running closing>closed`,
	"revision": `draft>in_review in_review>approved in_review>superseded approved>superseded`,
	"wave":     `planned>filing filing>filed`,
	"task": `unknown>open unknown>not_affected unknown>withdrawn
		open>in_progress open>claimed open>verified open>excepted open>not_affected open>withdrawn
		in_progress>claimed in_progress>verified in_progress>excepted in_progress>not_affected in_progress>withdrawn
		claimed>in_progress claimed>verified claimed>excepted claimed>not_affected claimed>withdrawn
		verified>in_progress verified>withdrawn excepted>in_progress excepted>withdrawn
		not_affected>in_progress not_affected>unknown not_affected>withdrawn`,
	"effect": `pending>leased leased>pending leased>done leased>uncertain leased>dead uncertain>leased dead>pending`,
	"question": `open>suggested open>escalated open>answered suggested>escalated suggested>answered
		escalated>answered`,
	"shift": `scheduled>on_duty on_duty>handing_over handing_over>done`,
}

func TestLifeCyclesAllowTheseStepsAndNoOthers(t *testing.T) {
	t.Run("campaign", func(t *testing.T) { tryEveryPair[campaign.Status](t) })
	t.Run("revision", func(t *testing.T) { tryEveryPair[campaign.RevisionStatus](t) })
	t.Run("wave", func(t *testing.T) { tryEveryPair[campaign.WaveStatus](t) })
	t.Run("task", func(t *testing.T) { tryEveryPair[campaign.TaskStatus](t) })
	t.Run("effect", func(t *testing.T) { tryEveryPair[campaign.EffectStatus](t) })
	t.Run("question", func(t *testing.T) { tryEveryPair[campaign.QuestionStatus](t) })
	t.Run("shift", func(t *testing.T) { tryEveryPair[campaign.ShiftStatus](t) })
}

func tryEveryPair[S campaign.State](t *testing.T) {
	allowed := strings.Fields(steps[filepath.Base(t.Name())])
	var tried int
	for _, from := range campaign.States[S]() {
		for _, to := range campaign.States[S]() {
			step := string(from) + ">" + string(to)
			require.Equal(t, slices.Contains(allowed, step), campaign.CanMove(from, to), step)
			if campaign.CanMove(from, to) {
				tried++
			}
		}
	}
	require.Equal(t, len(allowed), tried, "every step that is drawn exists")
}

func TestTheDocsDrawTheLifeCyclesAsTheyAre(t *testing.T) {
	docs, err := os.ReadFile(filepath.Join("..", "docs", "ARCHITECTURE.md"))
	require.NoError(t, err)
	for name, drawn := range steps {
		for _, step := range strings.Fields(drawn) {
			from, to, _ := strings.Cut(step, ">")
			require.Contains(t, string(docs), "    "+from+" --> "+to+"\n", name)
		}
	}
}
