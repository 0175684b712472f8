package sample

import (
	"fmt"
	"strings"

	"github.com/musterbot/muster/campaign"
)

// Zones are where the company works; a team is in one of them.
var Zones = []string{"Australia/Sydney", "Europe/Dublin", "Asia/Kolkata", "America/New_York"}

var (
	firstNames = []string{
		"Mei", "Tom", "Aoife", "Priya", "Dana", "Arjun", "Grace", "Liam", "Noor", "Ines", "Kofi", "Sana", "Ruth", "Hugo", "Yuki", "Omar",
		"Elsa", "Ravi", "Nina", "Sean", "Lucia", "Ivan", "Zoe", "Amir", "Maeve", "Theo", "Asha", "Paul", "Lena", "Jack", "Anika", "Finn", "Rosa",
	}
	lastNames = []string{
		"Lin", "Byrne", "Shah", "Okafor", "Reyes", "Novak", "Silva", "Walsh", "Iyer", "Haddad", "Kim", "Moreau", "Costa", "Nair", "Quinn", "Berg",
		"Adler", "Sato", "Mbeki", "Ortiz", "Rao", "Keane", "Young", "Dubois", "Patel", "Hayes", "Marsh", "Ferris", "Gallo",
	}
	teamNames = []string{
		"Payments", "Storefront", "Search", "Fulfilment", "Identity", "Platform", "Data", "Risk", "Partners", "Mobile", "Finance Systems", "Observability",
	}
	vpNames = []string{"Commerce", "Operations", "Technology"}
)

const domain = "acme.example"

// unit is a group of the company before it is written anywhere.
type unit struct {
	campaign.Unit
	people []campaign.Member
}

func slug(name string) string { return strings.ReplaceAll(strings.ToLower(name), " ", "-") }

func numbered(names []string, i int) string {
	if i < len(names) {
		return names[i]
	}
	return fmt.Sprintf("%s %d", names[i%len(names)], i/len(names)+1)
}

func groupRef(name string) string { return "group:default/" + slug(name) }

func (c *Company) teamRef(i int) string { return groupRef("team " + numbered(teamNames, i)) }

// person returns the company's n-th person. The two lists have no common
// divisor, so names repeat only after their product, and then get a number.
func person(n int, zone string) campaign.Member {
	first, last := firstNames[n%len(firstNames)], lastNames[n%len(lastNames)]
	name, mail := first+" "+last, strings.ToLower(first+"."+last)
	if round := n / (len(firstNames) * len(lastNames)); round > 0 {
		name, mail = fmt.Sprintf("%s %d", name, round+1), fmt.Sprintf("%s.%d", mail, round+1)
	}
	return campaign.Member{Ref: "user:default/" + mail, Name: name, Email: mail + "@" + domain, Zone: zone}
}

// units calls visit for the company as it is on a day, its VPs, directors and teams, parents
// first, until visit returns an error.
func (c *Company) units(day int, visit func(unit) error) error {
	next := 0
	hire := func(zone string) campaign.Member {
		next++
		return person(next-1, zone)
	}
	root := unit{Unit: campaign.Unit{Ref: groupRef("acme"), Name: "Acme", Type: "organization"}}
	root.lead(hire(Zones[3]), hire(Zones[1])) // CEO and CISO
	if err := visit(root); err != nil {
		return err
	}
	for i := range c.opts.VPs {
		u := unit{Unit: campaign.Unit{Ref: c.vpRef(i), Name: numbered(vpNames, i), Type: "department", Parent: root.Ref}}
		u.lead(hire(Zones[(i+1)%len(Zones)]))
		if err := visit(u); err != nil {
			return err
		}
	}
	for i := range c.opts.Directors {
		u := unit{Unit: campaign.Unit{Ref: c.directorRef(i), Name: fmt.Sprintf("Area %d", i+1), Type: "area", Parent: c.vpRef(i % c.opts.VPs)}}
		u.lead(hire(Zones[(i+2)%len(Zones)]))
		if err := visit(u); err != nil {
			return err
		}
	}
	var moved []campaign.Member // from a team that was merged into the next one
	for i := range c.opts.Teams {
		u := c.team(i, hire)
		if c.merged(i, day) != i {
			moved = u.people
			continue
		}
		for _, p := range moved {
			u.people, u.Members = append(u.people, p), append(u.Members, p.Ref)
		}
		moved = nil
		if err := visit(u); err != nil {
			return err
		}
	}
	return nil
}

func (c *Company) vpRef(i int) string       { return groupRef("vp " + numbered(vpNames, i)) }
func (c *Company) directorRef(i int) string { return groupRef(fmt.Sprintf("area %d", i+1)) }

// lead makes the first of the people the lead.
func (u *unit) lead(people ...campaign.Member) {
	u.people = people
	u.Lead = people[0].Ref
	for _, p := range people {
		u.Members = append(u.Members, p.Ref)
	}
}

// team returns a team: its second member is on call, and in every fifth team
// the lead is on leave.
func (c *Company) team(i int, hire func(zone string) campaign.Member) unit {
	parent := c.vpRef(i % c.opts.VPs)
	if c.opts.Directors > 0 {
		parent = c.directorRef(i % c.opts.Directors)
	}
	name := numbered(teamNames, i)
	u := unit{Unit: campaign.Unit{Ref: c.teamRef(i), Name: name, Type: "team", Parent: parent, Channel: "team-" + slug(name)}}
	var people []campaign.Member
	for range c.opts.Members {
		people = append(people, hire(Zones[i%len(Zones)]))
	}
	u.lead(people...)
	u.people[0].OnLeave = i%5 == 4
	if i%2 == 1 {
		u.OnCall = u.people[1].Ref
	}
	return u
}

// People returns everybody, leaders first.
func (c *Company) People() []campaign.Member {
	var all []campaign.Member
	_ = c.units(0, func(u unit) error { // the visit never fails
		all = append(all, u.people...)
		return nil
	})
	return all
}
