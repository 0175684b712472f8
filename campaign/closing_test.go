package campaign_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

func TestAskingALeader(t *testing.T) {
	h, id := running(t)
	_, err := h.engine.SendAsk(t.Context(), h.by(ann), id, devi, "waive the freeze", time.Time{})
	refused(t, err, campaign.Forbidden)
	_, err = h.engine.SendAsk(t.Context(), h.by(cara), id, devi, "  ", time.Time{})
	refused(t, err, campaign.Invalid)
	_, err = h.engine.SendAsk(t.Context(), h.by(cara), id, devi, "waive the freeze", monday.Add(-time.Hour))
	refused(t, err, campaign.Invalid)

	_, err = h.engine.SendAsk(t.Context(), h.by(cara), id, devi, "waive the freeze", monday.Add(time.Hour))
	require.NoError(t, err)
	sent := h.planned(id, devi.User())
	require.Len(t, sent, 1)
	ask := strings.TrimPrefix(press(t, sent[0].Message, "ask.grant"), "log4j-rce|")
	require.Regexp(t, "^0001-", ask)
	press(t, sent[0].Message, "ask.decline")

	_, err = h.engine.AnswerAsk(t.Context(), h.by(cara), id, ask, true)
	refused(t, err, campaign.Forbidden)
	for range 2 {
		_, err = h.engine.CallAboutAsk(t.Context(), h.by(devi), id, ask)
		require.NoError(t, err)
	}
	require.Len(t, h.planned(id, commandChannel), 1, "she wants to talk first, and says so once")
	open, err := h.engine.TakeSnapshot(t.Context(), id, "before")
	require.NoError(t, err)
	require.Len(t, open.Asks, 1, "it stands in the digests until it is answered")

	_, err = h.engine.AnswerAsk(t.Context(), h.by(devi), id, ask, true)
	require.NoError(t, err)
	_, err = h.engine.AnswerAsk(t.Context(), h.by(devi), id, ask, false)
	refused(t, err, campaign.Conflict)
	require.Len(t, h.planned(id, commandChannel), 2, "the commander hears the answer")
	answered, err := h.engine.TakeSnapshot(t.Context(), id, "after")
	require.NoError(t, err)
	require.Empty(t, answered.Asks)
}

func TestTwoAsksOfOnePersonAreToldApart(t *testing.T) {
	h, id := running(t, words(t))
	for _, text := range []string{"waive the freeze", "name a deputy"} {
		_, err := h.engine.SendAsk(t.Context(), h.by(cara), id, devi, text, monday.Add(time.Hour))
		require.NoError(t, err)
	}
	h.clock.advance(3 * time.Hour)
	m, err := h.engine.Digest(t.Context(), h.by(cara), id, campaign.ForExecutives)
	require.NoError(t, err)
	require.Contains(t, m.Text, "(1) <@UDEVI>, waive the freeze now: it was due today 10:00 UTC.")
	require.Contains(t, m.Text, "(2) <@UDEVI>, name a deputy now")
	labels := map[string]bool{}
	for _, b := range m.Buttons {
		require.False(t, labels[b.Label], "two buttons %s", b.Label)
		labels[b.Label] = true
	}
}

func TestAnAskEndsWithItsCampaign(t *testing.T) {
	for how, end := range map[string]func(*house, string) error{
		"closed": func(h *house, id string) error {
			var err error
			for range 2 { // and without waiting for proofs
				r := h.by(cara)
				r.Reason = "the rest goes away in January"
				if _, err = h.engine.Close(t.Context(), r, id); err != nil {
					return err
				}
			}
			return err
		},
		"cancelled": func(h *house, id string) error {
			if _, err := h.engine.Cancel(t.Context(), h.by(cara), id); err != nil {
				return err
			}
			_, err := h.engine.Decide(t.Context(), h.by(devi), id, all[campaign.Hold](h, id, campaign.KindRequest)[0].ID, true)
			return err
		},
	} {
		t.Run(how, func(t *testing.T) {
			h, id := running(t, words(t), func(o *campaign.Options) {
				o.Digests = []campaign.DigestSchedule{{Audience: campaign.ForExecutives, Cron: "0 6 * * *", Channel: "C0EXEC"}}
			})
			_, err := h.engine.SendAsk(t.Context(), h.by(cara), id, devi, "waive the freeze", monday.Add(time.Hour))
			require.NoError(t, err)
			_, err = h.engine.SendAsk(t.Context(), h.by(cara), id, devi, "name a deputy", monday.Add(time.Hour))
			require.NoError(t, err)
			asks := all[campaign.Ask](h, id, campaign.KindAsk)
			_, err = h.engine.AnswerAsk(t.Context(), h.by(devi), id, asks[1].ID, true)
			require.NoError(t, err)
			require.NoError(t, end(h, id))
			h.workNumbers()
			require.Equal(t, how, string(h.campaign(id).Status))
			_, err = h.engine.AnswerAsk(t.Context(), h.by(devi), id, asks[0].ID, true)
			require.Contains(t, refused(t, err, campaign.Conflict), "log4j RCE has ended, and this is not needed from you any more")
			require.Contains(t, h.audited(id), "ask.withdraw")
			said := func(to, what string) string {
				told := h.planned(id, to)
				at := slices.IndexFunc(told, func(p planned) bool { return strings.Contains(p.Message.Text, what) })
				require.GreaterOrEqual(t, at, 0, "%s hears %q", to, what)
				return told[at].Message.Text
			}
			require.Contains(t, said(devi.User(), "nothing is needed from you any more"), "You were asked: waive the freeze")
			require.NotContains(t, said(commandChannel, "withdrawn without an answer"), "name a deputy")
			ended := all[campaign.Ask](h, id, campaign.KindAsk)
			require.Equal(t, campaign.AskWithdrawn, ended[0].Status)
			require.Equal(t, campaign.AskGranted, ended[1].Status)
			after, err := h.engine.TakeSnapshot(t.Context(), id, "after")
			require.NoError(t, err)
			require.Empty(t, after.Asks)
			last := h.planned(id, "C0EXEC")
			require.Len(t, last, 1)
			require.NotContains(t, fmt.Sprintf("%+v", last[0].Message), "waive the freeze")
		})
	}
}

