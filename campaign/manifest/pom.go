package manifest

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// pom is what of a Maven project says what it depends on directly:
// maven.apache.org/pom.html. Parents and imported lists of versions are files of
// their own, so that what they set is not known here.
type pom struct {
	properties map[string]string
	managed    map[string]string // group:artifact -> version
	direct     []pomDependency
	found      bool // a project at all
}

type pomDependency struct {
	Group    string `xml:"groupId"`
	Artifact string `xml:"artifactId"`
	Version  string `xml:"version"`
	line     int
}

// readPOM reads the direct dependencies of a Maven project. A version that a
// parent sets is left out.
func readPOM(_ string, raw []byte) ([]Dependency, error) {
	p := pom{properties: map[string]string{}, managed: map[string]string{}}
	if err := p.read(raw); err != nil {
		return nil, err
	}
	var found []Dependency
	for _, d := range p.direct {
		group, artifact := p.resolve(d.Group), p.resolve(d.Artifact)
		if group == "" || artifact == "" {
			continue
		}
		version := p.resolve(cmp.Or(d.Version, p.managed[group+":"+artifact]))
		if strings.ContainsAny(version, "[(,") {
			version = "" // a range: which one is taken is not said
		}
		found = append(found, Dependency{Component: component("maven", group, artifact, version), Line: d.line})
	}
	return found, nil
}

// read walks the document. Only what stands directly in the project counts:
// plugins and profiles have dependencies of their own.
func (p *pom) read(raw []byte) error {
	decoder := xml.NewDecoder(bytes.NewReader(raw))
	var path []string
	var managed []pomDependency
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		line, _ := decoder.InputPos()
		if err != nil {
			return fmt.Errorf("is not valid XML at line %d", line)
		}
		switch t := token.(type) {
		case xml.Directive:
			return fmt.Errorf("declares a document type at line %d, which is not read", line)
		case xml.EndElement:
			path = path[:len(path)-1]
		case xml.StartElement:
			if path = append(path, t.Name.Local); len(path) > maxDepth {
				return fmt.Errorf("nests deeper than %d levels", maxDepth)
			}
			if path[0] != "project" {
				return errors.New("is XML, but not a Maven project")
			}
			p.found = true
			consumed, err := p.element(decoder, t, strings.Join(path[1:], "/"), line, &managed)
			if err != nil {
				return fmt.Errorf("cannot be read at line %d: %w", line, err)
			}
			if consumed {
				path = path[:len(path)-1]
			}
		}
	}
	if !p.found {
		return errors.New("is not a Maven project")
	}
	for _, d := range managed {
		p.managed[p.resolve(d.Group)+":"+p.resolve(d.Artifact)] = d.Version
	}
	return nil
}

// element takes in one element of the project, and says whether it consumed it.
func (p *pom) element(decoder *xml.Decoder, start xml.StartElement, path string, line int, managed *[]pomDependency) (bool, error) {
	switch path {
	case "groupId", "version", "parent/groupId", "parent/version":
		var text string
		if err := decoder.DecodeElement(&text, &start); err != nil {
			return false, err
		}
		key := strings.TrimPrefix(path, "parent/")
		if own := !strings.HasPrefix(path, "parent/"); own || p.properties["project."+key] == "" {
			p.properties["project."+key] = strings.TrimSpace(text)
		}
		p.properties["project."+strings.ReplaceAll(path, "/", ".")] = strings.TrimSpace(text)
		return true, nil
	case "dependencies/dependency", "dependencyManagement/dependencies/dependency":
		d := pomDependency{line: line}
		if err := decoder.DecodeElement(&d, &start); err != nil {
			return false, err
		}
		if strings.HasPrefix(path, "dependencyManagement") {
			*managed = append(*managed, d)
		} else {
			p.direct = append(p.direct, d)
		}
		return true, nil
	}
	if name, ok := strings.CutPrefix(path, "properties/"); ok && !strings.Contains(name, "/") {
		var text string
		if err := decoder.DecodeElement(&text, &start); err != nil {
			return false, err
		}
		p.properties[name] = strings.TrimSpace(text)
		return true, nil
	}
	return false, nil
}

var placeholder = regexp.MustCompile(`\$\{([^{}]+)\}`)

// resolve puts properties in place, which may name others; "" when one is not
// known here.
func (p *pom) resolve(text string) string {
	text = strings.TrimSpace(text)
	for range 8 {
		if !strings.Contains(text, "${") {
			return text
		}
		text = placeholder.ReplaceAllStringFunc(text, func(s string) string {
			name := s[2 : len(s)-1]
			if rest, ok := strings.CutPrefix(name, "pom."); ok {
				name = "project." + rest
			}
			if value, ok := p.properties[name]; ok && len(value) <= 256 {
				return value
			}
			return s
		})
		if len(text) > 1024 {
			return ""
		}
	}
	return ""
}
