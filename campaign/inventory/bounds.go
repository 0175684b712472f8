package inventory

import (
	"io"
	"strings"
)

// Bounds of one inventory file.
const (
	MaxFileBytes  = 1 << 30 // unpacked
	maxComponents = 400_000
	maxElement    = 1 << 20 // one CSV record, one token of XML
	readerSlack   = 2 * sniffBytes
)

// bounds is a reader that stops at too many bytes, and at an element that does
// not end, before the decoder behind it sees them.
type bounds struct {
	r   io.Reader
	max int64 // bytes in all

	read  int64
	until int64 // the element that is being read must end before; 0: no element
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
	return n, err
}

// usablePURL returns whether a text has the parts of a package URL. It is a
// glance, since it is taken at every component of the estate: the parser of
// campaign/advisory decides.
func usablePURL(purl string) bool {
	if len(purl) < len("pkg:a/b") || !strings.EqualFold(purl[:len("pkg:")], "pkg:") {
		return false
	}
	rest := strings.TrimLeft(purl[len("pkg:"):], "/")
	if i := strings.IndexAny(rest, "?#"); i >= 0 {
		rest = rest[:i]
	}
	slash := strings.LastIndexByte(rest, '/')
	if slash <= 0 {
		return false
	}
	name := rest[slash+1:]
	if at := strings.IndexByte(name, '@'); at >= 0 {
		name = name[:at]
	}
	return name != ""
}