func TestAnAskWhoseRecordIsLostIsTakenForNoOther(t *testing.T) {
	h, id := running(t)
	before := h.campaign(id)
	_, err := h.engine.SendAsk(t.Context(), h.by(cara), id, devi, "waive the freeze", monday.Add(time.Hour))
	require.NoError(t, err)
	lost := press(t, h.planned(id, devi.User())[0].Message, "ask.grant")
	h.put(id, campaign.KindCampaign, "self", before) // the store lost its last second
	_, err = h.engine.SendAsk(t.Context(), h.by(cara), id, devi, "name an owner", monday.Add(time.Hour))
	require.NoError(t, err)
	asks := h.planned(id, devi.User())
	require.Len(t, asks, 2, "the second message goes out as well")
	require.NotEqual(t, press(t, asks[0].Message, "ask.grant"), press(t, asks[1].Message, "ask.grant"))
	require.Contains(t, []string{press(t, asks[0].Message, "ask.grant"), press(t, asks[1].Message, "ask.grant")}, lost)
}

func TestAMilestoneIsAPersonsWord(t *testing.T) {
	reason := func(r campaign.Request, why string) campaign.Request { r.Reason = why; return r }
	h, id := running(t, words(t))
	_, err := h.engine.Declare(t.Context(), h.by(cara), id, "contained")
	require.Contains(t, refused(t, err, campaign.Conflict), "still open and facing the internet: 1 task")
	_, err = h.engine.Declare(t.Context(), h.by(cara), id, "won")
	refused(t, err, campaign.Invalid)
	_, err = h.engine.Declare(t.Context(), h.by(cara), id, "closed")
	refused(t, err, campaign.Invalid)
	_, err = h.engine.Declare(t.Context(), reason(h.by(ann), "I say so"), id, "contained")
	refused(t, err, campaign.Forbidden)
	require.Empty(t, h.campaign(id).Milestones)

	m, err := h.engine.Declare(t.Context(), reason(h.by(cara), "checkout is behind the VPN since nine"), id, "Contained")
	require.NoError(t, err)
	require.Contains(t, m.Text, "behind the VPN")
	require.Contains(t, m.Text, "Unknown: 2 of 10 services unchecked", "what is unknown is said beside it")
	declared := h.campaign(id).Milestones
	require.Len(t, declared, 1)
	require.Equal(t, "1 of 4 known done, 1 of 3 internet-facing, 2 unknown", declared[0].Numbers)
	require.Len(t, h.planned(id, helpChannel), 1)
	digest, err := h.engine.Digest(t.Context(), h.by(cara), id, campaign.ForExecutives)
	require.NoError(t, err)
	require.Contains(t, digest.Text, "declared contained, but open: 1 internet-facing task")

	require.NoError(t, h.engine.MoveTask(t.Context(), h.by(ann), id, "checkout.mitigate", campaign.TaskClaimed))
	_, err = h.engine.Declare(t.Context(), h.by(cara), id, "contained")
	require.NoError(t, err, "nothing speaks against it now")
}

