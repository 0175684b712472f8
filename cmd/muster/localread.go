package main

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/musterbot/muster/campaign"
)

// readCall is one call of campaign.Reader over the local socket, so that what
// reads a store (audit, doctor) reads that of the running service as well.
type readCall struct {
	Call   string              `json:"call"`
	Scope  campaign.Scope      `json:"scope,omitempty"`
	Kind   campaign.RecordKind `json:"kind,omitempty"`
	ID     string              `json:"id,omitempty"`
	IDs    []string            `json:"ids,omitempty"`
	Name   string              `json:"name,omitempty"`
	Prefix string              `json:"prefix,omitempty"`
	After  string              `json:"after,omitempty"`
	Hit    campaign.IndexHit   `json:"hit,omitzero"`
	Seq    uint64              `json:"seq,omitempty"`
	Limit  int                 `json:"limit,omitempty"`
}

const maxReadCall = 1 << 20

func (h localHandlers) read(w http.ResponseWriter, r *http.Request) {
	var c readCall
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxReadCall)).Decode(&c); err != nil {
		answerLocal[any](w, nil, &campaign.Error{Kind: campaign.Invalid, Err: err, Message: "The service cannot read what was asked. Use the same version of muster as the service."})
		return
	}
	result, err := c.do(r.Context(), h.reader)
	answerLocal(w, result, err)
}

// do makes the call.
func (c readCall) do(ctx context.Context, r campaign.Reader) (any, error) {
	switch c.Call {
	case "get":
		return r.Get(ctx, c.Scope, c.Kind, c.ID)
	case "many":
		return r.GetMany(ctx, c.Scope, c.Kind, c.IDs)
	case "list":
		return r.List(ctx, c.Scope, c.Kind, c.After, c.Limit)
	case "index":
		return r.Index(ctx, c.Scope, c.Name, c.Prefix, c.Hit, c.Limit)
	case "counters":
		return r.Counters(ctx, c.Scope, c.Prefix)
	case "audit":
		return r.Audit(ctx, c.Scope, c.Seq, c.Limit)
	case "scopes":
		return r.Scopes(ctx)
	}
	return nil, campaign.Refuse(campaign.Invalid, "The service does not know what was asked. Use the same version of muster as the service.")
}

var _ campaign.Reader = (*localClient)(nil)

// Get implements campaign.Reader.
func (c *localClient) Get(ctx context.Context, scope campaign.Scope, kind campaign.RecordKind, id string) (campaign.Record, error) {
	return readLocal[campaign.Record](ctx, c, readCall{Call: "get", Scope: scope, Kind: kind, ID: id})
}

// GetMany implements campaign.Reader.
func (c *localClient) GetMany(ctx context.Context, scope campaign.Scope, kind campaign.RecordKind, ids []string) ([]campaign.Record, error) {
	return readLocal[[]campaign.Record](ctx, c, readCall{Call: "many", Scope: scope, Kind: kind, IDs: ids})
}

// List implements campaign.Reader.
func (c *localClient) List(ctx context.Context, scope campaign.Scope, kind campaign.RecordKind, after string, limit int) ([]campaign.Record, error) {
	return readLocal[[]campaign.Record](ctx, c, readCall{Call: "list", Scope: scope, Kind: kind, After: after, Limit: limit})
}

// Index implements campaign.Reader.
func (c *localClient) Index(ctx context.Context, scope campaign.Scope, name, prefix string, after campaign.IndexHit, limit int) ([]campaign.IndexHit, error) {
	return readLocal[[]campaign.IndexHit](ctx, c, readCall{Call: "index", Scope: scope, Name: name, Prefix: prefix, Hit: after, Limit: limit})
}

// Counters implements campaign.Reader.
func (c *localClient) Counters(ctx context.Context, scope campaign.Scope, prefix string) (map[string]int64, error) {
	return readLocal[map[string]int64](ctx, c, readCall{Call: "counters", Scope: scope, Prefix: prefix})
}

// Audit implements campaign.Reader.
func (c *localClient) Audit(ctx context.Context, scope campaign.Scope, after uint64, limit int) ([]campaign.AuditRecord, error) {
	return readLocal[[]campaign.AuditRecord](ctx, c, readCall{Call: "audit", Scope: scope, Seq: after, Limit: limit})
}

// Scopes implements campaign.Reader.
func (c *localClient) Scopes(ctx context.Context) ([]campaign.Scope, error) {
	return readLocal[[]campaign.Scope](ctx, c, readCall{Call: "scopes"})
}
