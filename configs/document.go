package configs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// document reads a YAML file strictly: it knows every key, its type and its
// line. It is a koanf.Parser.
type document struct {
	name     string                      // of the file, for messages
	lookup   func(string) (string, bool) // of ${VAR}
	problems Problems
	origins  map[string]string
}

// Unmarshal returns the document's values by key. What is wrong is collected
// in problems; the error is only for what is not YAML at all.
func (d *document) Unmarshal(text []byte) (map[string]any, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var root yaml.Node
	if err := decoder.Decode(&root); errors.Is(err, io.EOF) {
		return map[string]any{}, nil
	} else if err != nil {
		return nil, d.notYAML(err)
	}
	var more yaml.Node
	if err := decoder.Decode(&more); err == nil {
		d.refuse(&more, "", "a second document begins here", "Keep one document in the file.")
	} else if !errors.Is(err, io.EOF) {
		return nil, d.notYAML(err)
	}
	content := root.Content[0]
	if content.Tag == "!!null" {
		return map[string]any{}, nil
	}
	return d.section(content, reflect.TypeFor[Config](), ""), nil
}

// Marshal is not needed to read; koanf's interface asks for it.
func (d *document) Marshal(map[string]any) ([]byte, error) {
	return nil, errors.New("a configuration is not written back")
}

func (d *document) notYAML(err error) error {
	return Problems{{
		Where: d.name,
		What:  "this is not YAML (" + strings.TrimPrefix(err.Error(), "yaml: ") + ")",
		Do:    "Check indentation, colons and quotes near that line.",
	}}
}

func (d *document) where(node *yaml.Node) string {
	return fmt.Sprintf("%s:%d", d.name, node.Line)
}

func (d *document) refuse(node *yaml.Node, path, what, do string) {
	d.problems = append(d.problems, Problem{Where: d.where(node), Path: path, What: what, Do: do})
}

// section reads a group of keys.
func (d *document) section(node *yaml.Node, t reflect.Type, path string) map[string]any {
	node = resolve(node)
	if node.Tag == "!!null" { // a key with everything below it commented out
		return map[string]any{}
	}
	if node.Kind != yaml.MappingNode {
		d.refuse(node, path, "a group of keys is expected here",
			"It knows "+strings.Join(sortedKeys(keysOf(t)), ", ")+".")
		return nil
	}
	known := keysOf(t)
	values := map[string]any{}
	seen := map[string]int{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, child := node.Content[i], node.Content[i+1]
		childPath := join(path, key.Value)
		childType, ok := known[key.Value]
		if !ok {
			d.unknown(key, path, known)
			continue
		}
		if line, twice := seen[key.Value]; twice {
			d.refuse(key, childPath, fmt.Sprintf("the key stands on line %d already", line), "Keep one of them.")
			continue
		}
		seen[key.Value] = key.Line
		d.origins[childPath] = d.where(key)
		if v := d.node(child, childType, childPath); v != nil {
			values[key.Value] = v
		}
	}
	return values
}

// node reads a value of any type; nil means that there is none to use.
func (d *document) node(node *yaml.Node, t reflect.Type, path string) any {
	node = resolve(node)
	switch {
	case isSection(t):
		return d.section(node, t, path)
	case node.Tag == "!!null":
		return nil
	case t.Kind() == reflect.Slice:
		if node.Kind != yaml.SequenceNode {
			d.refuse(node, path, "a list is expected here", "Write each entry on a line of its own after a dash.")
			return nil
		}
		list := []any{}
		for i, entry := range node.Content {
			entryPath := fmt.Sprintf("%s[%d]", path, i)
			d.origins[entryPath] = d.where(entry)
			if v := d.node(entry, t.Elem(), entryPath); v != nil {
				list = append(list, v)
			}
		}
		return list
	case t.Kind() == reflect.Map:
		return d.names(node, t, path)
	case t.Kind() == reflect.Interface:
		return d.free(node, path, 0)
	case node.Kind != yaml.ScalarNode:
		d.refuse(node, path, "one value is expected here", "Remove the list or group.")
		return nil
	}
	text, ok := d.expand(node, path)
	if !ok {
		return nil
	}
	v, expected := value(text, t)
	if expected != "" {
		d.refuse(node, path, "the value cannot be read", "Write "+expected+".")
		return nil
	}
	return v
}

