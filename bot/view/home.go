package view

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/musterbot/muster/campaign"
)

// Bounds of App Home: 100 blocks, of which some are kept for what follows the
// tasks.
const (
	maxHomeBlocks = 100
	maxTaskBlocks = 70
	maxRunning    = 10
	maxChecked    = 40 // tasks of a campaign as checkboxes; more go into selects
)

// HomeView is what App Home shows one person.
type HomeView struct {
	Tasks   []campaign.TaskView     // theirs, of all running campaigns
	Units   []campaign.UnitStanding // their organisation; left out when empty
	Running []campaign.Campaign     // running and paused ones that they may see, newest first
	Zone    *time.Location          // nil: UTC
	Now     time.Time
}

// Home returns App Home: my tasks first, to be picked and said done together,
// then my organisation, then what is running.
func Home(v HomeView) slack.HomeTabViewRequest {
	h := home{now: campaign.LocalTime{Zone: cmp.Or(v.Zone, time.UTC).String(), Now: v.Now}}
	h.tasks(v.Tasks)
	h.units(v.Units)
	h.running(v.Running)
	return slack.HomeTabViewRequest{Type: slack.VTHomeTab, Blocks: slack.Blocks{BlockSet: h.blocks}}
}

type home struct {
	now    campaign.LocalTime
	blocks []slack.Block
}

func (h *home) add(blocks ...slack.Block) { h.blocks = append(h.blocks, blocks...) }

func (h *home) header(text string) { h.add(slack.NewHeaderBlock(plain(text))) }

// actionable returns whether the owner still has something to do.
func actionable(t campaign.Task) bool {
	return t.Status == campaign.TaskOpen || t.Status == campaign.TaskInProgress || t.Status == campaign.TaskUnknown
}

func (h *home) tasks(all []campaign.TaskView) {
	open := slices.Collect(func(yield func(campaign.TaskView) bool) {
		for _, t := range all {
			if actionable(t.Task) && !yield(t) {
				return
			}
		}
	})
	if len(open) == 0 {
		h.header("Nothing is yours to do now")
		if len(all) > 0 {
			h.add(section(fmt.Sprintf("%s done or waiting to be confirmed. Thank you.", count(len(all)))))
		} else {
			h.add(section("No service that you answer for is asked about. Requests and dry runs stand in your direct messages with Muster."))
		}
		return
	}
	h.header(fmt.Sprintf("Yours to do: %s", count(len(open))))
	for _, id := range campaignsOf(open) {
		mine := tasksIn(open, id)
		if room := maxTaskBlocks - len(h.blocks); room < 4 {
			h.add(section(fmt.Sprintf("*%s*: %s more. `/campaign tickets %s` lists them.", campaign.Escape(mine[0].Title), count(len(mine)), campaign.Escape(id))))
			if len(h.blocks) >= maxHomeBlocks-maxRunning-15 {
				return
			}
			continue
		}
		h.campaign(id, mine, len(tasksIn(all, id))-len(mine))
	}
}

// campaign shows one campaign's tasks with the ways to answer for those picked.
func (h *home) campaign(id string, mine []campaign.TaskView, done int) {
	first := slices.MinFunc(mine, func(a, b campaign.TaskView) int { return compareDue(a.Task.Due, b.Task.Due) })
	line := fmt.Sprintf("*%s*: %s to do", campaign.Escape(mine[0].Title), count(len(mine)))
	if done > 0 {
		line += fmt.Sprintf(", %s done or waiting to be confirmed", count(done))
	}
	if by := h.now.By(first.Task.Due); by != "" {
		line += ". The first " + by
	}
	h.add(section(line + "."))

	page, shown := maxChecks, len(mine)
	if len(mine) > maxChecked {
		page = maxOptions
	}
	room := maxTaskBlocks - len(h.blocks) - 2
	shown = min(shown, max(room, 1)*page)
	for n, chunk := range slices.Collect(slices.Chunk(mine[:shown], page)) {
		h.add(h.picker(id, n, chunk, page == maxChecks))
	}
	if shown < len(mine) {
		h.add(section(fmt.Sprintf("And %s more: `/campaign tickets %s`.", count(len(mine)-shown), campaign.Escape(id))))
	}
	h.add(slack.NewActionBlock("home/"+id+"/do",
		slack.NewButtonBlockElement("home.done", id, plain("These are done")).WithStyle(slack.StylePrimary),
		slack.NewButtonBlockElement("home.on_it", id, plain("I'm on these")),
	))
}

