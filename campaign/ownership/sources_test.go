package ownership

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

// folder writes files and returns where they are.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	return dir
}

// shop is a catalog of two services in one repository and one in another.
func shop() string {
	service := func(name, owner, source string) string {
		return "---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: " + name + "\n  annotations:\n    " + source + "\nspec:\n  owner: " + owner + "\n"
	}
	return service("checkout", "payments", "backstage.io/source-location: url:https://github.com/acme/mono/tree/main/services/checkout/") +
		service("search", "nobody-knows", "backstage.io/source-location: url:https://github.com/acme/mono/tree/main/services/search") +
		service("ledger", "payments", "github.com/project-slug: acme/ledger") +
		doc("Group", "payments", "spec: {}") + doc("Group", "finders", "spec: {}") +
		"---\napiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata:\n  name: books\n  annotations:\n    github.com/team-slug: acme/bookkeeping\nspec: {}\n" +
		doc("User", "mei", "spec:\n  profile:\n    email: Mei@example.com")
}

func TestWhoCountsAsOwner(t *testing.T) {
	tests := map[string]struct {
		files map[string]string
		trust []string
		want  map[string]string // service -> owner
		notes []string
	}{
		"the catalog alone": {
			want: map[string]string{"checkout": "group:default/payments", "search": "group:default/nobody-knows", "ledger": "group:default/payments"},
		},
		"a known owner beats one whom nobody knows": {
			files: map[string]string{"github.com/acme/mono/.github/CODEOWNERS": "* @acme/payments\n/services/search/ @acme/finders\n"},
			want:  map[string]string{"search": "group:default/finders", "checkout": "group:default/payments"},
		},
		"sources that do not agree": {
			files: map[string]string{"acme/ledger/CODEOWNERS": "# the books\n* @acme/Bookkeeping"},
			want:  map[string]string{"ledger": "group:default/payments"},
			notes: []string{"gives component:default/ledger the owner group:default/payments (backstage), but it is group:default/books by codeowners. The first counts."},
		},
		"a lone slash fits nothing": {
			files: map[string]string{"acme/ledger/CODEOWNERS": "* @acme/bookkeeping\n/ @acme/finders"}, trust: []string{SourceCodeowners},
			want: map[string]string{"ledger": "group:default/books"},
		},
		"another order of trust": {
			files: map[string]string{"acme/ledger/CODEOWNERS": "* @acme/bookkeeping"}, trust: []string{SourceCodeowners},
			want: map[string]string{"ledger": "group:default/books"},
		},
		"a table": {
			files: map[string]string{"owners.csv": "\ufeffService,Owner,Exposure,Assets\nledger,mei@example.com,internal,vm-1 vm-2\nmainframe,finders,,\n"}, trust: []string{SourceCSV, SourceBackstage},
			want: map[string]string{"ledger": "user:default/mei", "mainframe": "group:default/finders"},
		},
		"a bad row in a table": {
			files: map[string]string{"owners.csv": "service,owner\nledger,ghost\nsearch,finders,too many\n,x\nsearch,finders\n"},
			want:  map[string]string{"search": "group:default/finders"},
			notes: []string{`names the owner "ghost", who is not in the catalog`, "has another number of fields", "names no service"},
		},
		"rules of a repository that nobody names": {
			files: map[string]string{"acme/other/CODEOWNERS": "* @acme/finders"},
			want:  map[string]string{"ledger": "group:default/payments"}, notes: []string{"of a repository that no service in the catalog names"},
		},
		"rules that cannot be read": {
			files: map[string]string{"acme/ledger/CODEOWNERS": "* not-an-owner"},
			want:  map[string]string{"ledger": "group:default/payments"}, notes: []string{"is not a CODEOWNERS file that can be read"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"catalog.yaml": shop()}
			for file, text := range tt.files {
				files[file] = text
			}
			c, remarks, err := Read([]string{folder(t, files)}, tt.trust)
			require.NoError(t, err)
			for service, owner := range tt.want {
				require.Equal(t, owner, c.Services["component:default/"+service].Owner, service)
			}
			for _, note := range tt.notes {
				require.Contains(t, problems(remarks), note)
			}
		})
	}
}

