// Package secret holds values that cannot be printed: tokens, passwords and
// addresses that carry one. Whatever formats, logs or encodes them gets a mark
// in their place; only Reveal gives the value, so a search for it finds every
// use. The package imports nothing of ours and is open to all rooms.
package secret

import (
	"fmt"
	"io"
)

const redacted = "[redacted]"

// Secret is a value that cannot be printed. The zero value is empty. It is
// immutable and may be copied; compare what Reveal returns, not two Secrets.
type Secret struct {
	v *string // a pointer, because fmt calls no methods on unexported fields
}

// New returns a Secret that holds value.
func New(value string) Secret { return Secret{v: &value} }

// Reveal returns the value itself, for the one call that needs it.
func (s Secret) Reveal() string {
	if s.v == nil {
		return ""
	}
	return *s.v
}

// IsZero reports whether no value, or an empty one, is held.
func (s Secret) IsZero() bool { return s.Reveal() == "" }

// Format writes a mark instead of the value, whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// String returns a mark instead of the value.
func (Secret) String() string { return redacted }

// MarshalText returns a mark instead of the value. A config that was written
// out therefore cannot be read back with its secrets.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// UnmarshalText takes text as the value.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = New(string(text))
	return nil
}
