package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/musterbot/muster/bot/fakeslack"
	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/sample"
)

// scene is one part of the story: when it starts, what a visitor is told, and
// what people do. They act in Slack and through imports, as anybody can.
type scene struct {
	after time.Duration // since hour zero
	title string
	play  func(*demoWorld, context.Context) error
}

// story is a Log4Shell campaign, from a name to its closing report.
var story = []scene{
	{0, "Hour zero. There is no advisory and no fix, and a part of the estate is unscanned. Cara starts all the same, with a name.", (*demoWorld).hourZero},
	{20 * time.Minute, "Mitigate now, fix later: the first instructions are written, and two people rehearse them before anybody else sees them. One step is unclear.", (*demoWorld).rehearse},
	{100 * time.Minute, "The second text is executed again, approved, and the plan is frozen. What is sent is what was approved.", (*demoWorld).approve},
	{2 * time.Hour, "The exposed slice goes out first: one ticket per service and owner, one message to each owner's contact.", (*demoWorld).launchExposed},
	{3 * time.Hour, "Owners answer, and ask in the help channel.", (*demoWorld).ownersWork},
	{5 * time.Hour, "The rest follows. People asleep are told in their morning. One press pauses it all, one goes on.", (*demoWorld).launchRest},
	{12 * time.Hour, "Executives read a digest for thirty seconds, and are asked for one thing by name.", (*demoWorld).executives},
	{20 * time.Hour, "The advisory arrives. A fix track joins the same tickets.", (*demoWorld).advisoryArrives},
	{40 * time.Hour, "The advice changes: the flag does not protect. Exactly the claims by that method reopen, with thanks for what was done.", (*demoWorld).voidMethod},
	{66 * time.Hour, "A second hole: the floor moves, and claims below it reopen.", (*demoWorld).floorMoves},
	{92 * time.Hour, "Claims are only claims until a scan agrees. Leads say what nobody scanned.", (*demoWorld).verify},
	{100 * time.Hour, "Command is handed over, milestones are declared with their numbers, and the campaign closes with a report.", (*demoWorld).closeIt},
}

const (
	demoCampaign = "log4shell"
	patience     = time.Minute // real time that a step of the story may take
)

// hourZero starts a campaign with a name pattern alone.
func (d *demoWorld) hourZero(ctx context.Context) error {
	if err := d.importCatalog(ctx); err != nil {
		return err
	}
	if err := d.importScans(ctx); err != nil {
		return err
	}
	return d.types(ctx, d.cara,
		step{`/campaign new "Log4Shell" for log4j-core`, "Log4Shell"},
		step{`/campaign edit exploited yes waiver CHG0012345 deputy <@` + d.devi.ID + `>`, "Log4Shell"},
		step{`/campaign triage`, ""},
		step{`/campaign triage waive "owners of two services are being found"`, "does not hold back"},
	)
}

// rehearse lets two people execute the first text. Step 4 says nothing about how
// to find shaded jars.
func (d *demoWorld) rehearse(ctx context.Context) error {
	if err := d.instruct(ctx, "mitigate", 1, 18*time.Hour); err != nil {
		return err
	}
	if err := d.execute(ctx, "mitigate", d.mei, "ledger", 4); err != nil {
		return err
	}
	return d.instruct(ctx, "mitigate", 2, 0)
}

// approve has the second text executed in full and freezes the plan.
func (d *demoWorld) approve(ctx context.Context) error {
	if err := d.rehearsed(ctx, "mitigate"); err != nil {
		return err
	}
	return d.types(ctx, d.cara, step{`/campaign approve`, "sending cannot be undone"})
}

func (d *demoWorld) launchExposed(ctx context.Context) error {
	if err := d.types(ctx, d.cara, step{`/campaign launch exposed`, "on their way"}); err != nil {
		return err
	}
	return d.quiet(ctx)
}

// questions are what engineers ask, and what they are told.
var questions = []struct{ ask, answer string }{
	{"Does removing the class break our JMX appenders?", "No. JndiLookup serves message look-ups only; appenders do not use it."},
	{"We run log4j 1.2 in one place. Is that ours to do as well?", "Not in this campaign: 1.2 does not have this class. Leave it, and note it for later."},
	{"Can we set the flag now and restart tonight?", "Remove the class if you can: the flag alone may not hold."},
}

