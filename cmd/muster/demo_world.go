package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/musterbot/muster/bot/fakeslack"
	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/inventory"
	"github.com/musterbot/muster/campaign/ownership"
	"github.com/musterbot/muster/campaign/sample"
	"github.com/musterbot/muster/configs"
	"github.com/musterbot/muster/configs/secret"
)

// demoStart is when Log4Shell became known: a Friday, shortly after midnight UTC,
// towards noon in Sydney.
var demoStart = time.Date(2021, 12, 10, 0, 30, 0, 0, time.UTC)

// demoWorld is what stands around Muster in the demo: a workspace, a company and
// a clock. Muster itself is the real program.
type demoWorld struct {
	ws      *fakeslack.Workspace
	clock   *sceneClock
	company *sample.Company
	folder  string // everything that is kept stands in it, and goes with it
	app     *app
	room    string // the channel from which the campaign is steered

	// The security people. Owners come from the company's catalog.
	cara, devi  *fakeslack.Person            // commander and deputy
	mei, tom    *fakeslack.Person            // reviewers
	aoife, ravi *fakeslack.Person            // help desk
	dana        *fakeslack.Person            // chief executive
	owners      map[string]*fakeslack.Person // by e-mail
	narrate     func(string)
	breathe     func(time.Duration) // lets a visitor read; nothing when headless
}

// newDemoWorld opens the workspace, makes the company up and starts Muster in a
// folder.
func newDemoWorld(ctx context.Context, std streams, folder string, o demoOptions) (*demoWorld, error) {
	company, err := sample.New(sample.Options{Seed: o.seed})
	if err != nil {
		return nil, err
	}
	d := &demoWorld{company: company, folder: folder, clock: newSceneClock(demoStart, o.factor), owners: map[string]*fakeslack.Person{}}
	d.ws, err = fakeslack.Start(fakeslack.Options{
		Addr: o.listen, Now: d.clock.Now, Team: "Acme", TriggerLife: 365 * 24 * time.Hour,
		// Any page in the visitor's browser can reach this address: let none of them guess.
		BotToken: "xoxb-" + rand.Text(), AppToken: "xapp-" + rand.Text(), SigningSecret: rand.Text(),
		Pace: fakeslack.Pace{Scale: o.factor},
	})
	if err != nil {
		return nil, err
	}
	if err := d.people(); err != nil {
		d.ws.Close()
		return nil, err
	}
	d.app, err = startApp(ctx, appOptions{
		Config: d.config(folder, o), Clock: d.clock, PaceFactor: o.factor, Log: o.log(std), Stagger: 100 * time.Millisecond,
		Work: func(w *campaign.WorkOptions) { w.Seal = 2 * time.Minute },
	})
	if err != nil {
		d.ws.Close()
		return nil, err
	}
	return d, nil
}

// people lets everybody join the workspace.
func (d *demoWorld) people() error {
	staff := func(name, real, title, zone string) *fakeslack.Person {
		return d.ws.AddUser(name, fakeslack.Profile{RealName: real, Title: title, TZ: zone, Email: name + "@security.acme.example"})
	}
	d.cara = staff("cara", "Cara Doyle", "Security lead, commander", "Europe/Dublin")
	d.devi = staff("devi", "Devi Rao", "Security lead, deputy", "Asia/Kolkata")
	d.mei = staff("mei", "Mei Chen", "Security engineer, reviewer", "Australia/Sydney")
	d.tom = staff("tom", "Tom Baker", "Service engineer, reviewer", "America/New_York")
	d.aoife = staff("aoife", "Aoife Byrne", "Help desk", "Europe/Dublin")
	d.ravi = staff("ravi", "Ravi Menon", "Help desk", "Asia/Kolkata")
	d.dana = staff("dana", "Dana Novak", "Chief executive", "America/New_York")
	for _, m := range d.company.People() {
		handle, _, _ := strings.Cut(m.Email, "@")
		d.owners[m.Email] = d.ws.AddUser(handle, fakeslack.Profile{RealName: m.Name, Email: m.Email, TZ: m.Zone, Title: "Engineer"})
	}
	security := []*fakeslack.Person{d.cara, d.devi, d.mei, d.tom, d.aoife, d.ravi}
	d.room = d.ws.AddChannel("security-war-room", security...)
	d.ws.AddChannel("executives", d.dana, d.cara)
	d.ws.AddChannel("leads", d.cara, d.devi)
	for _, channel := range []string{"security-war-room", "executives", "leads"} {
		if err := d.cara.Invites(channel, d.ws.BotUserID()); err != nil {
			return fmt.Errorf("invite muster into %s: %w", channel, err)
		}
	}
	return nil
}

// config is what an operator would write, with the waits of the scaled clock.
func (d *demoWorld) config(folder string, o demoOptions) configs.Config {
	c := configs.Default()
	c.Store = secret.NewURL("bolt://" + filepath.Join(folder, "muster.db"))
	c.Listen = "127.0.0.1:0"
	c.Company, c.TimeZone = "Acme", "UTC"
	c.Slack.Mode = "socket"
	c.Slack.BotToken, c.Slack.AppToken = secret.New(d.ws.BotToken()), secret.New(d.ws.AppToken())
	c.Slack.APIURL = d.ws.APIURL()
	c.Roles = configs.Roles{
		Commander: []string{d.cara.ID, d.devi.ID}, Reviewer: []string{d.mei.ID, d.tom.ID}, Helper: []string{d.aoife.ID, d.ravi.ID},
		Executive: []string{d.dana.ID}, Auditor: []string{d.cara.ID},
	}
	c.CommandChannel = "security-war-room"
	c.Digests = []configs.Digest{
		{Audience: "leads", Schedule: "0 5,11,17,23 * * *", TimeZone: "UTC", Channel: "leads"},
		{Audience: "executives", Schedule: "0 6,12,18 * * *", TimeZone: "UTC", Channel: "executives"},
	}
	c.Work.Poll = 20 * time.Millisecond
	c.Work.Heartbeat = 5 * time.Minute
	return c
}

// importCatalog writes the company's catalog files and imports them.
func (d *demoWorld) importCatalog(ctx context.Context) error {
	folder := filepath.Join(d.folder, "catalog")
	if err := d.company.WriteCatalog(folder); err != nil {
		return fmt.Errorf("write catalog: %w", err)
	}
	catalog, _, err := ownership.Read([]string{folder}, nil)
	if err != nil {
		return fmt.Errorf("read catalog: %w", err)
	}
	if _, err := d.app.engine.ImportCatalog(ctx, campaign.Request{}, catalog); err != nil {
		return fmt.Errorf("import catalog: %w", err)
	}
	return nil
}

// importScans writes what the company's scanners see now, in their formats, and
// imports the files.
func (d *demoWorld) importScans(ctx context.Context) error {
	folder := filepath.Join(d.folder, "inventory")
	if err := d.company.WriteInventory(folder, d.clock.Now()); err != nil {
		return fmt.Errorf("write inventory: %w", err)
	}
	_, err := d.app.engine.ImportScans(ctx, campaign.Request{}, inventory.Reader{}.ReadScans(ctx, []string{folder}))
	if err != nil {
		return fmt.Errorf("import scans: %w", err)
	}
	return nil
}

// close stops Muster first and the workspace last.
func (d *demoWorld) close() error {
	err := d.app.Stop(context.Background())
	d.ws.Close()
	if err != nil {
		return fmt.Errorf("stop muster: %w", err)
	}
	return nil
}
