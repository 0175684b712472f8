package sample

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/musterbot/muster/campaign"
)

// Catalog returns the company of day 0 as ownership.Read would read what
// WriteCatalog writes, but for the files' names.
func (c *Company) Catalog() campaign.Catalog { return c.CatalogOn(0) }

// CatalogOn returns the company of a day.
func (c *Company) CatalogOn(day int) campaign.Catalog {
	catalog := campaign.Catalog{
		Services: make(map[string]campaign.Service, len(c.services)),
		Units:    map[string]campaign.Unit{}, Members: map[string]campaign.Member{},
	}
	_ = c.units(day, func(u unit) error { // the visit never fails
		catalog.Units[u.Ref] = u.Unit
		for _, p := range u.people {
			catalog.Members[p.Ref] = p
		}
		return nil
	})
	for i := range c.services {
		s := c.service(i, day)
		if other := c.tableOwnerOn(i, day); other != "" && other != s.Owner {
			s.Claims = []campaign.OwnerClaim{{Source: "backstage", Owner: s.Owner}, {Source: "csv", Owner: other}}
		}
		catalog.Services[s.Ref] = s
	}
	return catalog
}

func (c *Company) service(i, day int) campaign.Service {
	s := c.services[i]
	out := campaign.Service{
		Ref: c.ref(i), Name: c.name(i), Exposure: s.exposure, Environment: "production", Tier: fmt.Sprint(s.tier),
		Repository: c.repository(i), NotScanned: s.how == never && i%2 == 0,
		Owner: c.ownerOn(i, day),
	}
	if s.how == byHostList && c.opts.Trouble == nil { // many hosts are told by their list alone
		out.Assets = c.assets(i)
	}
	return out
}

// WriteCatalog writes Backstage catalog files of day 0 into a folder, which it
// makes: one for the organisation and its people, one for the services. What
// another source says of owners is in a table of owners beside them.
func (c *Company) WriteCatalog(dir string) error { return c.WriteCatalogOn(dir, 0) }

// WriteCatalogOn is WriteCatalog for another day.
func (c *Company) WriteCatalogOn(dir string, day int) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make catalog folder: %w", err)
	}
	err := writeFile(filepath.Join(dir, "organisation.yaml"), func(w io.Writer) error {
		return c.units(day, func(u unit) error { return writeUnit(w, u) })
	})
	if err != nil {
		return err
	}
	err = writeFile(filepath.Join(dir, "services.yaml"), func(w io.Writer) error {
		for i := range c.services {
			if err := writeService(w, c.service(i, day)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || c.opts.Trouble == nil {
		return err
	}
	return writeFile(filepath.Join(dir, "owners.csv"), func(w io.Writer) error {
		fmt.Fprintln(w, "service,owner")
		for i := range c.services {
			if owner := c.tableOwnerOn(i, day); owner != "" {
				if _, err := fmt.Fprintf(w, "%s,%s\n", c.name(i), owner); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func writeFile(path string, write func(io.Writer) error) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("create sample file: %w", err)
	}
	defer func() {
		if closed := f.Close(); err == nil && closed != nil {
			err = fmt.Errorf("close sample file: %w", closed)
		}
	}()
	var out io.Writer = f
	if strings.HasSuffix(path, ".gz") {
		z, _ := gzip.NewWriterLevel(f, gzip.BestSpeed) // the level is one that there is
		defer func() { err = errors.Join(err, z.Close()) }()
		out = z
	}
	w := bufio.NewWriter(out)
	if err := write(w); err != nil {
		return fmt.Errorf("write sample file: %w", err)
	}
	return w.Flush()
}

func shortRef(ref string) string { return ref[strings.LastIndexByte(ref, '/')+1:] }

// annotated writes an entity's head. The values are quoted as JSON strings,
// which YAML reads alike.
func annotated(kind, name string, annotations ...[2]string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "---\napiVersion: backstage.io/v1alpha1\nkind: %s\nmetadata:\n  name: %s\n", kind, name)
	began := false
	for _, a := range annotations {
		if a[1] == "" {
			continue
		}
		if !began {
			b.WriteString("  annotations:\n")
			began = true
		}
		fmt.Fprintf(&b, "    %s: %q\n", a[0], a[1])
	}
	return b.String()
}

func writeUnit(w io.Writer, u unit) error {
	text := annotated("Group", shortRef(u.Ref),
		[2]string{"muster/lead", u.Lead}, [2]string{"muster/on-call", u.OnCall}, [2]string{"muster/slack-channel", u.Channel})
	text += fmt.Sprintf("spec:\n  type: %s\n  profile:\n    displayName: %q\n", u.Type, u.Name)
	if u.Parent != "" {
		text += fmt.Sprintf("  parent: %s\n", shortRef(u.Parent))
	}
	text += "  children: []\n"
	for _, p := range u.people {
		onLeave := ""
		if p.OnLeave {
			onLeave = "true"
		}
		text += annotated("User", shortRef(p.Ref), [2]string{"muster/time-zone", p.Zone}, [2]string{"muster/on-leave", onLeave})
		text += fmt.Sprintf("spec:\n  profile:\n    displayName: %q\n    email: %s\n  memberOf: [%s]\n", p.Name, p.Email, shortRef(u.Ref))
	}
	_, err := io.WriteString(w, text)
	return err
}

func writeService(w io.Writer, s campaign.Service) error {
	scan := ""
	if s.NotScanned {
		scan = "none"
	}
	host, repo, _ := strings.Cut(s.Repository, "/")
	text := annotated("Component", s.Name,
		[2]string{host + "/project-slug", repo}, [2]string{"muster/exposure", string(s.Exposure)}, [2]string{"muster/environment", s.Environment},
		[2]string{"muster/tier", s.Tier}, [2]string{"muster/assets", strings.Join(s.Assets, ",")}, [2]string{"muster/scan", scan})
	text += "spec:\n  type: service\n  lifecycle: production\n"
	if s.Owner != "" {
		text += fmt.Sprintf("  owner: %s\n", s.Owner)
	}
	_, err := io.WriteString(w, text)
	return err
}
