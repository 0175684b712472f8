// Package templates holds every word that Muster says: text/template files,
// embedded and open to being overridden from a folder, filled with the data that
// package campaign declares. It also turns the Markdown that people write into
// Slack's mark-up. Text from outside is escaped by construction: each action of
// a template is escaped unless its value is campaign.Markup.
package templates

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"text/template"
	"unicode/utf8"

	"github.com/musterbot/muster/campaign"
)

//go:embed *.tmpl
var builtin embed.FS

const (
	suffix    = ".tmpl"
	maxText   = 64 << 10 // bytes of one template
	maxFrozen = 256      // parsed approved texts that are kept
)

// Set is the templates that are in force. It may be used from many goroutines.
type Set struct {
	texts   map[string]string
	current map[string]*template.Template
	entries map[string]entry

	mu     sync.Mutex
	frozen map[string]*template.Template // name and text -> parsed, at most maxFrozen
}

var _ campaign.Renderer = (*Set)(nil)

// Load returns the built-in templates, with those of the folder in their place;
// a blank dir means none. Each is rendered with a sample, so that a wrong
// override is an error here and not when it is to be sent. A file that overrides
// nothing is an error as well: it is a misspelt name.
func Load(dir string) (*Set, error) {
	s := &Set{texts: map[string]string{}, current: map[string]*template.Template{}, entries: entries(), frozen: map[string]*template.Template{}}
	for name := range s.entries {
		text, err := builtin.ReadFile(name + suffix)
		if err != nil {
			return nil, fmt.Errorf("read template %s: %w", name, err)
		}
		s.texts[name] = string(text)
	}
	if err := s.override(dir); err != nil {
		return nil, err
	}
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(s.texts)) {
		if err := s.check(name); err != nil {
			problems = append(problems, err)
		}
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return s, nil
}

// override reads the templates of a folder.
func (s *Set) override(dir string) error {
	if dir == "" {
		return nil
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("read templates: %w", err)
	}
	for _, f := range files {
		name, isTemplate := strings.CutSuffix(f.Name(), suffix)
		if f.IsDir() || !isTemplate {
			continue
		}
		if _, known := s.entries[name]; !known {
			return fmt.Errorf("template %s overrides nothing; the names are %s", f.Name(), strings.Join(slices.Sorted(maps.Keys(s.entries)), ", "))
		}
		info, err := os.Stat(filepath.Join(dir, f.Name())) // of what a link points to
		if err != nil {
			return fmt.Errorf("read template %s: %w", name, err)
		}
		if info.Size() > maxText {
			return fmt.Errorf("template %s has %d bytes; at most %d are allowed", name, info.Size(), maxText)
		}
		text, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			return fmt.Errorf("read template %s: %w", name, err)
		}
		s.texts[name] = string(text)
	}
	return nil
}

// check parses a template and renders it with its sample, and with nothing in
// any field.
func (s *Set) check(name string) error {
	e := s.entries[name]
	t, err := compile(name, s.texts[name], e.form)
	if err != nil {
		return fmt.Errorf("parse template %s: %w", name, err)
	}
	s.current[name] = t
	for _, data := range []any{e.sample, reflect.Zero(reflect.TypeOf(e.sample)).Interface()} {
		if _, err := render(t, e, data); err != nil {
			return fmt.Errorf("try template %s: %w", name, err)
		}
	}
	return nil
}

// Texts implements campaign.Renderer.
func (s *Set) Texts() map[string]string { return maps.Clone(s.texts) }

// Render implements campaign.Renderer. Data must be of the type that package
// campaign declares for the template.
func (s *Set) Render(texts map[string]string, name string, data any) (string, error) {
	e, known := s.entries[name]
	if !known {
		return "", fmt.Errorf("render %s: no such template", name)
	}
	if got, want := reflect.TypeOf(data), reflect.TypeOf(e.sample); got != want {
		return "", fmt.Errorf("render %s: data is a %v, not a %v", name, got, want)
	}
	t := s.current[name]
	if text, kept := texts[name]; kept && text != s.texts[name] {
		var err error
		if t, err = s.approved(name, text, e.form); err != nil {
			return "", fmt.Errorf("parse approved template %s: %w", name, err)
		}
	}
	out, err := render(t, e, data)
	if err != nil {
		return "", fmt.Errorf("render %s: %w", name, err)
	}
	return out, nil
}

// approved returns the template of a text that differs from the current one.
func (s *Set) approved(name, text string, f form) (*template.Template, error) {
	key := name + "\x00" + text
	s.mu.Lock()
	defer s.mu.Unlock()
	if t, ok := s.frozen[key]; ok {
		return t, nil
	}
	t, err := compile(name, text, f)
	if err != nil {
		return nil, err
	}
	if len(s.frozen) >= maxFrozen {
		clear(s.frozen)
	}
	s.frozen[key] = t
	return t, nil
}

// compile returns the template with every action escaped for its form.
func compile(name, text string, f form) (*template.Template, error) {
	if !utf8.ValidString(text) {
		return nil, errors.New("the text is not UTF-8")
	}
	t, err := template.New(name).Funcs(f.funcs()).Option("missingkey=error").Parse(text)
	if err != nil {
		return nil, err
	}
	for _, part := range t.Templates() {
		escapeTree(part.Tree)
	}
	return t, nil
}

func render(t *template.Template, e entry, data any) (string, error) {
	var b bytes.Buffer
	if err := t.Execute(&b, data); err != nil {
		return "", err
	}
	return e.form.tidy(b.String()), nil
}

var (
	trailing   = regexp.MustCompile(`[ \t]+\n`)
	manyBlanks = regexp.MustCompile(`\n{3,}`)
)

// tidy removes what conditions leave behind: blanks at line ends, and more than
// one blank line.
func (f form) tidy(text string) string {
	if f == plain {
		return strings.Join(strings.Fields(text), " ")
	}
	text = trailing.ReplaceAllString(text, "\n")
	return strings.TrimSpace(manyBlanks.ReplaceAllString(text, "\n\n"))
}
