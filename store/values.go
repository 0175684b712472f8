package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/musterbot/muster/campaign"
)

// EncodeRecord returns a version and a value as one stored value: the version
// in decimal, a line feed, the value. A script in Redis can read that too.
func EncodeRecord(version uint64, data []byte) []byte {
	out := make([]byte, 0, len(data)+8)
	out = strconv.AppendUint(out, version, 10)
	out = append(out, '\n')
	return append(out, data...)
}

// DecodeRecord is the inverse of EncodeRecord. data is a part of value, not a
// copy.
func DecodeRecord(value []byte) (version uint64, data []byte, err error) {
	head, data, found := bytes.Cut(value, []byte{'\n'})
	if !found {
		return 0, nil, fmt.Errorf("decode record: no version in %d bytes", len(value))
	}
	version, err = strconv.ParseUint(string(head), 10, 64)
	if err != nil {
		return 0, nil, fmt.Errorf("decode record: %w", err)
	}
	return version, data, nil
}

// EncodeAudit returns the stored form of an audit record. Its sequence stands
// in the key and not in the value, so that the value can be made before the
// sequence is known.
func EncodeAudit(rec campaign.AuditRecord) ([]byte, error) {
	rec.Seq = 0
	rec.At = rec.At.UTC()
	out, err := json.Marshal(rec)
	if err != nil {
		return nil, fmt.Errorf("encode audit record: %w", err)
	}
	return out, nil
}

// DecodeAudit is the inverse of EncodeAudit.
func DecodeAudit(seq uint64, value []byte) (campaign.AuditRecord, error) {
	var rec campaign.AuditRecord
	if err := json.Unmarshal(value, &rec); err != nil {
		return rec, fmt.Errorf("decode audit record %d: %w", seq, err)
	}
	rec.Seq = seq
	return rec, nil
}