func TestConflictsAreKeptWithTheirSources(t *testing.T) {
	dir := folder(t, map[string]string{"catalog.yaml": shop(), "acme/ledger/CODEOWNERS": "* @acme/bookkeeping"})
	c, _, err := Read([]string{dir}, nil)
	require.NoError(t, err)
	require.Equal(t, []campaign.OwnerClaim{
		{Source: SourceBackstage, Owner: "group:default/payments", File: filepath.Join(dir, "catalog.yaml")},
		{Source: SourceCodeowners, Owner: "group:default/books", File: filepath.Join(dir, "acme", "ledger", "CODEOWNERS")},
	}, c.Services["component:default/ledger"].Claims)
	require.Empty(t, c.Services["component:default/checkout"].Claims, "nobody else spoke of it")
}

func TestWhatBackstagesAPIAnswersIsACatalog(t *testing.T) {
	entity := `{"apiVersion":"backstage.io/v1alpha1","kind":"%s","metadata":{"namespace":"default","name":"%s","uid":"0","etag":"1"},"spec":%s,"relations":[{"type":"ownedBy","targetRef":"group:default/payments"}]}`
	service := strings.NewReplacer("%s\",\"metadata", "Component\",\"metadata", "\"%s\",\"uid", "\"checkout\",\"uid", ":%s,\"relations", ":{\"owner\":\"payments\",\"type\":\"service\"},\"relations").Replace(entity)
	group := strings.NewReplacer("%s\",\"metadata", "Group\",\"metadata", "\"%s\",\"uid", "\"payments\",\"uid", ":%s,\"relations", ":{\"type\":\"team\",\"children\":[]},\"relations").Replace(entity)
	for name, text := range map[string]string{
		"a bare list":          "[" + service + "," + group + "]",
		"a page of the query":  `{"items":[` + service + "," + group + `],"totalItems":2,"pageInfo":{}}`,
		"one entity by itself": service,
	} {
		t.Run(name, func(t *testing.T) {
			c, _, err := Read([]string{folder(t, map[string]string{"entities.json": text})}, nil)
			require.NoError(t, err)
			require.Equal(t, "group:default/payments", c.Services["component:default/checkout"].Owner)
		})
	}
}

func TestWhereASourceIs(t *testing.T) {
	tests := map[string]struct {
		address string
		want    place
	}{
		"GitHub, a folder": {"https://github.com/Acme/Mono/tree/main/services/shop/", place{"github.com/acme/mono", "services/shop"}},
		"GitHub, a file":   {"https://github.com/acme/mono/blob/main/catalog.yaml", place{"github.com/acme/mono", "catalog.yaml"}},
		"GitLab, a folder": {"https://gitlab.example.com/a/b/c/-/tree/main/x", place{"gitlab.example.com/a/b/c", "x"}},
		"a branch only":    {"https://github.com/acme/mono/tree/main", place{"github.com/acme/mono", ""}},
		"a slug":           {"github.com/acme/shop", place{"github.com/acme/shop", ""}},
		"as git clones it": {"https://github.com/acme/shop.git", place{"github.com/acme/shop", ""}},
		"nothing":          {"", place{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { require.Equal(t, tt.want, placeOf(tt.address)) })
	}
}

func FuzzSources(f *testing.F) {
	f.Add("* @acme/payments\n", "service,owner\nledger,payments\n")
	f.Add("[a] b@c.d\n\\# x", "service\n\"")
	f.Add("/", "service")
	f.Fuzz(func(t *testing.T, rules, table string) {
		m := newMerger()
		m.read(strings.NewReader(shop()), "catalog.yaml")
		m.readRuleFile(strings.NewReader(rules), "acme/ledger/CODEOWNERS")
		m.readTable(strings.NewReader(table), "owners.csv")
		c, remarks, err := m.result()
		if err != nil {
			require.Equal(t, campaign.Invalid, campaign.KindOf(err))
			require.NotEmpty(t, remarks)
			return
		}
		require.GreaterOrEqual(t, len(c.Services), 3)
	})
}

func TestAFolderWithoutACatalogIsRefused(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"nothing at all":   {},
		"JSON of another":  {"catalog.json": `{"a":1}`},
		"a list of hosts":  {"hosts.csv": "asset,service,purl\nweb-1,shop,pkg:npm/a@1\n"},
		"rules of nothing": {"acme/shop/CODEOWNERS": "* @acme/payments"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := Read([]string{folder(t, files)}, nil)
			require.Equal(t, campaign.Invalid, campaign.KindOf(err))
		})
	}
}
