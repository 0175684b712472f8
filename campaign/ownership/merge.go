package ownership

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/musterbot/muster/campaign"
)

// merger puts entities together. References are resolved at the end, when all
// entities are known: files come in any order.
type merger struct {
	catalog campaign.Catalog
	first   map[string]*entity // by ref
	systems map[string]string  // system -> owner
	groups  []claim            // parent and children, in the order read
	members []claim            // memberOf and members, in the order read
	owners  []ownerClaim       // of all sources, in the order read
	trust   []string           // sources, the most trusted first
	aliases map[string]string  // how other systems call a group or a person -> its ref
	tabled  []tableRow         // rows of tables: whose they are is known at the end
	rules   []ruleFile         // CODEOWNERS files: whose they are is known at the end
	remarks []campaign.Refusal
	broken  bool
}

// claim is what one entity says of two: that below belongs to above.
type claim struct {
	by           *entity
	below, above string
}

func newMerger() *merger {
	return &merger{
		catalog: campaign.Catalog{
			Services: map[string]campaign.Service{}, Units: map[string]campaign.Unit{}, Members: map[string]campaign.Member{},
		},
		first: map[string]*entity{}, systems: map[string]string{}, aliases: map[string]string{}, trust: Sources,
	}
}

func (m *merger) refuse(file, position, problem string) {
	m.remarks = append(m.remarks, campaign.Refusal{File: file, Position: position, Problem: problem})
}

func (m *merger) notice(e *entity, problem string) {
	m.remarks = append(m.remarks, campaign.Refusal{File: e.file, Position: e.position, Problem: problem, Notice: true})
}

// spec decodes the entity's spec.
func spec[T any](e *entity) (T, error) {
	var s T
	if e.Spec.IsZero() {
		return s, nil
	}
	if err := e.Spec.Decode(&s); err != nil {
		return s, problem("has a spec with a field that holds something else than it should. Repair it.")
	}
	return s, nil
}

// resolve reads a reference in a field of e; a broken one is refused by itself.
func (m *merger) resolve(e *entity, field, text, kind string) string {
	if strings.TrimSpace(text) == "" {
		return ""
	}
	found, err := parseRef(text, kind, e.namespace())
	if err != nil {
		m.refuse(e.file, e.position, fmt.Sprintf("has the %s %.80q, which is no reference. It was left out; write it like group:default/payments.", field, text))
		return ""
	}
	return found
}

func (m *merger) service(e *entity) error {
	s, err := spec[struct {
		Owner  string `yaml:"owner"`
		System string `yaml:"system"`
	}](e)
	if err != nil {
		return err
	}
	exposure, ok := campaign.ParseExposure(e.annotation("exposure"))
	if !ok {
		m.notice(e, fmt.Sprintf("has the unknown exposure %.40q and counts as exposed; use exposed, internal or isolated.", e.annotation("exposure")))
	}
	out := campaign.Service{
		Ref: e.ref, Name: e.Metadata.Name,
		System: m.resolve(e, "system", s.System, "system"),

		Exposure: exposure, Environment: e.annotation("environment"), Tier: e.annotation("tier"),
		Repository: repository(e.Metadata.Annotations), FixUnit: strings.TrimSpace(e.annotation("fix-unit")),
		NotScanned: strings.EqualFold(e.annotation("scan"), "none"),
	}
	for asset := range strings.SplitSeq(e.annotation("assets"), ",") {
		if asset = strings.TrimSpace(asset); asset != "" && !slices.Contains(out.Assets, asset) {
			out.Assets = append(out.Assets, asset)
		}
	}
	for _, layer := range []campaign.Layer{campaign.LayerHost, campaign.LayerRuntime, campaign.LayerApplication} {
		name := "owner-" + string(layer)
		if owner := m.resolve(e, "muster/"+name, e.annotation(name), "group"); owner != "" {
			if out.Owners == nil {
				out.Owners = map[campaign.Layer]string{}
			}
			out.Owners[layer] = owner
		}
	}
	m.catalog.Services[e.ref] = out
	m.claim(e.ref, SourceBackstage, m.resolve(e, "owner", s.Owner, "group"), e.file)
	return nil
}

