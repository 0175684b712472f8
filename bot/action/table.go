package action

import (
	"context"

	"github.com/musterbot/muster/bot/command"
	"github.com/musterbot/muster/campaign"
)

// handlers carries out the rows of the tables.
type handlers struct{ Options }

// actions is the table of buttons. Where a row has no role, the domain checks
// whose the thing is that the button is about.
func (h handlers) actions() []Action {
	return []Action{
		{Name: "task.on_it", Owners: true, Run: h.onIt},
		{Name: "task.done", Owners: true, Form: h.doneForm, Run: nothingLeft},
		{Name: "task.blocked", Owners: true, Form: h.blockedForm, Run: nothingLeft},
		{Name: "task.not_ours", Owners: true, Form: h.notOursForm, Run: nothingLeft},
		{Name: "task.show_all", Run: h.showAll},
		{Name: "task.how", Owners: true, Run: h.how},
		{Name: "task.not_done", Owners: true, Run: h.notDone},
		{Name: "reassign.accept", Owners: true, Run: h.acceptWork},
		{Name: "reassign.decline", Owners: true, Form: h.declineWorkForm, Run: nothingLeft},
		{Name: "reassign.other", Owners: true, Form: h.otherOwnerForm, Run: nothingLeft},
		{Name: "reassign.settle", Role: campaign.Commander, Run: h.settleWork},
		{Name: "inquiry.answer", Owners: true, Form: h.inquiryForm, Run: nothingLeft},
		{Name: "inquiry.not_ours", Owners: true, Run: h.inquiryNotOurs},
		{Name: "inquiry.ask", Role: campaign.Commander, Run: h.askOwners},
		{Name: "owner.settle", Role: campaign.Commander, Run: h.settleOwner},
		{Name: "triage.forget", Role: campaign.Commander, Run: h.forgetRule},
		{Name: "odd.report", Form: h.oddForm, Run: nothingLeft},

		{Name: "dryrun.start", Run: h.startTimer},
		{Name: "dryrun.worked", Run: h.stepWorked},
		{Name: "dryrun.unclear", Form: h.commentForm, Run: nothingLeft},
		{Name: "dryrun.failed", Form: h.commentForm, Run: nothingLeft},
		{Name: "dryrun.approve", Run: h.approveText},
		{Name: "dryrun.changes", Form: h.commentForm, Run: nothingLeft},

		{Name: "question.answered", Run: h.answered},
		{Name: "question.escalate", Run: h.escalate},

		{Name: "launch.slice", Role: campaign.Commander, Sure: true, Run: h.launchSlice},
		{Name: "launch.next", Role: campaign.Commander, Sure: true, Run: h.launchNext},
		{Name: "plan.pilot", Role: campaign.Commander, Run: h.pickPilot},
		{Name: "plan.show", Run: h.showPlan},
		{Name: "campaign.show", Run: h.showCampaign},
		{Name: "brake.pause", Role: campaign.Commander, Run: h.pause},
		{Name: "brake.resume", Role: campaign.Commander, Run: h.resume},
		{Name: "request.decide", Role: campaign.Commander, Sure: true, Run: h.decide},
		{Name: "ticket.refile", Role: campaign.Commander, Run: h.refile},
		{Name: "effect.retry", Role: campaign.Commander, Run: h.retry},

		{Name: "ask.grant", Run: h.grantAsk},
		{Name: "ask.call", Run: h.callMe},
		{Name: "ask.decline", Run: h.declineAsk},
		{Name: "digest.send", Role: campaign.Commander, Run: h.sendDigest},
		{Name: "digest.organisation", Run: h.byOrganisation},

		{Name: "command.accept", Run: h.acceptCommand},
		{Name: "command.decline", Run: h.declineCommand},
		{Name: command.ActionRun, Form: h.commandForm, Run: h.runCommand},

		{Name: "home.on_it", Run: h.homeOnIt},
		{Name: "home.done", Form: h.homeDoneForm, Run: h.nothingPicked},
	}
}

// forms is the table of forms. Everything that they carry is checked again by
// the domain.
func (h handlers) forms() []Form {
	return []Form{
		{Callback: "campaign.new", Role: campaign.Commander, Check: checkNew, Run: h.newCampaign},
		{Callback: "campaign.edit", Role: campaign.Commander, Check: checkEdit, Run: h.editCampaign},
		{Callback: "campaign.track", Role: campaign.Commander, Check: h.checkTrack, Run: h.setTrack},
		{Callback: "campaign.attach", Role: campaign.Commander, Check: checkAttach, Run: h.attach},
		{Callback: "campaign.attest", Check: h.checkAttest, Run: h.attest},
		{Callback: "inquiry.answer", Owners: true, Check: h.checkAttest, Run: h.answerInquiry},
		{Callback: "task.done", Owners: true, Check: needs("method"), Run: h.done},
		{Callback: "task.blocked", Owners: true, Check: needs("reason"), Run: h.blocked},
		{Callback: "task.not_ours", Owners: true, Run: h.notOurs},
		{Callback: "reassign.other", Owners: true, Check: needsOwner, Run: h.otherOwner},
		{Callback: "reassign.decline", Owners: true, Check: needs("reason"), Run: h.declineWork},
		{Callback: "dryrun.comment", Check: needs("comment"), Run: h.comment},
		{Callback: "odd.report", Check: needs("text"), Private: h.odd},
	}
}

// nothingLeft answers a button whose form would have nothing to ask about.
func nothingLeft(context.Context, Press) (campaign.Message, error) {
	return campaign.Message{Text: "Nothing of this is left to do: it is done, waits to be confirmed, or belongs to others by now. `/campaign tickets` shows what is yours.", Ephemeral: true}, nil
}
