// Package store holds what the back ends behind campaign.Store share: the order
// of keys, the form of values, the names of their families, and the words of
// their refusals. Package bolt is the embedded back end; package storetest is
// the contract that each has to keep.
package store

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/musterbot/muster/campaign"
)

// The families of keys: a bucket each in bolt, a part of the key in Redis.
const (
	Scopes   = "scopes"   // scope -> sequence of its last audit record
	Records  = "records"  // kind, ID -> version and value
	Index    = "index"    // name, key, ID
	Counters = "counters" // name -> number
	Audit    = "audit"    // sequence -> audit record
	Due      = "due"      // ID -> state of a due entry
	Serials  = "serials"  // serial, sequence -> ID, in the order of work
	Leases   = "leases"   // end of the lease -> ID
	Waiting  = "waiting"  // lane, time, sequence -> ID of what can be claimed
)

// DefaultLimit is how many rows a read returns that does not say.
const DefaultLimit = 1000

// Limit returns the number of rows to read when limit was asked for.
func Limit(limit int) int {
	if limit <= 0 {
		return DefaultLimit
	}
	return limit
}

// AppendPart appends a part of a key so that keys made of parts sort as the
// lists of their parts do, whatever bytes the parts hold: a zero byte becomes
// 00 FF, and 00 01 ends the part.
func AppendPart[T ~string](key []byte, part T) []byte {
	return append(AppendOpen(key, part), 0x00, 0x01)
}

// AppendOpen appends a part without its end: the prefix of all keys whose part
// starts so.
func AppendOpen[T ~string](key []byte, part T) []byte {
	for i := range len(part) {
		key = append(key, part[i])
		if part[i] == 0x00 {
			key = append(key, 0xff)
		}
	}
	return key
}

// Key returns a key of whole parts.
func Key[T ~string](parts ...T) []byte {
	n := 0
	for _, p := range parts {
		n += len(p) + 2
	}
	key := make([]byte, 0, n)
	for _, p := range parts {
		key = AppendPart(key, p)
	}
	return key
}

// CutPart takes the first part off a key.
func CutPart(key []byte) (part string, rest []byte, err error) {
	var out []byte
	for {
		i := bytes.IndexByte(key, 0x00)
		if i < 0 || i+1 >= len(key) {
			return "", nil, fmt.Errorf("read key %q: a part has no end", key)
		}
		out, key = append(out, key[:i]...), key[i:]
		mark := key[1]
		key = key[2:]
		switch mark {
		case 0x01:
			return string(out), key, nil
		case 0xff:
			out = append(out, 0x00)
		default:
			return "", nil, fmt.Errorf("read key: 00 %02x is no part of one", mark)
		}
	}
}

// IndexRow returns what stands for a row within its index, in the order of
// campaign.Reader.Index.
func IndexRow(hit campaign.IndexHit) []byte {
	return append(AppendPart(nil, hit.Key), hit.ID...)
}

// ParseIndexRow is the inverse of IndexRow.
func ParseIndexRow(row []byte) (campaign.IndexHit, error) {
	key, id, err := CutPart(row)
	return campaign.IndexHit{Key: key, ID: string(id)}, err
}

// After returns the smallest key that is greater than key and all that start
// with it, or nil when there is none.
func After(key []byte) []byte {
	key = slices.Clone(key)
	for i := len(key) - 1; i >= 0; i-- {
		if key[i] < 0xff {
			key[i]++
			return key[:i+1]
		}
	}
	return nil
}
