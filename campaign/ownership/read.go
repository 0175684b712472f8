// Package ownership reads who owns what into campaign.Catalog: Backstage catalog
// files, or what its catalog API answers with (Component, Resource, Group,
// User: services, owners and the tree of the organisation), tables of services
// (CSV), and CODEOWNERS files. Where sources do not agree, the one that is
// trusted more counts, and the others are kept beside it.
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

// Read reads catalog files, and in folders *.yaml, *.yml, *.csv, CODEOWNERS, and
// catalog*.json and entities*.json, as one catalog. trust is the order in which the sources count, the
// most trusted first; sources that it leaves out follow in their usual order.
// Invalid when a file cannot be read, or when groups are each other's parents:
// then there is no catalog, and the remarks say what is wrong. Otherwise the
// remarks tell what was left out (a second entity of the same name, a broken
// reference) and, as notices, what is doubtful (an owner who is not in the
// catalog).
func Read(paths, trust []string) (campaign.Catalog, []campaign.Refusal, error) {
	m := newMerger()
	for _, source := range slices.Backward(trust) {
		rest := slices.DeleteFunc(slices.Clone(m.trust), func(s string) bool { return s == source })
		m.trust = append([]string{source}, rest...)
	}
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
	catalog, remarks, err := m.result()
	if err == nil && len(catalog.Services)+len(catalog.Units)+len(catalog.Members) == 0 {
		return catalog, remarks, campaign.Refuse(campaign.Invalid, "Nothing in "+strings.Join(paths, ", ")+" names a service, a group or a person, so the catalog stays as it was. Name the files or folders of the catalog.")
	}
	return catalog, remarks, err
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
		if path != root && strings.HasPrefix(entry.Name(), ".") && !hostFolder(entry.Name()) {
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if entry.IsDir() && hostFolder(filepath.Base(filepath.Dir(path))) {
			return fs.SkipDir
		}
		if !entry.IsDir() && (path == root || isSource(path)) {
			files = append(files, path)
		}
		return nil
	})
	return files, err
}

// isSource returns whether a file in a folder is meant for us, by its name.
func isSource(path string) bool {
	name := strings.ToLower(filepath.Base(path))
	switch {
	case isRules(path):
		return true
	case hostFolder(filepath.Base(filepath.Dir(path))):
		return false
	case strings.HasSuffix(name, ".json"): // what the API answered; other JSON is not ours
		return strings.HasPrefix(name, "entities") || strings.HasPrefix(name, "catalog")
	}
	return slices.Contains([]string{".yaml", ".yml", ".csv"}, filepath.Ext(name))
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
	switch {
	case isRules(path):
		m.readRuleFile(f, path)
	case strings.EqualFold(filepath.Ext(path), ".csv"):
		m.readTable(f, path)
	default:
		m.read(f, path)
	}
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
		for _, one := range entities(&doc) {
			if err := m.document(one, file); err != nil {
				m.spoil(file, position(one), err.Error())
				return
			}
		}
	}
}

// entities returns the entities of a document: itself, or those of the list that
// Backstage's catalog API answers with, bare (/entities) or as its items
// (/entities/by-query). JSON is YAML.
func entities(doc *yaml.Node) []*yaml.Node {
	node := doc
	for node.Kind == yaml.DocumentNode && len(node.Content) == 1 {
		node = node.Content[0]
	}
	if node.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == "items" && node.Content[i+1].Kind == yaml.SequenceNode {
				return node.Content[i+1].Content
			}
		}
	}
	if node.Kind == yaml.SequenceNode {
		return node.Content
	}
	return []*yaml.Node{doc}
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