// settle finishes all that can be, so that nothing is open or unknown.
func settle(t *testing.T, h *house, id string) {
	t.Helper()
	move := func(to campaign.TaskStatus, tasks ...string) {
		for _, task := range tasks {
			require.NoError(t, h.engine.MoveTask(t.Context(), h.by(ann), id, task, to))
		}
	}
	move(campaign.TaskVerified, "checkout.mitigate", "checkout.fix", "ledger.mitigate", "ledger.fix")
	move(campaign.TaskNotAffected, "cron.mitigate", "cron.fix", "mail.mitigate", "mail.fix")
}

func TestClosing(t *testing.T) {
	because := func(r campaign.Request) campaign.Request { r.Reason = "the rest goes away in January"; return r }
	t.Run("not while work is open and nobody says why", func(t *testing.T) {
		h, id := running(t)
		_, err := h.engine.Close(t.Context(), h.by(cara), id)
		require.Contains(t, refused(t, err, campaign.Conflict), "4 tasks still open and 2 services that nobody has checked")
		require.Equal(t, campaign.Running, h.campaign(id).Status)
		_, err = h.engine.Close(t.Context(), because(h.by(ann)), id)
		refused(t, err, campaign.Forbidden)
	})
	t.Run("with everything proven", func(t *testing.T) {
		h, id := running(t, words(t))
		settle(t, h, id)
		require.NoError(t, h.engine.MoveTask(t.Context(), h.by(ann), id, "gateway.fix", campaign.TaskVerified))
		_, err := h.engine.Close(t.Context(), h.by(cara), id)
		require.NoError(t, err)
		require.Equal(t, campaign.Closing, h.campaign(id).Status)
		h.workNumbers()
		c := h.campaign(id)
		require.Equal(t, campaign.Closed, c.Status)
		require.Equal(t, campaign.MilestoneClosed, c.Milestones[0].Name)
		require.Len(t, h.planned(id, commandChannel), 1)
		require.Contains(t, h.planned(id, helpChannel)[0].Message.Text, "is closed")
		report, err := h.engine.Report(t.Context(), id)
		require.NoError(t, err)
		require.Empty(t, report.NotKnown)
		_, err = h.engine.Close(t.Context(), h.by(cara), id)
		refused(t, err, campaign.Conflict)
	})
	t.Run("it waits for the proof of claims", func(t *testing.T) {
		h, id := running(t)
		settle(t, h, id)
		_, err := h.engine.Close(t.Context(), h.by(cara), id)
		require.NoError(t, err)
		h.pass(time.Hour, time.Minute)
		require.Equal(t, campaign.Closing, h.campaign(id).Status)
		require.NoError(t, h.engine.MoveTask(t.Context(), h.by(ann), id, "gateway.fix", campaign.TaskVerified))
		h.pass(time.Minute, 10*time.Second)
		require.Equal(t, campaign.Closed, h.campaign(id).Status)
	})
	t.Run("without the proof, for a reason", func(t *testing.T) {
		h, id := running(t)
		settle(t, h, id)
		_, err := h.engine.Close(t.Context(), h.by(cara), id)
		require.NoError(t, err)
		_, err = h.engine.Close(t.Context(), h.by(cara), id)
		refused(t, err, campaign.Conflict)
		_, err = h.engine.Close(t.Context(), because(h.by(cara)), id)
		require.NoError(t, err)
		h.workNumbers()
		require.Equal(t, campaign.Closed, h.campaign(id).Status)
		report, err := h.engine.Report(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, 1, report.ClaimsUnverified)
		require.Equal(t, []string{"Claims without a proof: 1"}, report.NotKnown)
	})
	t.Run("what reopens brings it back", func(t *testing.T) {
		h, id := running(t)
		settle(t, h, id)
		_, err := h.engine.Close(t.Context(), h.by(cara), id)
		require.NoError(t, err)
		h.pass(time.Minute, 10*time.Second)
		r := h.by(ann)
		r.Reason = "the scan still sees it"
		require.NoError(t, h.engine.MoveTask(t.Context(), r, id, "checkout.fix", campaign.TaskInProgress))
		h.pass(time.Minute, 10*time.Second)
		require.Equal(t, campaign.Running, h.campaign(id).Status)
		require.Contains(t, h.audited(id), "campaign.reopen")
		_, err = h.engine.Close(t.Context(), because(h.by(cara)), id)
		require.NoError(t, err, "and it can be closed again")
	})
	t.Run("much left needs a second person", func(t *testing.T) {
		h, id := running(t, func(o *campaign.Options) { o.Brakes.SecondPersonAbove = 2 })
		reply, err := h.engine.Close(t.Context(), because(h.by(cara)), id)
		require.NoError(t, err)
		require.Contains(t, reply.Text, "second person")
		require.Equal(t, campaign.Running, h.campaign(id).Status)
		hold := all[campaign.Hold](h, id, campaign.KindRequest)[0]
		_, err = h.engine.Decide(t.Context(), h.by(cara), id, hold.ID, true)
		refused(t, err, campaign.Forbidden)
		_, err = h.engine.Decide(t.Context(), h.by(devi), id, hold.ID, true)
		require.NoError(t, err)
		require.Equal(t, campaign.Closing, h.campaign(id).Status)
	})
	t.Run("a paused one is resumed first", func(t *testing.T) {
		h, id := running(t)
		_, err := h.engine.Pause(t.Context(), h.by(cara), id)
		require.NoError(t, err)
		_, err = h.engine.Close(t.Context(), because(h.by(cara)), id)
		require.Contains(t, refused(t, err, campaign.Conflict), "resume")
	})
}

