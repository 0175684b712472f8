package secret

import (
	"fmt"
	"io"
	"net/url"
)

// URL is an address that may carry a password. Printed, it shows scheme, host
// and path, and neither user, password nor query. The zero value is empty.
type URL struct {
	v *string
}

// NewURL returns a URL that holds address, which need not be well-formed.
func NewURL(address string) URL { return URL{v: &address} }

// Reveal returns the whole address, for the one call that needs it.
func (u URL) Reveal() string {
	if u.v == nil {
		return ""
	}
	return *u.v
}

// IsZero reports whether no address, or an empty one, is held.
func (u URL) IsZero() bool { return u.Reveal() == "" }

// String returns the address without user, password and query; what is
// not an address becomes a mark, since its secret part cannot be told.
func (u URL) String() string {
	if u.IsZero() {
		return ""
	}
	parsed, err := url.Parse(u.Reveal())
	if err != nil || parsed.Scheme == "" || parsed.Opaque != "" {
		return redacted
	}
	safe := url.URL{Scheme: parsed.Scheme, Host: parsed.Host, Path: parsed.Path}
	return safe.String()
}

// Format writes what String returns, whatever the verb.
func (u URL) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, u.String()) }

// MarshalText returns what String returns.
func (u URL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// UnmarshalText takes text as the address.
func (u *URL) UnmarshalText(text []byte) error {
	*u = NewURL(string(text))
	return nil
}