// names reads a map whose keys people choose.
func (d *document) names(node *yaml.Node, t reflect.Type, path string) any {
	if node.Kind != yaml.MappingNode {
		d.refuse(node, path, "a group of names is expected here", "Write each as NAME: VALUE on a line of its own.")
		return nil
	}
	values := map[string]any{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, child := node.Content[i], node.Content[i+1]
		childPath := join(path, key.Value)
		if _, twice := values[key.Value]; twice {
			d.refuse(key, childPath, "the name stands here twice", "Keep one of them.")
			continue
		}
		d.origins[childPath] = d.where(key)
		if v := d.node(child, t.Elem(), childPath); v != nil {
			values[key.Value] = v
		}
	}
	return values
}

// maxNesting bounds how deep a free value goes.
const maxNesting = 8

// free reads a value that another system understands: its groups, lists and plain
// values, with ${VAR} in texts. An alias would make it as large as one likes.
func (d *document) free(node *yaml.Node, path string, depth int) any {
	switch {
	case node.Kind == yaml.AliasNode, depth > maxNesting:
		d.refuse(node, path, "a value here cannot be an alias, or deeper than 8 levels", "Write it out.")
		return nil
	case node.Kind == yaml.SequenceNode:
		list := []any{}
		for i, entry := range node.Content {
			list = append(list, d.free(entry, fmt.Sprintf("%s[%d]", path, i), depth+1))
		}
		return list
	case node.Kind == yaml.MappingNode:
		group := map[string]any{}
		for i := 0; i+1 < len(node.Content); i += 2 {
			key := node.Content[i].Value
			group[key] = d.free(node.Content[i+1], join(path, key), depth+1)
		}
		return group
	}
	switch node.Tag {
	case "!!int", "!!float", "!!bool", "!!null":
		var v any
		if err := node.Decode(&v); err != nil {
			d.refuse(node, path, "the value cannot be read", "Write it in quotes if it is a text.")
			return nil
		}
		if f, ok := v.(float64); ok && (math.IsNaN(f) || math.IsInf(f, 0)) {
			d.refuse(node, path, "the value cannot be read", "Write a number that has an end.")
			return nil
		}
		return v
	}
	text, ok := d.expand(node, path)
	if !ok {
		return nil
	}
	return text
}

// unknown refuses a key and names the one that was probably meant: in the same
// group, or of the same name in another.
func (d *document) unknown(key *yaml.Node, path string, known map[string]reflect.Type) {
	names := sortedKeys(known)
	do := "Known here: " + strings.Join(names, ", ") + "."
	if near := Nearest(key.Value, names); near != "" {
		do = fmt.Sprintf("Did you mean %q?", join(path, near))
	} else {
		for _, elsewhere := range sortedKeys(leaves(reflect.TypeFor[Config](), "")) {
			if strings.HasSuffix(elsewhere, "."+key.Value) {
				do = fmt.Sprintf("Did you mean %q?", elsewhere)
				break
			}
		}
	}
	d.refuse(key, join(path, key.Value), "there is no such key", do)
}

// reference is ${VAR}, or $${VAR} for a literal ${VAR}.
var reference = regexp.MustCompile(`\$?\$\{([^}]*)\}`)

// expand replaces each ${VAR}; a variable that is not set is a problem, and an
// empty one is not.
func (d *document) expand(node *yaml.Node, path string) (string, bool) {
	ok := true
	text := reference.ReplaceAllStringFunc(node.Value, func(match string) string {
		if strings.HasPrefix(match, "$$") {
			return match[1:]
		}
		name := match[2 : len(match)-1]
		v, set := d.lookup(name)
		if !set {
			ok = false
			d.refuse(node, path, fmt.Sprintf("the variable %q is not set", name),
				"Set it, or write the value here; $${…} writes the characters themselves.")
		}
		return v
	})
	return text, ok
}

// resolve follows an alias to what it stands for.
func resolve(node *yaml.Node) *yaml.Node {
	if node.Kind == yaml.AliasNode {
		return node.Alias
	}
	return node
}