func TestTheClosingReport(t *testing.T) {
	h, id := running(t, words(t), scheduled)
	require.NoError(t, h.engine.Heartbeat(t.Context()))
	h.pass(3*time.Hour, time.Hour)
	void := h.campaign(id)
	void.Void = []campaign.VoidMethod{{Track: "mitigate", Method: campaign.MethodFlag, By: cara, At: h.clock.Now(), Reason: "it does not protect"}}
	h.put(id, campaign.KindCampaign, "self", void)
	require.NoError(t, h.engine.MoveTask(t.Context(), h.by(ann), id, "gateway.fix", campaign.TaskVerified))
	r := h.by(cara)
	r.Reason = "the <rest> goes away in January"
	_, err := h.engine.Close(t.Context(), r, id)
	require.NoError(t, err)
	h.pass(time.Minute, time.Second)
	require.Equal(t, campaign.Closed, h.campaign(id).Status)

	report, err := h.engine.Report(t.Context(), id)
	require.NoError(t, err)
	again, err := h.engine.Report(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, report, again, "it is kept as it was")
	require.Equal(t, 2, report.Unknown)
	require.Equal(t, 10, report.Services)
	require.Equal(t, 3, report.Digests)
	require.Equal(t, []campaign.MethodCount{{Track: "fix", Method: campaign.MethodUpdated, Count: 1}}, report.Methods)
	require.Equal(t, []string{"Services that nobody checked, so that it is not known whether they are affected: 2", "Tasks left open: 4"}, report.NotKnown)
	var what []string
	for _, e := range report.Timeline {
		what = append(what, e.What)
	}
	require.Equal(t, []string{"created", "launched", "method void on mitigate: flag", "closed"}, what)
	data, err := json.Marshal(report)
	require.NoError(t, err)
	require.Contains(t, string(data), `"claims_unverified":0`)

	text, err := h.engine.ReportMarkdown(t.Context(), id)
	require.NoError(t, err)
	for _, want := range []string{"# log4j RCE: closing report", "## What is not known", "nobody checked", "`flag`", "the &lt;rest&gt; goes away", "Unknown at the end: 2 of 10 services"} {
		require.Contains(t, text, want)
	}
	t.Log("\n" + text)
}

func TestWhatIsOverPromisesNoDigest(t *testing.T) {
	h, id := running(t, words(t), scheduled)
	c := h.campaign(id)
	c.Plan = "counted"
	h.put(id, campaign.KindCampaign, "self", c)
	status, err := h.engine.Status(t.Context(), id)
	require.NoError(t, err)
	require.Contains(t, status.Text, "Next digest")
	c.Status = campaign.Closed
	h.put(id, campaign.KindCampaign, "self", c)
	status, err = h.engine.Status(t.Context(), id)
	require.NoError(t, err)
	require.NotContains(t, status.Text, "Next digest")
}

func TestExecutivesHearThatItIsOver(t *testing.T) {
	h, id := running(t, func(o *campaign.Options) {
		o.Digests = []campaign.DigestSchedule{{Audience: campaign.ForExecutives, Cron: "0 6 * * *", Channel: "C0EXEC"}}
	})
	settle(t, h, id)
	require.NoError(t, h.engine.MoveTask(t.Context(), h.by(ann), id, "gateway.fix", campaign.TaskVerified))
	_, err := h.engine.Close(t.Context(), h.by(cara), id)
	require.NoError(t, err)
	h.workNumbers()
	require.Equal(t, campaign.Closed, h.campaign(id).Status)
	said := h.planned(id, "C0EXEC")
	require.Len(t, said, 1)
	require.Contains(t, said[0].Message.Text, `"Over":true`)
	require.Contains(t, said[0].Message.Text, `"State":"closed"`)
	require.Contains(t, said[0].Message.Text, `"Next":"0001-01-01T00:00:00Z"`)
	h.clock.advance(48 * time.Hour)
	h.workNumbers()
	require.Len(t, h.planned(id, "C0EXEC"), 1, "and nothing after it")
}
