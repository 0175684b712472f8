package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/musterbot/muster/campaign"
)

// EncodeRecord returns a version and a value as one stored value: the version
// in decimal, a line feed, the value, shrunk. A script in Redis can read the
// version too.
func EncodeRecord(version uint64, data []byte) []byte {
	return AppendRecord(make([]byte, 0, len(data)/4+24), version, data)
}

// AppendRecord is EncodeRecord that appends to out.
func AppendRecord(out []byte, version uint64, data []byte) []byte {
	out = strconv.AppendUint(out, version, 10)
	return appendShrunk(append(out, '\n'), data)
}

// DecodeRecord is the inverse of EncodeRecord. data may be a part of value, not
// a copy.
func DecodeRecord(value []byte) (version uint64, data []byte, err error) {
	if version, err = RecordVersion(value); err != nil {
		return 0, nil, err
	}
	_, data, _ = bytes.Cut(value, []byte{'\n'})
	if data, err = grown(data); err != nil {
		return 0, nil, fmt.Errorf("decode record: %w", err)
	}
	return version, data, nil
}

// RecordVersion is DecodeRecord for the version alone.
func RecordVersion(value []byte) (uint64, error) {
	head, _, found := bytes.Cut(value, []byte{'\n'})
	if !found {
		return 0, fmt.Errorf("decode record: no version in %d bytes", len(value))
	}
	version, err := strconv.ParseUint(string(head), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("decode record: %w", err)
	}
	return version, nil
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
	return appendShrunk(make([]byte, 0, len(out)/2), out), nil
}

// DecodeAudit is the inverse of EncodeAudit.
func DecodeAudit(seq uint64, value []byte) (campaign.AuditRecord, error) {
	var rec campaign.AuditRecord
	value, err := grown(value)
	if err == nil {
		err = json.Unmarshal(value, &rec)
	}
	if err != nil {
		return rec, fmt.Errorf("decode audit record %d: %w", seq, err)
	}
	rec.Seq = seq
	return rec, nil
}
