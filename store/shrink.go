package store

import (
	_ "embed"
	"fmt"

	"github.com/klauspost/compress/s2"
)

// A company of 100,000 services has half a million small records that say much
// the same. Each is stored as what differs from a dictionary, as a block of S2
// (github.com/klauspost/compress/s2): about a fifth of its size, in less than a
// microsecond.

// dictionary1 is what records mostly look like. What is stored can only be read
// with the very dictionary that it was written with: this one never changes. A
// better one is a file of its own, with a mark of its own.
//
//go:embed dictionary1.txt
var dictionary1 []byte

// The first byte of a stored value. One that starts with any other is as it was
// given: JSON, or data that is compressed already.
const (
	markPlain    = 0x00 // the rest is as it was given, though it starts with a mark
	markShrunk1  = 0x01 // the rest is a block with dictionary1
	firstNotMark = 0x10
)

// shrinkFrom is the length from which a value is worth it.
const shrinkFrom = 64

// maxShrunk bounds what a stored value says that it unpacks to: more than any
// record may have.
const maxShrunk = 2 << 20

// words1 is safe for concurrent use.
var words1 = s2.MakeDict(dictionary1, nil)

// appendShrunk appends the stored form of data.
func appendShrunk(out, data []byte) []byte {
	switch {
	case len(data) > 0 && data[0] < firstNotMark:
		return append(append(out, markPlain), data...)
	case len(data) < shrinkFrom || data[0] != '{':
		return append(out, data...)
	}
	block := words1.Encode(nil, data)
	if len(block) >= len(data) {
		return append(out, data...)
	}
	return append(append(out, markShrunk1), block...)
}

// grown is the inverse of appendShrunk. It is a part of stored, or a copy.
func grown(stored []byte) ([]byte, error) {
	if len(stored) == 0 || stored[0] >= firstNotMark {
		return stored, nil
	}
	mark, block := stored[0], stored[1:]
	switch mark {
	case markPlain:
		return block, nil
	case markShrunk1:
		if n, err := s2.DecodedLen(block); err != nil || n > maxShrunk {
			return nil, fmt.Errorf("unpack %d bytes: damaged", len(block))
		}
		out, err := words1.Decode(nil, block)
		if err != nil {
			return nil, fmt.Errorf("unpack %d bytes: %w", len(block), err)
		}
		return out, nil
	}
	return nil, fmt.Errorf("unpack: a newer program wrote it (mark %d)", mark)
}