// ownersWork lets contacts answer, and three of them ask.
func (d *demoWorld) ownersWork(ctx context.Context) error {
	contacts, err := d.contacts(ctx)
	if err != nil {
		return err
	}
	for i, who := range contacts {
		if err := d.press(ctx, who, "On it"); err != nil {
			return err
		}
		method := campaign.MethodClassRemoved
		if i%3 == 1 {
			method = campaign.MethodFlag
		}
		switch {
		case i%5 == 4:
			err = d.blocked(ctx, who, "The service restarts on Sunday only; the director was asked.")
		default:
			err = d.done(ctx, who, method, "")
		}
		if err != nil {
			return err
		}
		d.breathe(300 * time.Millisecond)
	}
	return d.ask(ctx, contacts)
}

// ask lets owners ask in the help channel; the desk answers two, and one is taken
// to a person.
func (d *demoWorld) ask(ctx context.Context, contacts []*fakeslack.Person) error {
	help := "help-" + demoCampaign
	for i, q := range questions {
		who := contacts[i%len(contacts)]
		if err := who.Joins(help); err != nil {
			return fmt.Errorf("join the help channel: %w", err)
		}
		asked := who.Says(help, q.ask)
		if asked == nil {
			return fmt.Errorf("%s cannot ask in the help channel", who.ID)
		}
		notice, err := d.threadReply(ctx, help, *asked)
		if err != nil {
			return err
		}
		d.breathe(time.Second)
		if i == 1 {
			if seen := who.Presses("Needs a person", notice); !seen.OK() {
				return fmt.Errorf("press Needs a person: %s", seen.Text())
			}
		}
		if d.aoife.RepliesIn(*asked, q.answer) == nil {
			return errors.New("the help desk cannot answer in the help channel")
		}
		if seen := who.Presses("Answered", notice); !seen.OK() {
			return fmt.Errorf("press Answered: %s", seen.Text())
		}
	}
	return nil
}

// launchRest sends the other slice, with a pause in between.
func (d *demoWorld) launchRest(ctx context.Context) error {
	err := d.types(ctx, d.cara, step{`/campaign launch rest`, "on their way"})
	if err != nil {
		return err
	}
	if err := d.types(ctx, d.devi, step{`/campaign pause`, "Paused"}); err != nil {
		return err
	}
	d.breathe(2 * time.Second)
	if err := d.types(ctx, d.devi, step{`/campaign resume`, "goes on"}); err != nil {
		return err
	}
	if err := d.filed(ctx); err != nil {
		return err
	}
	d.clock.leap(demoStart.Add(13 * time.Hour)) // past everybody's morning
	return d.quiet(ctx)
}

// executives asks the chief executive for one thing and lets her grant it.
func (d *demoWorld) executives(ctx context.Context) error {
	if err := d.ownersRest(ctx); err != nil {
		return err
	}
	ask := fmt.Sprintf(`/campaign ask <@%s> "waive the change freeze for six Payments services" by in 8h`, d.dana.ID)
	if err := d.types(ctx, d.cara, step{ask, ""}); err != nil {
		return err
	}
	d.breathe(2 * time.Second)
	if _, err := d.pressInDM(ctx, d.dana, "Grant", fakeslack.Containing("the change freeze for six")); err != nil {
		return err
	}
	return d.digest(ctx, d.cara)
}

// ownersRest lets those answer who were told in their morning.
func (d *demoWorld) ownersRest(ctx context.Context) error {
	contacts, err := d.contacts(ctx)
	if err != nil {
		return err
	}
	for _, who := range contacts {
		if err := d.done(ctx, who, campaign.MethodClassRemoved, ""); err != nil {
			return err
		}
	}
	return d.confirm(ctx, "mitigate")
}

// advisoryArrives attaches the record and adds the fix track to the tickets.
func (d *demoWorld) advisoryArrives(ctx context.Context) error {
	if err := d.attach(ctx, sample.Log4Shell()); err != nil {
		return err
	}
	return d.addTrack(ctx, "fix", 1, 44*time.Hour, "2.15.0")
}

// voidMethod takes back the flag.
func (d *demoWorld) voidMethod(ctx context.Context) error {
	if err := d.types(ctx, d.cara, step{`/campaign void flag on mitigate "the flag does not protect services that format thread context data"`, ""}); err != nil {
		return err
	}
	if err := d.agree(ctx); err != nil {
		return err
	}
	if err := d.quiet(ctx); err != nil {
		return err
	}
	return d.ownersRest(ctx)
}

