package advisory

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/google/osv-scalibr/semantic"
)

// point is one event of a range, with its version parsed.
type point struct {
	event
	text    string
	version semantic.Version // nil for the very beginning, "0"
}

// window is one range of a record: its events in version order, and the
// exclusive upper limits.
type window struct {
	points []point
	limits []semantic.Version
}

// span is what one record says about one package in one release: the entries
// of "affected" that name it, together.
type span struct {
	windows  []window
	versions []string
	parsed   []semantic.Version // of versions, those that parse
	broken   error              // a range of the record that no comparator reads
}

func (s *span) add(a affected, ecosystem string) {
	s.versions = append(s.versions, a.Versions...)
	for _, text := range a.Versions {
		if v, err := parseVersion(text, ecosystem, false); err == nil {
			s.parsed = append(s.parsed, v)
		}
	}
	for _, r := range a.Ranges {
		if !r.usable() {
			continue
		}
		w, err := newWindow(r, ecosystem)
		if err != nil {
			s.broken = err
			continue
		}
		s.windows = append(s.windows, w)
	}
}

func newWindow(r versionRange, ecosystem string) (window, error) {
	var w window
	for _, e := range r.Events {
		text := cmp.Or(e.Introduced, e.Fixed, e.LastAffected, e.Limit)
		if text == "" || e.Limit == "*" {
			continue
		}
		p := point{event: e, text: text}
		if e.Introduced != "0" {
			v, err := parseVersion(text, ecosystem, r.Type == "SEMVER")
			if err != nil {
				return window{}, fmt.Errorf("read range: %w", err)
			}
			p.version = v
		}
		if e.Limit != "" {
			w.limits = append(w.limits, p.version)
			continue
		}
		w.points = append(w.points, p)
	}
	var failed error
	slices.SortStableFunc(w.points, func(a, b point) int {
		c, err := a.compare(b.version)
		failed = cmp.Or(failed, err)
		return c
	})
	return w, failed
}

// compare orders the event's version against v; nil is the very beginning.
func (p point) compare(v semantic.Version) (int, error) {
	switch {
	case p.version == nil && v == nil:
		return 0, nil
	case p.version == nil:
		return -1, nil
	case v == nil:
		return 1, nil
	}
	return p.version.Compare(v)
}

// holds walks the events in version order: what is introduced at or before v
// turns the range on; what is fixed at or before v, or last affected before v,
// turns it off.
func (w window) holds(v semantic.Version) (bool, error) {
	on := false
	for _, p := range w.points {
		c, err := p.compare(v)
		if err != nil {
			return false, err
		}
		switch {
		case p.Introduced != "" && c <= 0:
			on = true
		case p.Fixed != "" && c <= 0, p.LastAffected != "" && c < 0:
			on = false
		}
	}
	if !on || len(w.limits) == 0 {
		return on, nil
	}
	for _, limit := range w.limits {
		if c, err := v.Compare(limit); err != nil || c < 0 {
			return err == nil, err
		}
	}
	return false, nil
}

// holds returns whether the record counts v, written as text, as affected.
func (s *span) holds(text string, v semantic.Version) (bool, error) {
	if slices.Contains(s.versions, text) {
		return true, nil
	}
	for _, listed := range s.parsed {
		if c, err := v.Compare(listed); err == nil && c == 0 {
			return true, nil
		}
	}
	for _, w := range s.windows {
		if on, err := w.holds(v); on || err != nil {
			return on, err
		}
	}
	return false, s.broken
}

// fixes returns the fixed versions above v that the record does not itself
// count as affected, lowest first; all of them when v is nil.
func (s *span) fixes(v semantic.Version) []string {
	var found []point
	for _, w := range s.windows {
		for _, p := range w.points {
			if p.Fixed == "" || p.version == nil {
				continue
			}
			if c, err := p.compare(v); err != nil || c <= 0 {
				continue
			}
			if again, err := s.holds(p.text, p.version); err == nil && !again {
				found = append(found, p)
			}
		}
	}
	slices.SortFunc(found, func(a, b point) int {
		c, _ := a.compare(b.version)
		return cmp.Or(c, strings.Compare(a.text, b.text))
	})
	var texts []string
	for _, p := range found {
		if !slices.Contains(texts, p.text) {
			texts = append(texts, p.text)
		}
	}
	return texts
}
