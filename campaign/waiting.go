package campaign

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"
)

// QuestionCount is how a help desk does.
type QuestionCount struct {
	Open      int // asked and not answered, the escalated ones included
	Escalated int
	Answered  int
	// MedianWait is how long half of the people waited for a first reply at
	// most, in whole minutes; from 100 minutes on rounded up to two digits. 0
	// while nobody was replied to.
	MedianWait time.Duration
}

// QuestionCount reads the counters of a campaign's questions.
func (g *Engine) QuestionCount(ctx context.Context, id string) (QuestionCount, error) {
	counters, err := g.opts.Store.Counters(ctx, Scope(id), "question")
	return countQuestions(counters), err
}

// OpenQuestions returns up to limit questions that nobody has answered, the
// oldest first.
func (g *Engine) OpenQuestions(ctx context.Context, id string, limit int) ([]Question, error) {
	hits, err := g.opts.Store.Index(ctx, Scope(id), indexQuestionOpen, "", IndexHit{}, limit)
	if err != nil {
		return nil, err
	}
	questions := make([]Question, 0, len(hits))
	for _, hit := range hits {
		q, _, err := Load[Question](ctx, g.opts.Store, Scope(id), KindQuestion, hit.ID)
		if err != nil {
			return nil, err
		}
		questions = append(questions, q)
	}
	return questions, nil
}

func countQuestions(counters map[string]int64) QuestionCount {
	of := func(s QuestionStatus) int { return int(counters[counterQuestion+string(s)]) }
	return QuestionCount{
		Open:       of(QuestionOpen) + of(QuestionSuggested) + of(QuestionEscalated),
		Escalated:  of(QuestionEscalated),
		Answered:   of(QuestionAnswered),
		MedianWait: medianWait(counters),
	}
}

// waited returns how long the asker waited for a first reply, once that is known.
func (q Question) waited() (time.Duration, bool) {
	switch {
	case !q.RepliedAt.IsZero():
		return q.RepliedAt.Sub(q.AskedAt), true
	case !q.AnsweredAt.IsZero():
		return q.AnsweredAt.Sub(q.AskedAt), true
	}
	return 0, false
}

// waitCounter returns the counter of people who waited about that long: by the
// minute, and from 100 minutes on by two digits, so that there are few of them.
func waitCounter(wait time.Duration) string {
	minutes := int((wait + time.Minute - 1) / time.Minute)
	step := 1
	for minutes/step >= 100 {
		step *= 10
	}
	return counterQuestionWait + strconv.Itoa((minutes+step-1)/step*step)
}

func medianWait(counters map[string]int64) time.Duration {
	var minutes []int
	var total int64
	of := map[int]int64{}
	for name, n := range counters {
		text, ok := strings.CutPrefix(name, counterQuestionWait)
		if m, err := strconv.Atoi(text); ok && err == nil && n > 0 {
			minutes, of[m], total = append(minutes, m), n, total+n
		}
	}
	slices.Sort(minutes)
	for seen, i := int64(0), 0; i < len(minutes); i++ {
		if seen += of[minutes[i]]; 2*seen >= total {
			return time.Duration(minutes[i]) * time.Minute
		}
	}
	return 0
}
