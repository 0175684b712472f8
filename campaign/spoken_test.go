package campaign_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/templates"
)

// TestAdviceInTheProductsOwnWords reads what people are told, in the templates
// that the product ships.
func TestAdviceInTheProductsOwnWords(t *testing.T) {
	set, err := templates.Load("")
	require.NoError(t, err)
	h := newHouse(t, func(o *campaign.Options) { o.Renderer = set })
	id := h.flagged()
	asked := h.by(ann)
	c := h.campaign(id)
	c.HelpRef = campaign.ChannelRef{ID: helpChannel}
	h.put(id, campaign.KindCampaign, "self", c)
	require.NoError(t, h.engine.AskQuestion(t.Context(), asked, campaign.QuestionAsked{Channel: helpChannel, TS: "100.1", Text: "Which jar &lt;!channel&gt;?"}))
	question := all[campaign.Question](h, id, campaign.KindQuestion)[0]
	h.clock.advance(52 * time.Minute)
	_, err = h.engine.Escalate(t.Context(), h.by(ann), id, question.ID)
	require.NoError(t, err)
	_, err = h.void(id, h.by(cara))
	require.NoError(t, err)
	h.settle()
	h.offer(id)
	h.settle()

	last := func(to string) string {
		said := h.slack.said(to)
		require.NotEmpty(t, said)
		return said[len(said)-1].Message.Text
	}
	tests := map[string]struct {
		text  string
		words int // at most
		want  []string
	}{
		"an owner whose work needs one more step": {text: last(ann.User()), words: 90, want: []string{
			"your work counts", "1 of your 2 services needs one more step", "`checkout`", "`flag` no longer counts", "The other one: nothing to do",
		}},
		"a helper who is called": {text: last(hal.User()), words: 110, want: []string{"<@UANN>", "Which jar &lt;!channel&gt;?", "52 min"}},
		"the one who takes command": {text: last(devi.User()), words: 110, want: []string{
			"<@UCARA> hands command to <@UDEVI>", "1 question open", "an answer to question 1 to <@UANN>", "anything said about `flag`", "incident response",
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for _, want := range tt.want {
				require.Contains(t, tt.text, want)
			}
			require.LessOrEqual(t, len(strings.Fields(tt.text)), tt.words, tt.text)
		})
	}
}
