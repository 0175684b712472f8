package main

import (
	"context"
	"fmt"
	"time"

	"github.com/musterbot/muster/bot/fakeslack"
)

// present opens the page and tells the visitor what to do there; headless, it only
// sets where the story is told.
func (d *demoWorld) present(std streams, o demoOptions) error {
	d.breathe = func(time.Duration) {}
	story := std.out
	if o.format == "json" {
		story = std.err // so that what is printed is JSON
	}
	say := func(text string) { fmt.Fprintf(story, "%s  %s\n", d.clock.Now().Format("Mon 15:04"), plain(text)) }
	if o.headless {
		d.narrate = say
		return nil
	}
	page, err := d.ws.ServePage(fakeslack.PageOptions{
		Title: "A Log4Shell campaign",
		Steps: []string{
			"A campaign plays by itself; what happens is told below. Join in whenever you like.",
			"Choose whom you act as, at the top. *Cara* commands, *Aoife* helps, *Dana* is the chief executive; all others own services.",
			"Type `/campaign status` in #security-war-room, or `/campaign help`.",
			"As an owner, open the direct messages with Muster and press a button.",
		},
		Cast: []fakeslack.Actor{
			{Who: "cara", Role: "commander"},
			{Who: "devi", Role: "deputy"},
			{Who: "mei", Role: "reviewer"},
			{Who: "aoife", Role: "help desk"},
			{Who: "dana", Role: "chief executive"},
		},
		Start:  "security-war-room",
		Panels: []fakeslack.Panel{{Name: "Tickets", Rows: d.ticketRows}},
	})
	if err != nil {
		return err
	}
	d.narrate = func(text string) { say(text); page.Narrate(text) }
	d.breathe = time.Sleep
	fmt.Fprintf(story, `Muster plays a Log4Shell campaign for you: two minutes, a hundred hours.

  Open %s

Act as anybody (at the top), type /campaign help, press the buttons. Stop it with Ctrl-C.

`, page.URL())
	d.breathe(4 * time.Second) // time to open the page
	return nil
}

// ticketRows are the tracker's tickets, for the page.
func (d *demoWorld) ticketRows() [][]string {
	rows := [][]string{{"Ticket", "Title", "Assignee", "Status", "Due"}}
	for t, err := range d.app.tickets.All(context.Background()) {
		if err != nil {
			return append(rows, []string{"", "The tickets cannot be read: " + err.Error()})
		}
		rows = append(rows, []string{t.Name(), t.Title, t.Assignee, string(t.Status), t.Due.Format("2 Jan 15:04 MST")})
	}
	return rows
}

// plain takes the mark-up out of a line for the terminal.
func plain(text string) string {
	out := make([]rune, 0, len(text))
	for _, r := range text {
		if r != '*' && r != '`' {
			out = append(out, r)
		}
	}
	return string(out)
}
