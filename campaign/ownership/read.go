// Package ownership reads Backstage catalog files into campaign.Catalog: what
// services there are (Component, Resource), who owns them (Group, User), and
// the tree of the organisation.
//
// Files are read whole or not at all, and several files are one catalog: where
// one of them cannot be read, nothing is returned, because a team that is
// missing would look like a team that was dissolved.
package ownership

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/musterbot/muster/campaign"
)

// Bounds of catalog files. The YAML library itself bounds what aliases expand
// to.
const (
	MaxFileBytes = 64 << 20
	maxEntities  = 1_000_000
	maxDepth     = 32
)

// Read reads catalog files, and folders of *.yaml and *.yml, as one catalog.
// Invalid when a file cannot be read, or when groups are each other's parents:
// then there is no catalog, and the remarks say what is wrong. Otherwise the
// remarks tell what was left out (a second entity of the same name, a broken
// reference) and, as notices, what is doubtful (an owner who is not in the
// catalog).
func Read(paths []string) (campaign.Catalog, []campaign.Refusal, error) {
	m := newMerger()
	for _, path := range paths {
		files, err := catalogFiles(path)
		if err != nil {
			m.refuse(path, "", "cannot be opened: "+reason(err)+". Check the path and its permissions.")
			m.broken = true
			continue
		}
		for _, file := range files {
			m.readFile(file)
		}
	}
	return m.result()
}

// ReadFrom reads one catalog file from r; the name serves for messages.
func ReadFrom(r io.Reader, name string) (campaign.Catalog, []campaign.Refusal, error) {
	m := newMerger()
	m.read(r, name)
	return m.result()
}

// catalogFiles lists a folder's catalog files in the order of their names.
func catalogFiles(root string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if path != root && strings.HasPrefix(entry.Name(), ".") {
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		ext := strings.ToLower(filepath.Ext(path))
		if !entry.IsDir() && (path == root || ext == ".yaml" || ext == ".yml") {
			files = append(files, path)
		}
		return nil
	})
	return files, err
}

func reason(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "there is no such file"
	case errors.Is(err, fs.ErrPermission):
		return "permission denied"
	}
	return "the disk refuses it"
}

func (m *merger) readFile(path string) {
	f, err := os.Open(path)
	if err != nil {
		m.refuse(path, "", "cannot be opened: "+reason(err)+". Check the path and its permissions.")
		m.broken = true
		return
	}
	defer f.Close()
	m.read(f, path)
}

// read adds each document of a file.
func (m *merger) read(r io.Reader, file string) {
	limited := &io.LimitedReader{R: r, N: MaxFileBytes + 1}
	documents := yaml.NewDecoder(limited)
	for {
		var doc yaml.Node
		err := documents.Decode(&doc)
		switch {
		case limited.N <= 0:
			m.spoil(file, "", fmt.Sprintf("is larger than %d MB. Split it.", MaxFileBytes>>20))
			return
		case errors.Is(err, io.EOF):
			return
		case err != nil:
			m.spoil(file, yamlLine(err), "is not valid YAML. Repair it.")
			return
		case !shallow(&doc, maxDepth):
			m.spoil(file, "", fmt.Sprintf("nests deeper than %d levels, which no catalog does.", maxDepth))
			return
		}
		if err := m.document(&doc, file); err != nil {
			m.spoil(file, position(&doc), err.Error())
			return
		}
	}
}

// spoil records what makes the whole catalog unusable.
func (m *merger) spoil(file, position, problem string) {
	m.refuse(file, position, problem)
	m.broken = true
}

func shallow(n *yaml.Node, levels int) bool {
	if levels < 0 {
		return false
	}
	return !slices.ContainsFunc(n.Content, func(c *yaml.Node) bool { return !shallow(c, levels-1) })
}

func position(doc *yaml.Node) string {
	for doc.Kind == yaml.DocumentNode && len(doc.Content) > 0 {
		doc = doc.Content[0]
	}
	return fmt.Sprintf("line %d", max(doc.Line, 1))
}

var lineInError = regexp.MustCompile(`line \d+`)

func yamlLine(err error) string { return lineInError.FindString(err.Error()) }

// entity is the part of a catalog entity that Muster uses.
type entity struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
	Metadata   struct {
		Name        string            `yaml:"name"`
		Namespace   string            `yaml:"namespace"`
		Title       string            `yaml:"title"`
		Annotations map[string]string `yaml:"annotations"`
	} `yaml:"metadata"`
	Spec yaml.Node `yaml:"spec"`

	file, position, ref string
}

// namespace is where the entity's own short references point.
func (e *entity) namespace() string {
	if e.Metadata.Namespace == "" {
		return defaultNamespace
	}
	return e.Metadata.Namespace
}

func (e *entity) annotation(name string) string {
	return strings.TrimSpace(e.Metadata.Annotations["muster/"+name])
}

// problem is an error in words for people, continued after the file's name.
type problem string

// Error returns the words.
func (p problem) Error() string { return string(p) }

// document adds one document; an error makes the file unusable.
func (m *merger) document(doc *yaml.Node, file string) error {
	if doc.Kind == 0 || len(doc.Content) == 1 && doc.Content[0].Tag == "!!null" {
		return nil // between two --- there may be nothing
	}
	e := &entity{file: file, position: position(doc)}
	if err := doc.Decode(e); err != nil {
		return problem("is not a catalog entity: a field holds something else than it should. Repair it.")
	}
	if !strings.HasPrefix(e.APIVersion, "backstage.io/") {
		m.notice(e, "is not a Backstage entity (its apiVersion does not begin with backstage.io/) and was passed over.")
		return nil
	}
	read := map[string]func(*entity) error{
		"component": m.service, "resource": m.service, "system": m.system, "group": m.group, "user": m.user,
	}[strings.ToLower(e.Kind)]
	if read == nil {
		m.notice(e, fmt.Sprintf("is of the kind %.40q, which says nothing about ownership, and was passed over.", e.Kind))
		return nil
	}
	var err error
	if e.ref, err = ref(e.Kind, e.namespace(), e.Metadata.Name); err != nil {
		return problem(fmt.Sprintf("has no usable name: %.60q. Use letters, digits and any of _ . - between them.", e.Metadata.Name))
	}
	if first := m.first[e.ref]; first != nil {
		m.refuse(file, e.position, fmt.Sprintf("repeats %s, which is in %s (%s). This one was left out; keep one of them.", e.ref, first.file, first.position))
		return nil
	}
	if len(m.first) >= maxEntities {
		return problem(fmt.Sprintf("has more than %d entities with the files before it. Split the company.", maxEntities))
	}
	m.first[e.ref] = e
	return read(e)
}
