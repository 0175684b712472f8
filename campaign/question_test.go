package campaign_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

// ask lets a person ask in the help channel and returns the question.
func (h *house) ask(id string, p campaign.Person, ts, text string) campaign.Question {
	h.t.Helper()
	require.NoError(h.t, h.engine.AskQuestion(h.t.Context(), h.by(p), campaign.QuestionAsked{Channel: helpChannel, TS: ts, Text: text}))
	for _, q := range all[campaign.Question](h, id, campaign.KindQuestion) {
		if q.TS == ts {
			return q
		}
	}
	require.Fail(h.t, "the question was not recorded")
	return campaign.Question{}
}

func (h *house) question(id string, q campaign.Question) campaign.Question {
	h.t.Helper()
	return stored[campaign.Question](h, id, campaign.KindQuestion, q.ID)
}

func (h *house) counted(id string) campaign.QuestionCount {
	h.t.Helper()
	n, err := h.engine.QuestionCount(h.t.Context(), id)
	require.NoError(h.t, err)
	return n
}

func TestQuestionFromAskedToAnswered(t *testing.T) {
	h := newHouse(t)
	id := h.newCampaign()
	q := h.ask(id, ann, "100.1", "Does this cover shaded jars?")
	require.Equal(t, 1, q.Number)
	require.Equal(t, campaign.QuestionOpen, q.Status)
	taken := h.planned(id, helpChannel)
	require.Len(t, taken, 1)
	require.Equal(t, "100.1", taken[0].Thread)
	require.Equal(t, id+"|"+q.ID, press(t, taken[0].Message, "question.answered"))
	require.Equal(t, id+"|"+q.ID, press(t, taken[0].Message, "question.escalate"))

	h.clock.advance(7 * time.Minute)
	require.NoError(t, h.engine.FollowThread(t.Context(), h.by(hal), helpChannel, "100.1", "Yes, remove the class there, too."))
	require.Equal(t, campaign.QuestionSuggested, h.question(id, q).Status)
	require.Equal(t, hal, h.question(id, q).RepliedBy)

	require.NoError(t, h.engine.FollowThread(t.Context(), h.by(ann), helpChannel, "100.1", "Thanks!"))
	require.Equal(t, campaign.QuestionSuggested, h.question(id, q).Status, "thanks close nothing")

	_, err := h.engine.Answer(t.Context(), h.by(ann), id, q.ID)
	require.NoError(t, err)
	require.Equal(t, campaign.QuestionAnswered, h.question(id, q).Status)
	require.Equal(t, campaign.QuestionCount{Answered: 1, MedianWait: 7 * time.Minute}, h.counted(id))
	require.Equal(t, []string{"question.ask", "question.reply", "question.answer"}, h.audited(id))
}

func TestOneMessageIsOneQuestion(t *testing.T) {
	h := newHouse(t)
	id := h.newCampaign()
	var wg sync.WaitGroup
	for range 4 { // the event came again, under other envelopes
		r := h.by(ann)
		wg.Go(func() {
			_ = h.engine.AskQuestion(t.Context(), r, campaign.QuestionAsked{Channel: helpChannel, TS: "100.1", Text: "Which jar?"})
		})
	}
	wg.Wait()
	require.Len(t, all[campaign.Question](h, id, campaign.KindQuestion), 1)
	require.Len(t, h.planned(id, helpChannel), 1)
	require.Equal(t, 1, h.counted(id).Open)
}

func TestNotAQuestion(t *testing.T) {
	tests := map[string]struct {
		asked  campaign.QuestionAsked
		status campaign.Status
	}{
		"in another channel":       {asked: campaign.QuestionAsked{Channel: "CRANDOM", TS: "1", Text: "hello"}, status: campaign.Running},
		"without words":            {asked: campaign.QuestionAsked{Channel: helpChannel, TS: "1", Text: " \n"}, status: campaign.Running},
		"after the campaign ended": {asked: campaign.QuestionAsked{Channel: helpChannel, TS: "1", Text: "hello"}, status: campaign.Closed},
		"in no channel":            {asked: campaign.QuestionAsked{TS: "1", Text: "hello"}, status: campaign.Running},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			id := h.newCampaign(func(c *campaign.Campaign) { c.Status = tt.status })
			require.NoError(t, h.engine.AskQuestion(t.Context(), h.by(ann), tt.asked))
			require.NoError(t, h.engine.FollowThread(t.Context(), h.by(hal), tt.asked.Channel, tt.asked.TS, "an answer"))
			require.Empty(t, all[campaign.Question](h, id, campaign.KindQuestion))
			require.Empty(t, all[campaign.Effect](h, id, campaign.KindEffect))
		})
	}
}

