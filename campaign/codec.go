package campaign

import (
	"context"
	"encoding/json"
	"fmt"
)

// Load returns one decoded record and its version, or NotFound.
func Load[T any](ctx context.Context, r Reader, scope Scope, kind RecordKind, id string) (T, uint64, error) {
	var value T
	record, err := r.Get(ctx, scope, kind, id)
	if err != nil {
		return value, 0, err
	}
	if err := json.Unmarshal(record.Data, &value); err != nil {
		return value, 0, fmt.Errorf("decode %s/%s: %w", kind, id, err)
	}
	return value, record.Version, nil
}

// Put returns the record that replaces the version given; 0 creates it.
func Put[T any](kind RecordKind, id string, version uint64, value T) (Record, error) {
	data, err := json.Marshal(value)
	if err != nil {
		return Record{}, fmt.Errorf("encode %s/%s: %w", kind, id, err)
	}
	return Record{Kind: kind, ID: id, Version: version, Data: data}, nil
}
