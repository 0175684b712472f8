package advisory

import (
	"bytes"
	"encoding/json"
	"errors"

	"go.yaml.in/yaml/v3"
)

// maxYAMLBytes bounds a record in YAML, whose parser takes some hundred bytes
// for each of its values. The records that are published so are far smaller.
const maxYAMLBytes = 1 << 20

var errYAML = errors.New("not a mapping of plain values")

// fromYAML returns a record in YAML as JSON. Every plain value stays the text
// that it is: as a number, version 2.10 would become 2.1.
func fromYAML(raw []byte) ([]byte, error) {
	if len(raw) > maxYAMLBytes {
		return nil, refuse(nil, "The advisory is larger than %d MB, which no OSV record in YAML is. Nothing was kept; give the record as JSON.", maxYAMLBytes>>20)
	}
	if yamlDepth(raw) > maxRecordDepth {
		return nil, refuse(nil, "The advisory nests deeper than %d levels, which no OSV record does. Nothing was kept.", maxRecordDepth)
	}
	var root yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(raw))
	err := decoder.Decode(&root)
	if err == nil && (len(root.Content) != 1 || root.Content[0].Kind != yaml.MappingNode) {
		err = errYAML
	}
	if err != nil {
		return nil, refuse(err, "The advisory is not a readable OSV record (JSON or YAML). Nothing was kept; fetch it again, e.g. from osv.dev.")
	}
	value, err := yamlValue(root.Content[0], 0)
	if err != nil {
		return nil, refuse(err, "The advisory uses anchors, aliases or keys that no OSV record has. Nothing was kept; give the record as JSON.")
	}
	out, err := json.Marshal(value)
	if err != nil {
		return nil, refuse(err, "The advisory cannot be read as an OSV record. Nothing was kept; give the record as JSON.")
	}
	return out, nil
}

// yamlDepth is how deep flow collections and indentation may nest at most: the
// parser itself walks as deep as the text says.
func yamlDepth(raw []byte) int {
	deepest := depth(raw)
	for line := range bytes.Lines(raw) {
		// "- - - -" opens a list with each mark.
		marks := 0
		for rest := bytes.TrimLeft(line, " "); bytes.HasPrefix(rest, []byte("- ")) || bytes.HasPrefix(rest, []byte("? ")); rest = bytes.TrimLeft(rest[2:], " ") {
			marks++
		}
		deepest = max(deepest, marks)
	}
	return deepest
}

func yamlValue(n *yaml.Node, level int) (any, error) {
	if level > maxRecordDepth || n.Anchor != "" {
		return nil, errYAML
	}
	switch n.Kind {
	case yaml.MappingNode:
		m := make(map[string]any, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Kind != yaml.ScalarNode {
				return nil, errYAML
			}
			v, err := yamlValue(n.Content[i+1], level+1)
			if err != nil {
				return nil, err
			}
			m[n.Content[i].Value] = v
		}
		return m, nil
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, item := range n.Content {
			v, err := yamlValue(item, level+1)
			if err != nil {
				return nil, err
			}
			list[i] = v
		}
		return list, nil
	case yaml.ScalarNode:
		if n.ShortTag() == "!!null" {
			return nil, nil
		}
		return n.Value, nil
	}
	return nil, errYAML
}