func TestQuestionThatNeedsAPerson(t *testing.T) {
	h := newHouse(t)
	id := h.newCampaign()
	q := h.ask(id, ann, "100.1", "`ledger` cannot restart before payroll &lt;!channel&gt; &amp;lt;")
	require.Equal(t, "`ledger` cannot restart before payroll <!channel> &lt;", q.Text, "kept as it was typed")
	h.clock.advance(52 * time.Minute)
	for range 2 {
		_, err := h.engine.Escalate(t.Context(), h.by(ben), id, q.ID)
		require.NoError(t, err)
	}
	for _, to := range []string{commandChannel, cara.User(), hal.User(), ida.User()} {
		told := h.planned(id, to)
		require.Len(t, told, 1, "once, to %s", to)
		require.Contains(t, told[0].Message.Text, "payroll")
	}
	require.Equal(t, campaign.QuestionCount{Open: 1, Escalated: 1}, h.counted(id))

	require.NoError(t, h.engine.FollowThread(t.Context(), h.by(ida), helpChannel, "100.1", "I call the director."))
	require.Equal(t, campaign.QuestionEscalated, h.question(id, q).Status)
	_, err := h.engine.Answer(t.Context(), h.by(hal), id, q.ID)
	require.NoError(t, err)
	require.Equal(t, campaign.QuestionCount{Answered: 1, MedianWait: 52 * time.Minute}, h.counted(id))
}

func TestWhoMayCloseAQuestion(t *testing.T) {
	tests := map[string]struct {
		by      campaign.Person
		refused bool
	}{
		"the asker":       {by: ann},
		"a helper":        {by: hal},
		"the commander":   {by: cara},
		"somebody else":   {by: ben, refused: true},
		"only a reviewer": {by: mei, refused: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			id := h.newCampaign()
			q := h.ask(id, ann, "100.1", "Which jar?")
			_, err := h.engine.Answer(t.Context(), h.by(tt.by), id, q.ID)
			if tt.refused {
				refused(t, err, campaign.Forbidden)
				require.Equal(t, 1, h.counted(id).Open)
				return
			}
			require.NoError(t, err)
			require.Equal(t, 1, h.counted(id).Answered)
		})
	}
}

func TestStaleButtonsOfAnAnsweredQuestion(t *testing.T) {
	h := newHouse(t)
	id := h.newCampaign()
	q := h.ask(id, ann, "100.1", "Which jar?")
	pressed := h.by(ann)
	for range 2 { // the press was delivered two times
		_, err := h.engine.Answer(t.Context(), pressed, id, q.ID)
		require.NoError(t, err)
	}
	_, err := h.engine.Answer(t.Context(), h.by(ann), id, q.ID)
	refused(t, err, campaign.Conflict)
	_, err = h.engine.Escalate(t.Context(), h.by(ann), id, q.ID)
	refused(t, err, campaign.Conflict)
	_, err = h.engine.Answer(t.Context(), h.by(ann), id, "nosuchquestion")
	refused(t, err, campaign.NotFound)
	require.Equal(t, 1, h.counted(id).Answered)
}

func TestHelperSuggestsAnAnswer(t *testing.T) {
	h := newHouse(t)
	id := h.newCampaign()
	q := h.ask(id, ann, "100.1", "Which jar?")
	_, err := h.engine.Suggest(t.Context(), h.by(ben), id, q.ID, "Any.")
	refused(t, err, campaign.Forbidden)
	_, err = h.engine.Suggest(t.Context(), h.by(hal), id, q.ID, "log4j-core <!channel>")
	require.NoError(t, err)
	require.Equal(t, campaign.QuestionSuggested, h.question(id, q).Status)
	var texts []string
	for _, p := range h.planned(id, helpChannel) {
		require.Equal(t, "100.1", p.Thread)
		texts = append(texts, p.Message.Text)
	}
	require.Contains(t, strings.Join(texts, "\n"), "log4j-core &lt;!channel&gt;")
}

func TestOpenQuestionsOldestFirst(t *testing.T) {
	h := newHouse(t)
	id := h.newCampaign()
	var asked []campaign.Question
	for i := range 4 {
		asked = append(asked, h.ask(id, ann, fmt.Sprintf("100.%d", i), "Which jar?"))
		h.clock.advance(time.Minute)
	}
	_, err := h.engine.Answer(t.Context(), h.by(ann), id, asked[1].ID)
	require.NoError(t, err)
	open, err := h.engine.OpenQuestions(t.Context(), id, 2)
	require.NoError(t, err)
	require.Equal(t, []string{asked[0].ID, asked[2].ID}, []string{open[0].ID, open[1].ID})
}

func TestMedianWait(t *testing.T) {
	tests := map[string]struct {
		waits []int // minutes
		want  time.Duration
	}{
		"nobody":             {},
		"one":                {waits: []int{3}, want: 3 * time.Minute},
		"the middle of five": {waits: []int{1, 2, 30, 300, 9}, want: 9 * time.Minute},
		"long ones roughly":  {waits: []int{1234}, want: 1300 * time.Minute},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			id := h.newCampaign()
			for i, minutes := range tt.waits {
				q := h.ask(id, ann, fmt.Sprintf("100.%d", i), "Which jar?")
				h.clock.advance(time.Duration(minutes) * time.Minute)
				_, err := h.engine.Answer(t.Context(), h.by(ann), id, q.ID)
				require.NoError(t, err)
			}
			require.Equal(t, tt.want, h.counted(id).MedianWait)
		})
	}
}

func TestLongQuestionIsKeptInBounds(t *testing.T) {
	h := newHouse(t)
	id := h.newCampaign()
	q := h.ask(id, ann, "100.1", strings.Repeat("ü", 5000))
	require.LessOrEqual(t, len(q.Text), 3000)
	require.True(t, strings.HasSuffix(q.Text, "ü…"))
}
