package web

import "io"

// peeked is a body whose start was looked at.
type peeked struct {
	io.Reader
	io.Closer
}
