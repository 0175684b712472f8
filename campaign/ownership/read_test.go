package ownership

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

func readText(text string) (campaign.Catalog, []campaign.Refusal, error) {
	return ReadFrom(strings.NewReader(text), "catalog.yaml")
}

// doc is an entity of the default namespace; body continues at the top level.
func doc(kind, name, body string) string {
	return "---\napiVersion: backstage.io/v1alpha1\nkind: " + kind + "\nmetadata:\n  name: " + name + "\n" + body + "\n"
}

func TestBackstagesOwnExample(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "shared", "data", "backstage-acme")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the public test data is not beside the repository")
	}
	c, remarks, err := Read([]string{dir}, nil)
	require.NoError(t, err)
	require.Len(t, c.Services, 3)
	require.Len(t, c.Units, 5)
	require.Equal(t, "group:default/team-a", c.Services["component:alternative/different-namespace"].Owner)
	require.Equal(t, "user:default/guest", c.Services["component:default/playback-order"].Owner)
	require.Equal(t, "group:default/infrastructure", c.Units["group:default/backstage"].Parent)
	require.Equal(t, []string{
		"user:default/breanna.davison", "user:default/janelle.dawe", "user:default/nigel.manning", "user:default/guest", "user:development/guest",
	}, c.Units["group:default/team-a"].Members)
	require.Equal(t, "janelle-dawe@example.com", c.Members["user:default/janelle.dawe"].Email)
	require.Equal(t, "breanna.davison", c.Members["user:default/breanna.davison"].Name, "no display name")
	contact, ok := c.Contact("group:default/team-a")
	require.True(t, ok)
	require.Equal(t, "user:default/breanna.davison", contact.Ref)
	var path []string
	for _, u := range c.Path("group:default/team-a") {
		path = append(path, u.Name)
	}
	require.Equal(t, []string{"team-a", "Backstage", "infrastructure", "acme-corp"}, path)
	for _, r := range remarks {
		require.True(t, r.Notice, "%+v", r)
	}
	words := problems(remarks)
	require.Contains(t, words, `kind "Location"`)
	require.Contains(t, words, "the child group:default/team-b, which is not in the catalog")
	require.Contains(t, words, "the parent group:default/boxoffice, which is not in the catalog")
}

func problems(remarks []campaign.Refusal) string {
	var all []string
	for _, r := range remarks {
		all = append(all, r.Problem)
	}
	return strings.Join(all, "\n")
}

func TestOwnerReferences(t *testing.T) {
	tests := map[string]struct{ owner, namespace, want string }{
		"name":                      {"team-a", "", "group:default/team-a"},
		"kind and name":             {"group:team-a", "", "group:default/team-a"},
		"namespace and name":        {"ns/team-a", "", "group:ns/team-a"},
		"in full":                   {"group:ns/team-a", "", "group:ns/team-a"},
		"a person":                  {"user:mei", "", "user:default/mei"},
		"a person in full":          {"user:ns/mei.lin", "", "user:ns/mei.lin"},
		"upper case":                {"Group:NS/Team-A", "", "group:ns/team-a"},
		"spaces around":             {"'  team-a '", "", "group:default/team-a"},
		"name in another namespace": {"team-a", "payments", "group:payments/team-a"},
		"kind in another namespace": {"user:mei", "payments", "user:payments/mei"},
		"back to default":           {"default/team-a", "payments", "group:default/team-a"},
		"namespace in upper case":   {"team-a", "Payments", "group:payments/team-a"},
		"no owner":                  {"''", "", ""},
		"not a reference":           {"'a/b/c'", "", ""},
		"sentence":                  {"ask the platform people", "", ""},
		"kind alone":                {"'group:'", "", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			body := "spec:\n  owner: " + tt.owner
			if tt.namespace != "" {
				body = "  namespace: " + tt.namespace + "\n" + body
			}
			c, remarks, err := readText(doc("Component", "shop", body))
			require.NoError(t, err)
			require.Len(t, c.Services, 1)
			for _, s := range c.Services {
				require.Equal(t, tt.want, s.Owner)
			}
			require.NotEmpty(t, remarks, "an owner who is nobody is told")
		})
	}
}

func TestTreeInBothDirections(t *testing.T) {
	c, remarks, err := readText(
		doc("User", "mei", "  annotations: {muster/slack-id: U7, muster/on-leave: 'true', muster/time-zone: Asia/Kolkata}\nspec:\n  profile: {displayName: Mei Lin, email: mei@example.com}\n  memberOf: [payments]") +
			doc("Group", "payments", "  annotations: {muster/lead: tom, muster/on-call: 'user:mei', muster/slack-channel: '#payments'}\nspec:\n  type: team\n  members: [tom, mei]") +
			doc("Group", "commerce", "spec: {type: department, children: [payments]}") +
			doc("User", "tom", "spec: {memberOf: []}"))
	require.NoError(t, err)
	require.Empty(t, remarks)
	require.Equal(t, campaign.Unit{
		Ref: "group:default/payments", Name: "payments", Type: "team", Parent: "group:default/commerce",
		Members: []string{"user:default/mei", "user:default/tom"}, Lead: "user:default/tom", OnCall: "user:default/mei", Channel: "payments",
	}, c.Units["group:default/payments"])
	require.Equal(t, campaign.Member{
		Ref: "user:default/mei", Name: "Mei Lin", Email: "mei@example.com", SlackID: "U7", OnLeave: true, Zone: "Asia/Kolkata",
	}, c.Members["user:default/mei"])
}