// repository returns where the source is, by the annotations that Backstage's
// own plugins use.
func repository(annotations map[string]string) string {
	for _, host := range []string{"github.com", "gitlab.com", "bitbucket.org"} {
		if slug := strings.TrimSpace(annotations[host+"/project-slug"]); slug != "" {
			return host + "/" + slug
		}
	}
	return strings.TrimPrefix(strings.TrimSpace(annotations["backstage.io/source-location"]), "url:")
}

func (m *merger) system(e *entity) error {
	s, err := spec[struct {
		Owner string `yaml:"owner"`
	}](e)
	if err != nil {
		return err
	}
	m.systems[e.ref] = m.resolve(e, "owner", s.Owner, "group")
	return nil
}

type profile struct {
	DisplayName string `yaml:"displayName"`
	Email       string `yaml:"email"`
}

func (m *merger) group(e *entity) error {
	s, err := spec[struct {
		Type     string   `yaml:"type"`
		Profile  profile  `yaml:"profile"`
		Parent   string   `yaml:"parent"`
		Children []string `yaml:"children"`
		Members  []string `yaml:"members"`
	}](e)
	if err != nil {
		return err
	}
	m.alias(e, "github.com/team-slug", "@")
	m.catalog.Units[e.ref] = campaign.Unit{
		Ref: e.ref, Name: cmp.Or(s.Profile.DisplayName, e.Metadata.Title, e.Metadata.Name), Type: s.Type,
		Lead:    m.resolve(e, "muster/lead", e.annotation("lead"), "user"),
		OnCall:  m.resolve(e, "muster/on-call", e.annotation("on-call"), "user"),
		Channel: strings.TrimPrefix(e.annotation("slack-channel"), "#"),
	}
	if parent := m.resolve(e, "parent", s.Parent, "group"); parent != "" {
		m.groups = append(m.groups, claim{by: e, below: e.ref, above: parent})
	}
	for _, child := range s.Children {
		if child := m.resolve(e, "child", child, "group"); child != "" {
			m.groups = append(m.groups, claim{by: e, below: child, above: e.ref})
		}
	}
	for _, member := range s.Members {
		if member := m.resolve(e, "member", member, "user"); member != "" {
			m.members = append(m.members, claim{by: e, below: member, above: e.ref})
		}
	}
	return nil
}

func (m *merger) user(e *entity) error {
	s, err := spec[struct {
		Profile  profile  `yaml:"profile"`
		MemberOf []string `yaml:"memberOf"`
	}](e)
	if err != nil {
		return err
	}
	m.alias(e, "github.com/user-login", "@")
	if s.Profile.Email != "" {
		m.aliases[strings.ToLower(strings.TrimSpace(s.Profile.Email))] = e.ref
	}
	m.catalog.Members[e.ref] = campaign.Member{
		Ref: e.ref, Name: cmp.Or(s.Profile.DisplayName, e.Metadata.Title, e.Metadata.Name), Email: strings.TrimSpace(s.Profile.Email),
		SlackID: e.annotation("slack-id"), OnLeave: strings.EqualFold(e.annotation("on-leave"), "true"), Zone: e.annotation("time-zone"),
	}
	for _, group := range s.MemberOf {
		if group := m.resolve(e, "memberOf", group, "group"); group != "" {
			m.members = append(m.members, claim{by: e, below: e.ref, above: group})
		}
	}
	return nil
}

// result resolves what entities say of each other.
func (m *merger) result() (campaign.Catalog, []campaign.Refusal, error) {
	if m.broken {
		return campaign.Catalog{}, m.remarks, campaign.Refuse(campaign.Invalid,
			"The catalog was not read: "+m.worst()+" Nothing was changed; repair it and read all files again.")
	}
	m.joinGroups()
	m.joinMembers()
	m.joinTable()
	m.readRules()
	m.settleOwners()
	m.checkOwners()
	m.checkContacts()
	if cycle := m.cycle(); cycle != nil {
		return campaign.Catalog{}, m.remarks, campaign.Refuse(campaign.Invalid,
			"The catalog was not read: its groups are each other's parents, "+strings.Join(cycle, " → ")+". Nothing was changed; take one of these parents away.")
	}
	return m.catalog, m.remarks, nil
}