// picker offers tasks to be picked: boxes while one can read them, a select where
// they are too many.
func (h *home) picker(id string, n int, chunk []campaign.TaskView, boxes bool) slack.Block {
	block, action := fmt.Sprintf("home/%s/%d", id, n), "home.pick#"+strconv.Itoa(n)
	picks := make([]*slack.OptionBlockObject, 0, len(chunk))
	for _, t := range chunk {
		option := slack.NewOptionBlockObject(t.Task.ID, plain(shorten(t.Task.Name+", "+t.Task.Track, maxOption)), nil)
		if about := h.about(t); about != "" {
			option.Description = plain(shorten(about, maxOption))
		}
		picks = append(picks, option)
	}
	if boxes {
		return slack.NewActionBlock(block, slack.NewCheckboxGroupsBlockElement(action, picks...))
	}
	label := fmt.Sprintf("%s to %s", chunk[0].Task.Name, chunk[len(chunk)-1].Task.Name)
	element := slack.NewOptionsMultiSelectBlockElement(slack.MultiOptTypeStatic, plain("Pick"), action, picks...)
	return slack.NewSectionBlock(mrkdwn(string(campaign.Escape(label))), nil, slack.NewAccessory(element), slack.SectionBlockOptionBlockID(block))
}

// about says what matters most of a task, in a line.
func (h *home) about(t campaign.TaskView) string {
	var words []string
	if t.Task.Exposed {
		words = append(words, "internet-facing")
	}
	if due := h.now.When(t.Task.Due); due != "" {
		if h.now.Late(t.Task.Due) {
			due = "was due " + due
		}
		words = append(words, due)
	}
	switch {
	case t.Task.Blocked != "":
		words = append(words, "blocked: "+t.Task.Blocked)
	case t.Task.Reopened > 0 && t.Task.Reason != "":
		words = append(words, "open again: "+t.Task.Reason)
	case t.Task.Status == campaign.TaskInProgress:
		words = append(words, "in progress")
	case t.Task.Status == campaign.TaskUnknown:
		words = append(words, "nobody has checked it")
	}
	return strings.Join(words, ", ")
}

func (h *home) units(units []campaign.UnitStanding) {
	if len(units) == 0 {
		return
	}
	h.header("My organisation")
	var lines []string
	for _, u := range units[:min(len(units), 15)] {
		lines = append(lines, fmt.Sprintf("• %s: %s left of %s known, %s unknown", campaign.Escape(u.Name), count(u.All.Left()), count(u.All.Known), count(u.Unknown)))
	}
	if len(units) > 15 {
		lines = append(lines, fmt.Sprintf("• and %s more", count(len(units)-15)))
	}
	h.add(sections(strings.Join(lines, "\n"))...)
}

func (h *home) running(campaigns []campaign.Campaign) {
	h.header("Running campaigns")
	if len(campaigns) == 0 {
		h.add(section("None. `/campaign list` shows drafts and those that are over."))
		return
	}
	for _, c := range campaigns[:min(len(campaigns), maxRunning)] {
		text := fmt.Sprintf("*%s*, %s", campaign.Escape(c.Title), strings.ReplaceAll(string(c.Status), "_", " "))
		if c.Commander != "" {
			text += fmt.Sprintf("; %s commands", campaign.Mention(c.Commander))
		}
		if help := campaign.ChannelLink(c.HelpRef); help != "" {
			text += fmt.Sprintf("; help in %s", help)
		}
		button := slack.NewButtonBlockElement("campaign.show", c.ID, plain("Show"))
		h.add(slack.NewSectionBlock(mrkdwn(text), nil, slack.NewAccessory(button)))
	}
	if more := len(campaigns) - maxRunning; more > 0 {
		h.add(section(fmt.Sprintf("And %s more: `/campaign list`.", count(more))))
	}
}

// campaignsOf returns the campaigns of tasks, in their order.
func campaignsOf(tasks []campaign.TaskView) []string {
	var ids []string
	for _, t := range tasks {
		if !slices.Contains(ids, t.Campaign) {
			ids = append(ids, t.Campaign)
		}
	}
	return ids
}

func tasksIn(tasks []campaign.TaskView, id string) []campaign.TaskView {
	var out []campaign.TaskView
	for _, t := range tasks {
		if t.Campaign == id {
			out = append(out, t)
		}
	}
	return out
}

// compareDue puts what has no due time last.
func compareDue(a, b time.Time) int {
	switch {
	case a.IsZero() && b.IsZero():
		return 0
	case a.IsZero():
		return 1
	case b.IsZero():
		return -1
	}
	return a.Compare(b)
}

func count(n int) string { return number(float64(n)) }