func TestServiceAnnotations(t *testing.T) {
	c, _, err := readText(
		doc("System", "checkout", "spec: {owner: payments}") +
			doc("Resource", "Shop-DB", "  annotations: {muster/exposure: internet, muster/environment: prod, muster/tier: 1, muster/assets: 'a, b,,a', muster/scan: none, github.com/project-slug: acme/shop}\nspec: {system: checkout}"))
	require.NoError(t, err)
	require.Equal(t, campaign.Service{
		Ref: "resource:default/shop-db", Name: "Shop-DB", Owner: "group:default/payments", System: "system:default/checkout",
		Exposure: campaign.Exposed, Environment: "prod", Tier: "1", Assets: []string{"a", "b"}, Repository: "github.com/acme/shop", NotScanned: true,
	}, c.Services["resource:default/shop-db"])
}

func TestUnknownLeadIsTold(t *testing.T) {
	_, remarks, err := readText(doc("Group", "payments", "  annotations: {muster/lead: nobody}"))
	require.NoError(t, err)
	require.Len(t, remarks, 1)
	require.True(t, remarks[0].Notice)
	require.Contains(t, remarks[0].Problem, "user:default/nobody")
}

func TestParentCycleIsNamed(t *testing.T) {
	c, _, err := readText(doc("Group", "a", "spec: {parent: b}") + doc("Group", "b", "spec: {parent: c}") + doc("Group", "c", "spec: {children: [x], parent: b}") + doc("Group", "x", ""))
	require.Equal(t, campaign.Invalid, campaign.KindOf(err))
	require.Contains(t, campaign.PublicMessage(err), "group:default/b → group:default/c → group:default/b")
	require.Contains(t, campaign.PublicMessage(err), "Nothing was changed")
	require.Empty(t, c.Units)
}

func TestOneBrokenFileSpoilsTheCatalog(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.yaml"), []byte(doc("Group", "a", "")), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "b.yml"), []byte("kind: [\n"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "notes.txt"), []byte("not looked at: ["), 0o644))
	c, remarks, err := Read([]string{dir}, nil)
	require.Equal(t, campaign.Invalid, campaign.KindOf(err))
	require.Contains(t, campaign.PublicMessage(err), "b.yml")
	require.Len(t, remarks, 1)
	require.Empty(t, c.Units)

	_, _, err = Read([]string{filepath.Join(dir, "missing.yaml")}, nil)
	require.Contains(t, campaign.PublicMessage(err), "there is no such file")
}

func TestRefusedCatalogs(t *testing.T) {
	bomb := "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for _, pair := range []string{"ba", "cb", "dc", "ed", "fe", "gf", "hg", "ih"} {
		bomb += string(pair[0]) + ": &" + string(pair[0]) + " [" + strings.TrimSuffix(strings.Repeat("*"+string(pair[1])+",", 10), ",") + "]\n"
	}
	tests := map[string]string{
		"not YAML":            "kind: [",
		"an unusable name":    doc("Group", "'a b'", ""),
		"a name that is gone": doc("Group", "''", ""),
		"a list for a name":   doc("Group", "[a]", ""),
		"a list for a spec":   doc("Group", "a", "spec: {children: {a: b}}"),
		"nested too deep":     doc("Group", "a", "spec: "+strings.Repeat("[", 60)+strings.Repeat("]", 60)),
		"aliases that expand": doc("Group", "a", "spec:\n  type: x\n  children: *i\n") + bomb,
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			_, remarks, err := readText(text)
			require.Equal(t, campaign.Invalid, campaign.KindOf(err))
			require.NotEmpty(t, remarks)
		})
	}
}

func TestSecondEntityOfANameIsRefused(t *testing.T) {
	c, remarks, err := readText(doc("Component", "shop", "spec: {owner: a}") + doc("Component", "Shop", "spec: {owner: b}") + doc("Group", "a", "") + doc("API", "shop", "") + "---\n")
	require.NoError(t, err)
	require.Equal(t, "group:default/a", c.Services["component:default/shop"].Owner)
	require.Len(t, remarks, 2)
	require.False(t, remarks[0].Notice)
	require.Equal(t, "line 8", remarks[0].Position)
	require.Contains(t, remarks[0].Problem, "repeats component:default/shop, which is in catalog.yaml (line 2)")
	require.True(t, remarks[1].Notice, "an API owns nothing")
}

func FuzzReadFrom(f *testing.F) {
	f.Add(doc("Group", "a", "spec: {parent: b}") + doc("User", "u", "spec: {memberOf: [a]}"))
	f.Add(doc("Component", "c", "  annotations: {muster/assets: 'a,b'}\nspec: {owner: user:x/y}"))
	f.Add("a: &a [*a]\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, _, err := readText(text)
		if err != nil {
			require.Equal(t, campaign.Invalid, campaign.KindOf(err))
			return
		}
		for ref := range c.Units {
			c.Path(ref)
		}
	})
}
