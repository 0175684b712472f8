package action

import (
	"context"
	"strconv"

	"github.com/slack-go/slack"

	"github.com/musterbot/muster/bot/view"
	"github.com/musterbot/muster/campaign"
)

// later is the answer of who does not know yet.
const later = "later"

// checkAttest asks for a time of those who do not know yet, and for one that lies
// ahead.
func (h handlers) checkAttest(f Filled) map[string]string {
	wrong := needs("running", "how")(f)
	until, _ := f.payload.field("until")
	switch {
	case f.text("running") != later:
	case until.At == 0:
		wrong["until"] = "Say by when you will know."
	case !until.time().After(h.Clock.Now()):
		wrong["until"] = "This time has passed."
	}
	return wrong
}

// attest answers for all unknown services of somebody's teams.
func (h handlers) attest(ctx context.Context, f Filled) (campaign.Message, error) {
	id := f.Origin.Campaign
	if until, _ := f.payload.field("until"); f.text("running") == later {
		return h.Engine.Promise(ctx, f.Request, id, []string{"all"}, until.time(), f.text("how"))
	}
	return h.Engine.AttestAll(ctx, f.Request, id, answer(f))
}

// answer reads an owner's word from the form.
func answer(f Filled) campaign.InquiryAnswer {
	a := campaign.InquiryAnswer{Running: f.text("running") != "no", How: f.text("how")}
	if until, _ := f.payload.field("until"); f.text("running") == later {
		a.Until = until.time()
	}
	if only, _ := f.payload.field("only"); a.Until.IsZero() {
		for _, o := range only.Selected {
			a.Only = append(a.Only, o.Value)
		}
	}
	return a
}

func (h handlers) inquiryForm(ctx context.Context, p Press) (*slack.ModalViewRequest, error) {
	q, err := h.Engine.Inquiry(ctx, p.Campaign, p.first())
	if err != nil || !q.Open() {
		return nil, err
	}
	v := view.AttestModal(view.AttestForm{Callback: "inquiry.answer", IDs: q.Targets, Names: q.Names, Private: p.origin(q.ID)})
	return &v, nil
}

func (h handlers) answerInquiry(ctx context.Context, f Filled) (campaign.Message, error) {
	return h.Engine.AnswerInquiry(ctx, f.Request, f.Origin.Campaign, f.Origin.Value, answer(f))
}

func (h handlers) inquiryNotOurs(ctx context.Context, p Press) (campaign.Message, error) {
	return h.Engine.AnswerInquiry(ctx, p.Request, p.Campaign, p.first(), campaign.InquiryAnswer{NotOurs: true})
}

func (h handlers) askOwners(ctx context.Context, p Press) (campaign.Message, error) {
	return h.Engine.AskOwners(ctx, p.Request, p.Campaign, campaign.InquiryAbout(p.first()), []string{"all"})
}

func (h handlers) settleOwner(ctx context.Context, p Press) (campaign.Message, error) {
	if len(p.Rest) < 2 {
		return campaign.Message{}, staleButton()
	}
	return h.Engine.SettleOwner(ctx, p.Request, p.Campaign, p.first(), p.Rest[1])
}

func (h handlers) forgetRule(ctx context.Context, p Press) (campaign.Message, error) {
	number, err := strconv.Atoi(p.first())
	if err != nil {
		return campaign.Message{}, staleButton()
	}
	return h.Engine.ForgetTriageRule(ctx, p.Request, p.Campaign, number)
}