// floorMoves attaches the follow-up record, sets the backport's floor by hand and
// reopens what is below.
func (d *demoWorld) floorMoves(ctx context.Context) error {
	if err := d.attach(ctx, sample.FollowUp()); err != nil {
		return err
	}
	err := d.types(ctx, d.cara,
		step{`/campaign floor pkg:maven/org.apache.logging.log4j/log4j-core 2.16.0 "2.15.0 leaves a second hole open"`, "counts as fixed"},
		step{`/campaign floor pkg:maven/org.apache.logging.log4j/log4j-core 2.12=2.12.2 "the backport for Java 7"`, "counts as fixed"})
	if err != nil {
		return err
	}
	if err := d.instruct(ctx, "fix", 2, 90*time.Hour); err != nil {
		return err
	}
	if err := d.rehearsed(ctx, "fix"); err != nil {
		return err
	}
	if err := d.types(ctx, d.cara, step{`/campaign approve`, ""}, step{`/campaign rebaseline all`, ""}); err != nil {
		return err
	}
	if err := d.agree(ctx); err != nil {
		return err
	}
	if err := d.quiet(ctx); err != nil {
		return err
	}
	return d.fixAll(ctx, "2.16.0")
}

// verify scans the estate again; leads attest most of what nobody scans.
func (d *demoWorld) verify(ctx context.Context) error {
	if err := d.importScans(ctx); err != nil {
		return err
	}
	if err := d.quiet(ctx); err != nil {
		return err
	}
	unknown, err := d.tasks(ctx, func(t campaign.Task) bool { return t.Status == campaign.TaskUnknown })
	if err != nil {
		return err
	}
	var names []string
	for _, t := range unknown {
		if !slices.Contains(names, t.Name) {
			names = append(names, t.Name)
		}
	}
	for _, name := range names[:max(0, len(names)-2)] { // two leads never answer
		command := fmt.Sprintf(`/campaign attest %s no "searched its images and hosts for log4j-core"`, name)
		if err := d.types(ctx, d.devi, step{command, "attested"}); err != nil {
			return err
		}
	}
	if err := d.confirm(ctx, "mitigate"); err != nil {
		return err
	}
	return d.quiet(ctx)
}

// closeIt hands command over, declares the milestones and closes.
func (d *demoWorld) closeIt(ctx context.Context) error {
	if err := d.types(ctx, d.cara, step{fmt.Sprintf(`/campaign command <@%s>`, d.devi.ID), ""}); err != nil {
		return err
	}
	if _, err := d.pressInDM(ctx, d.devi, "Accept", ours); err != nil {
		return err
	}
	err := d.types(ctx, d.devi, step{`/campaign declare contained`, ""}, step{`/campaign declare fixed`, ""})
	if err != nil {
		return err
	}
	if err := d.digest(ctx, d.devi); err != nil {
		return err
	}
	err = d.types(ctx, d.devi, step{`/campaign close because two leads did not answer; both services are isolated since Friday`, ""})
	if err != nil {
		return err
	}
	if err := d.agreeBy(ctx, d.cara); err != nil {
		return err
	}
	return d.until(ctx, "the campaign to close", func() (bool, error) {
		c, err := d.app.engine.Campaign(ctx, demoCampaign)
		return c.Status == campaign.Closed, err
	})
}

// attach pastes a record into a command.
func (d *demoWorld) attach(ctx context.Context, record []byte) error {
	var compact json.RawMessage
	if err := json.Unmarshal(record, &compact); err != nil {
		return fmt.Errorf("read the sample's record: %w", err)
	}
	text := strings.Join(strings.Fields(string(compact)), " ")
	return d.types(ctx, d.cara, step{"/campaign attach " + text, "attached"})
}

// addTrack writes, rehearses, approves and launches another track, and lets
// owners claim it.
func (d *demoWorld) addTrack(ctx context.Context, track string, revision int, due time.Duration, version string) error {
	if err := d.instruct(ctx, track, revision, due); err != nil {
		return err
	}
	if err := d.rehearsed(ctx, track); err != nil {
		return err
	}
	if err := d.types(ctx, d.cara, step{`/campaign approve`, ""}, step{`/campaign launch all`, ""}); err != nil {
		return err
	}
	if err := d.agree(ctx); err != nil {
		return err
	}
	if err := d.filed(ctx); err != nil {
		return err
	}
	d.clock.leap(d.clock.Now().Add(14 * time.Hour)) // past everybody's morning
	if err := d.quiet(ctx); err != nil {
		return err
	}
	return d.fixAll(ctx, version)
}
