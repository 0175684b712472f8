package inventory

import (
	"strings"

	"github.com/musterbot/muster/campaign"
)

// record is one component while it is read. It is used again for the next one:
// only what a component needs becomes a string.
type record struct {
	group, name, version, purl, path []byte
	src                              source
	layer                            campaign.Layer // that it says itself, whatever its package URL
	more                             []string       // further package URLs of the same package
}

// source is a distribution's source package.
type source struct{ name, version, release, epoch []byte }

func (r *record) reset() {
	*r = record{
		group: r.group[:0], name: r.name[:0], version: r.version[:0], purl: r.purl[:0], path: r.path[:0],
		src: source{r.src.name[:0], r.src.version[:0], r.src.release[:0], r.src.epoch[:0]},
	}
}

// component returns what was read. Name and version are kept only where no
// package URL says them.
func (r *record) component() campaign.Component {
	c := campaign.Component{PURL: string(r.purl), Path: string(r.path), Source: r.src.String()}
	if !usablePURL(c.PURL) {
		c.Name, c.Version = string(r.name), string(r.version)
		if len(r.group) > 0 && c.Name != "" {
			c.Name = string(r.group) + "/" + c.Name
		}
	}
	if c.Layer = r.layer; c.Layer == "" {
		c.Layer = layerOf(c.PURL)
	}
	return c
}

// String writes name@epoch:version-release.
func (s source) String() string {
	if len(s.name) == 0 || len(s.version) == 0 {
		return string(s.name)
	}
	text := append([]byte(nil), s.name...)
	text = append(text, '@')
	if len(s.epoch) > 0 && string(s.epoch) != "0" {
		text = append(append(text, s.epoch...), ':')
	}
	text = append(text, s.version...)
	if len(s.release) > 0 {
		text = append(append(text, '-'), s.release...)
	}
	return string(text)
}

// sourceRPM reads the name and version out of openssl-1.0.2k-16.el7.src.rpm.
func (s *source) sourceRPM(file string) {
	file = strings.TrimSuffix(strings.TrimSuffix(file, ".rpm"), ".src")
	release := strings.LastIndexByte(file, '-')
	if release <= 0 {
		return
	}
	version := strings.LastIndexByte(file[:release], '-')
	if version <= 0 {
		return
	}
	s.name, s.version = append(s.name[:0], file[:version]...), append(s.version[:0], file[version+1:]...)
}