// worst returns the first refusal in one sentence.
func (m *merger) worst() string {
	i := slices.IndexFunc(m.remarks, func(r campaign.Refusal) bool { return !r.Notice })
	r := m.remarks[i]
	if r.Position != "" {
		return r.File + " (" + r.Position + ") " + r.Problem
	}
	return r.File + " " + r.Problem
}

// joinGroups sets parents. What a group says of itself counts more than what
// its parent says.
func (m *merger) joinGroups() {
	own := func(c claim) bool { return c.by.ref == c.below }
	for _, first := range []bool{true, false} {
		for _, c := range m.groups {
			if own(c) != first {
				continue
			}
			unit, ok := m.catalog.Units[c.below]
			switch {
			case !ok:
				m.notice(c.by, fmt.Sprintf("names the child %s, which is not in the catalog.", c.below))
				continue
			case unit.Parent == "":
				unit.Parent = c.above
				m.catalog.Units[c.below] = unit
			case unit.Parent != c.above:
				m.notice(c.by, fmt.Sprintf("names the child %s, which names %s as its parent; that one counts.", c.below, unit.Parent))
			}
			if _, ok := m.catalog.Units[c.above]; !ok {
				m.notice(c.by, fmt.Sprintf("names the parent %s, which is not in the catalog.", c.above))
			}
		}
	}
}

func (m *merger) joinMembers() {
	for _, c := range m.members {
		unit, ok := m.catalog.Units[c.above]
		if !ok {
			m.notice(c.by, fmt.Sprintf("is a member of %s, which is not in the catalog.", c.above))
			continue
		}
		if _, ok := m.catalog.Members[c.below]; !ok {
			m.notice(c.by, fmt.Sprintf("names the member %s, who is not in the catalog.", c.below))
		}
		if !slices.Contains(unit.Members, c.below) {
			unit.Members = append(unit.Members, c.below)
			m.catalog.Units[c.above] = unit
		}
	}
}

// checkOwners tells which services have no owner, or one whom nobody knows. They
// are kept: the triage shows them.
func (m *merger) checkOwners() {
	for _, ref := range slices.Sorted(maps.Keys(m.catalog.Services)) {
		owner := m.catalog.Services[ref].Owner
		_, unit := m.catalog.Units[owner]
		_, member := m.catalog.Members[owner]
		switch {
		case owner == "":
			m.notice(m.first[ref], fmt.Sprintf("%s has no owner and goes to triage.", ref))
		case !unit && !member:
			m.notice(m.first[ref], fmt.Sprintf("%s is owned by %s, which is not in the catalog, and goes to triage.", ref, owner))
		}
		owners := m.catalog.Services[ref].Owners
		for _, layer := range slices.Sorted(maps.Keys(owners)) {
			if !m.known(owners[layer]) {
				m.notice(m.first[ref], fmt.Sprintf("%s gives its %s layer to %s, which is not in the catalog, and it goes to triage.", ref, layer, owners[layer]))
			}
		}
	}
}

// checkContacts tells which leads and people on call nobody knows; the others
// of their group are asked instead.
func (m *merger) checkContacts() {
	for _, ref := range slices.Sorted(maps.Keys(m.catalog.Units)) {
		u := m.catalog.Units[ref]
		for _, person := range []string{u.Lead, u.OnCall} {
			if _, ok := m.catalog.Members[person]; person != "" && !ok {
				m.notice(m.first[ref], fmt.Sprintf("%s names %s as lead or on call, who is not in the catalog; its other members are asked instead.", ref, person))
			}
		}
	}
}

// cycle returns the first cycle of parents by name, closed by its first group.
func (m *merger) cycle() []string {
	done := map[string]bool{}
	for _, start := range slices.Sorted(maps.Keys(m.catalog.Units)) {
		var path []string
		for ref := start; ref != "" && !done[ref]; ref = m.catalog.Units[ref].Parent {
			if i := slices.Index(path, ref); i >= 0 {
				return append(path[i:], ref)
			}
			path = append(path, ref)
		}
		for _, ref := range path {
			done[ref] = true
		}
	}
	return nil
}
