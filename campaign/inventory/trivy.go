package inventory

import (
	"cmp"
	"encoding/json"
	"strings"

	"github.com/musterbot/muster/campaign"
)

// trivyPackage is an entry of Results[].Packages.
type trivyPackage struct {
	Name       string
	Version    string
	Identifier struct{ PURL string }
	FilePath   string
	SrcName    string
	SrcVersion string
	SrcRelease string
	SrcEpoch   json.Number
}

// trivyVulnerability is an entry of Results[].Vulnerabilities, of which only
// the package counts: Muster matches by its own advisories.
type trivyVulnerability struct {
	PkgName          string
	PkgPath          string
	PkgIdentifier    struct{ PURL string }
	InstalledVersion string
}

const trivyPartial = "lists vulnerable packages only, so it cannot show that something is gone: it counts as a find, not as a fresh scan. Run trivy with --list-all-pkgs."

// trivy returns the reader of a Trivy report's top-level fields.
func (d *document) trivy() func(key string) error {
	return func(key string) error {
		switch key {
		case "ArtifactName":
			return d.element(&d.scan.Asset)
		case "CreatedAt":
			return d.element(&d.createdAt)
		case "Results":
			return d.elements(func() error {
				listed, err := d.trivyResult()
				d.complete = d.complete || listed
				return err
			})
		}
		return d.skip()
	}
}

// finishTrivy stamps the scan. A report without its packages names what Trivy
// itself held for vulnerable that day; it keeps no time, so that it never
// verifies anything.
func (d *document) finishTrivy() {
	if !d.complete {
		d.notices = append(d.notices, trivyPartial)
		return
	}
	d.stamp(d.createdAt)
}

// trivyResult reads one result, and returns whether it lists all packages.
func (d *document) trivyResult() (complete bool, err error) {
	var target, class string
	var found []campaign.Component
	err = d.fields(func(key string) error {
		switch key {
		case "Target":
			return d.element(&target)
		case "Class":
			return d.element(&class)
		case "Packages":
			complete = true
			return d.elements(func() error {
				var p trivyPackage
				if err := d.element(&p); err != nil {
					return err
				}
				found = append(found, p.component())
				return d.bound(len(found))
			})
		case "Vulnerabilities":
			return d.elements(func() error {
				var v trivyVulnerability
				if err := d.element(&v); err != nil {
					return err
				}
				found = append(found, component(v.PkgIdentifier.PURL, v.PkgName, v.InstalledVersion, v.PkgPath))
				return d.bound(len(found))
			})
		}
		return d.skip()
	})
	if err != nil {
		return false, err
	}
	listed := map[campaign.Component]bool{}
	for _, c := range found {
		if class == "lang-pkgs" {
			c.Path = cmp.Or(c.Path, target)
		}
		// A vulnerability repeats a package without its source.
		bare := campaign.Component{PURL: c.PURL, Name: c.Name, Version: c.Version, Path: c.Path}
		if listed[bare] {
			continue
		}
		listed[bare] = true
		if err := d.add(c); err != nil {
			return false, err
		}
	}
	return complete, nil
}

func (d *document) bound(found int) error {
	if found > maxComponents {
		return problemf("lists more than %d components", maxComponents)
	}
	return nil
}

func (p trivyPackage) component() campaign.Component {
	c := component(p.Identifier.PURL, p.Name, p.Version, p.FilePath)
	c.Source = source{Name: p.SrcName, Version: p.SrcVersion, Release: p.SrcRelease, Epoch: p.SrcEpoch.String()}.String()
	return c
}

func component(purl, name, version, path string) campaign.Component {
	if strings.HasPrefix(purl, "pkg:") {
		return campaign.Component{PURL: purl, Path: path}
	}
	return campaign.Component{PURL: purl, Name: name, Version: version, Path: path}
}
