package inventory

import (
	"cmp"
	"strings"

	"github.com/musterbot/muster/campaign"
)

// cdxComponent is the part of a CycloneDX component that identifies it.
type cdxComponent struct {
	Group      string `json:"group"`
	Name       string `json:"name"`
	Version    string `json:"version"`
	PURL       string `json:"purl"`
	Properties []struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	} `json:"properties"`
	Evidence struct {
		Occurrences []struct {
			Location string `json:"location"`
		} `json:"occurrences"`
	} `json:"evidence"`
	Components []cdxComponent `json:"components"`
}

// cyclonedx returns the reader of a CycloneDX document's top-level fields. The
// main component is one of the components: it may be the affected one.
func (d *document) cyclonedx() func(key string) error {
	return func(key string) error {
		switch key {
		case "bomFormat":
			var format string
			if err := d.element(&format); err != nil {
				return err
			}
			if format != "CycloneDX" {
				return problemf("says that its format is %.40q, not CycloneDX", format)
			}
			return nil
		case "metadata":
			return d.fields(d.cdxMetadata)
		case "components":
			return d.elements(d.cdxElement)
		}
		return d.skip()
	}
}

func (d *document) cdxMetadata(key string) error {
	switch key {
	case "timestamp":
		var at string
		if err := d.element(&at); err != nil {
			return err
		}
		d.stamp(at)
		return nil
	case "component":
		var main cdxComponent
		if err := d.element(&main); err != nil {
			return err
		}
		d.scan.Asset = main.Name
		if main.PURL == "" { // an image or a host: a name for the asset, not software
			main.Name = ""
		}
		return d.cdxAdd(main)
	}
	return d.skip()
}

func (d *document) cdxElement() error {
	var c cdxComponent
	if err := d.element(&c); err != nil {
		return err
	}
	return d.cdxAdd(c)
}

// cdxAdd adds a component and those inside it. Their nesting is bounded by the
// document's.
func (d *document) cdxAdd(c cdxComponent) error {
	if err := d.add(c.component()); err != nil {
		return err
	}
	for _, inner := range c.Components {
		if err := d.cdxAdd(inner); err != nil {
			return err
		}
	}
	return nil
}

func (c cdxComponent) component() campaign.Component {
	out := campaign.Component{PURL: c.PURL}
	if !strings.HasPrefix(c.PURL, "pkg:") {
		out.Name, out.Version = c.Name, c.Version
		if c.Group != "" && c.Name != "" {
			out.Name = c.Group + "/" + c.Name
		}
	}
	if len(c.Evidence.Occurrences) > 0 {
		out.Path = c.Evidence.Occurrences[0].Location
	}
	src := source{}
	for _, p := range c.Properties {
		switch p.Name {
		case "syft:location:0:path", "aquasecurity:trivy:FilePath":
			out.Path = cmp.Or(out.Path, p.Value)
		case "aquasecurity:trivy:SrcName":
			src.Name = p.Value
		case "aquasecurity:trivy:SrcVersion":
			src.Version = p.Value
		case "aquasecurity:trivy:SrcRelease":
			src.Release = p.Value
		case "aquasecurity:trivy:SrcEpoch":
			src.Epoch = p.Value
		}
	}
	out.Source = src.String()
	return out
}

// source is a distribution's source package, as Trivy tells it.
type source struct{ Name, Version, Release, Epoch string }

// String writes name@epoch:version-release.
func (s source) String() string {
	if s.Name == "" || s.Version == "" {
		return s.Name
	}
	version := s.Version
	if s.Release != "" {
		version += "-" + s.Release
	}
	if s.Epoch != "" && s.Epoch != "0" {
		version = s.Epoch + ":" + version
	}
	return s.Name + "@" + version
}
