package ownership

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/musterbot/muster/campaign"
)

// fragment is as much of an entity as a correction changes.
type fragment struct {
	APIVersion string           `yaml:"apiVersion"`
	Kind       string           `yaml:"kind"`
	Metadata   fragmentMetadata `yaml:"metadata"`
	Spec       *fragmentSpec    `yaml:"spec,omitempty"`
}

type fragmentMetadata struct {
	Name        string            `yaml:"name"`
	Namespace   string            `yaml:"namespace,omitempty"`
	Annotations map[string]string `yaml:"annotations,omitempty"`
}

type fragmentSpec struct {
	Owner string `yaml:"owner"`
}

var kindNames = map[string]string{"component": "Component", "resource": "Resource", "api": "API", "system": "System"}

// WritePatch writes corrections as fragments of Backstage entities, one document
// each, that somebody can merge into the catalog's files.
func WritePatch(w io.Writer, corrections []campaign.Correction) error {
	encoder := yaml.NewEncoder(w)
	encoder.SetIndent(2)
	for _, c := range corrections {
		kind, namespace, name := splitRef(c.Service)
		f := fragment{APIVersion: "backstage.io/v1alpha1", Kind: kindNames[kind], Metadata: fragmentMetadata{Name: name}}
		if f.Kind == "" {
			f.Kind = kind
		}
		if namespace != defaultNamespace {
			f.Metadata.Namespace = namespace
		}
		if c.Layer == "" || c.Layer == campaign.LayerApplication {
			f.Spec = &fragmentSpec{Owner: c.To}
		} else {
			f.Metadata.Annotations = map[string]string{"muster/owner-" + string(c.Layer): c.To}
		}
		var node yaml.Node
		if err := node.Encode(f); err != nil {
			return fmt.Errorf("encode correction of %s: %w", c.Service, err)
		}
		node.HeadComment = oneLine(fmt.Sprintf("was %s; %s %s, campaign %s: %s", c.From, c.By.User(), c.At.Format(time.DateOnly), c.Campaign, c.Reason))
		if err := encoder.Encode(&node); err != nil {
			return fmt.Errorf("write correction of %s: %w", c.Service, err)
		}
	}
	if err := encoder.Close(); err != nil {
		return fmt.Errorf("write corrections: %w", err)
	}
	return nil
}

// WritePatchTable writes corrections as a table that muster import catalog reads:
// service and owner first, what they hold over after that.
func WritePatchTable(w io.Writer, corrections []campaign.Correction) error {
	out := csv.NewWriter(w)
	rows := [][]string{{"service", "owner", "layer", "was", "by", "at", "campaign", "reason"}}
	for _, c := range corrections {
		rows = append(rows, []string{c.Service, c.To, string(c.Layer), c.From, c.By.User(), c.At.Format(time.RFC3339), c.Campaign, plainCell(c.Reason)})
	}
	if err := out.WriteAll(rows); err != nil {
		return fmt.Errorf("write corrections: %w", err)
	}
	return nil
}

// plainCell keeps a spreadsheet from taking a text for a formula.
func plainCell(text string) string {
	if strings.HasPrefix(text, "=") || strings.HasPrefix(text, "+") || strings.HasPrefix(text, "-") || strings.HasPrefix(text, "@") {
		return "'" + text
	}
	return text
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

func splitRef(ref string) (kind, namespace, name string) {
	kind, rest, _ := strings.Cut(ref, ":")
	namespace, name, _ = strings.Cut(rest, "/")
	return kind, namespace, name
}
