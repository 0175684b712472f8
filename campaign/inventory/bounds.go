package inventory

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/musterbot/muster/campaign"
)

// Bounds of what is inside a file.
const (
	maxDepth    = 64
	maxElement  = 8 << 20 // one component, one CSV record, one value that is skipped
	readerSlack = 2 * sniffBytes
)

// bounds is a reader that stops at too many bytes, at too deep nesting, and at
// an element that does not end, before the decoder behind it sees them.
type bounds struct {
	r    io.Reader
	max  int64 // bytes in all
	json bool  // the nesting counts

	read     int64
	until    int64 // the element that is being read must end before; 0: no element
	depth    int
	deepest  int
	inString bool
	escaped  bool
}

func (b *bounds) Read(p []byte) (int, error) {
	// A decoder whose buffer once grew would read far ahead of its element.
	n, err := b.r.Read(p[:min(len(p), sniffBytes)])
	b.read += int64(n)
	switch {
	case b.read > b.max:
		return 0, problemf("is larger than %d MB", b.max>>20)
	case b.until > 0 && b.read > b.until+readerSlack:
		return 0, problemf("holds one element larger than %d MB", maxElement>>20)
	}
	b.follow(p[:n])
	if b.json {
		if err := b.nesting(); err != nil {
			return 0, err
		}
	}
	return n, err
}

// nesting returns an error when what was read so far is nested too deep for
// JSON.
func (b *bounds) nesting() error {
	if b.deepest > maxDepth {
		return problemf("nests deeper than %d levels", maxDepth)
	}
	return nil
}

// follow counts brackets outside of strings. It begins before it is known
// whether the file is JSON.
func (b *bounds) follow(p []byte) {
	for _, c := range p {
		switch {
		case b.escaped:
			b.escaped = false
		case b.inString && c == '\\':
			b.escaped = true
		case c == '"':
			b.inString = !b.inString
		case b.inString:
		case c == '{' || c == '[':
			b.depth++
			b.deepest = max(b.deepest, b.depth)
		case c == '}' || c == ']':
			b.depth--
		}
	}
}

// stream walks one JSON document by tokens and decodes only small elements.
type stream struct {
	*json.Decoder
	bounds *bounds
}

// element decodes the next value, which must be small.
func (s stream) element(into any) error {
	s.bounds.until = s.InputOffset() + maxElement
	err := s.Decode(into)
	s.bounds.until = 0
	return err
}

// fields calls visit for each field of the object that begins next. visit must
// consume the field's value.
func (s stream) fields(visit func(key string) error) error {
	if ok, err := s.open('{'); !ok || err != nil {
		return err
	}
	for s.More() {
		key, err := s.token()
		if err != nil {
			return err
		}
		name, _ := key.(string)
		if err := visit(name); err != nil {
			return err
		}
	}
	_, err := s.token()
	return err
}

// elements calls visit before each element of the list that begins next. A
// null is an empty list.
func (s stream) elements(visit func() error) error {
	if ok, err := s.open('['); !ok || err != nil {
		return err
	}
	for s.More() {
		if err := visit(); err != nil {
			return err
		}
	}
	_, err := s.token()
	return err
}

// open consumes an opening bracket; false for a null in its place.
func (s stream) open(bracket json.Delim) (bool, error) {
	t, err := s.token()
	if err != nil || t == nil {
		return false, err
	}
	if t != bracket {
		return false, problemf("has something else where %q should stand", bracket.String())
	}
	return true, nil
}

// skip passes over the next value without keeping it: objects field by field,
// lists element by element, so that only an element is ever in memory.
func (s stream) skip() error {
	t, err := s.token()
	if err != nil {
		return err
	}
	switch t {
	case json.Delim('['):
		for s.More() {
			if err := s.element(&ignored{}); err != nil {
				return err
			}
		}
	case json.Delim('{'):
		for s.More() {
			if _, err := s.token(); err != nil {
				return err
			}
			if err := s.skip(); err != nil {
				return err
			}
		}
	default:
		return nil
	}
	_, err = s.token()
	return err
}

// ignored is a value of which nothing is kept.
type ignored struct{}

// UnmarshalJSON implements json.Unmarshaler.
func (*ignored) UnmarshalJSON([]byte) error { return nil }

func (s stream) token() (json.Token, error) {
	s.bounds.until = s.InputOffset() + maxElement
	t, err := s.Token()
	s.bounds.until = 0
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF // Token calls a document that breaks off its end
	}
	return t, err
}

// refusal puts an error of reading a document into words for people.
func refusal(file, position string, err error) campaign.Refusal {
	words := "cannot be read"
	if p, ok := errors.AsType[problem](err); ok {
		words = p.words
	} else if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		words, position = "is not valid JSON", fmt.Sprintf("byte %d", e.Offset)
	} else if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		words = fmt.Sprintf("holds a %s in the field %q, where something else belongs", e.Value, e.Field)
	} else if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		words = "breaks off before its end"
	} else if err != nil {
		words = "cannot be read: " + errorText(err)
	}
	return campaign.Refusal{File: file, Position: position, Problem: words + ". Nothing of it was used; run the scan again, or repair the file."}
}
