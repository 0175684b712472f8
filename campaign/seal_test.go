package campaign_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

// logged fills a campaign's log with some work by people, and seals it in
// several batches.
func logged(t *testing.T) (*house, string) {
	t.Helper()
	h := newHouse(t)
	id := h.newCampaign(func(c *campaign.Campaign) { c.Status = campaign.Running })
	for batch := range 3 {
		for i := range 4 {
			task := campaign.TaskID(fmt.Sprintf("t%d%d", batch, i), "mitigate")
			require.NoError(t, h.engine.AddTasks(t.Context(), id, campaign.Task{
				ID: task, Target: task, Track: "mitigate", Name: task, Status: campaign.TaskOpen, Owner: "group:default/pay",
			}))
			r := h.by(ann)
			r.Reason = "the door <b> says \"yes & no\""
			require.NoError(t, h.engine.MoveTask(t.Context(), r, id, task, campaign.TaskInProgress))
		}
		h.clock.advance(time.Second)
		h.workNumbers()
	}
	return h, id
}

// workNumbers works what is due of the numbers.
func (h *house) workNumbers() []string {
	h.t.Helper()
	worked, err := h.engine.WorkNumbers(context.Background())
	require.NoError(h.t, err)
	return worked
}

func TestSealsFollowTheLog(t *testing.T) {
	h, id := logged(t)
	verdict, err := h.engine.VerifyAudit(t.Context(), campaign.Scope(id))
	require.NoError(t, err)
	require.True(t, verdict.OK(), verdict.String())
	require.Equal(t, 24, verdict.Records)
	require.Equal(t, 3, verdict.Seals, "work within a second is one seal")
	require.Zero(t, verdict.Unsealed)

	require.NoError(t, h.engine.MoveTask(t.Context(), h.by(ann), id, "t00.mitigate", campaign.TaskClaimed))
	verdict, err = h.engine.VerifyAudit(t.Context(), campaign.Scope(id))
	require.NoError(t, err)
	require.True(t, verdict.OK())
	require.Equal(t, 1, verdict.Unsealed)
	require.Contains(t, verdict.String(), "1 record not sealed yet")

	h.clock.advance(time.Second)
	require.Contains(t, h.workNumbers(), "seal/tail")
	verdict, err = h.engine.VerifyAudit(t.Context(), campaign.Scope(id))
	require.NoError(t, err)
	require.Zero(t, verdict.Unsealed, "sealed within a second")
}

// meddling is a store behind which somebody changed what was written.
type meddling struct {
	campaign.Store
	audit func([]campaign.AuditRecord) []campaign.AuditRecord
	seal  func(*campaign.Seal) bool // false deletes it
}

func (m meddling) Audit(ctx context.Context, scope campaign.Scope, after uint64, limit int) ([]campaign.AuditRecord, error) {
	records, err := m.Store.Audit(ctx, scope, after, limit)
	if m.audit != nil {
		records = m.audit(records)
	}
	return records, err
}

func (m meddling) List(ctx context.Context, scope campaign.Scope, kind campaign.RecordKind, after string, limit int) ([]campaign.Record, error) {
	records, err := m.Store.List(ctx, scope, kind, after, limit)
	if kind != campaign.KindSeal || m.seal == nil || err != nil {
		return records, err
	}
	var kept []campaign.Record
	for _, r := range records {
		s, err := campaign.Decode[campaign.Seal](r)
		if err != nil {
			return nil, err
		}
		if r.ID == "head" || m.seal(&s) {
			changed, err := campaign.Put(kind, r.ID, r.Version, s)
			if err != nil {
				return nil, err
			}
			kept = append(kept, changed)
		}
	}
	return kept, nil
}

func TestTamperingIsFound(t *testing.T) {
	change := func(seq uint64, edit func(*campaign.AuditRecord)) meddling {
		return meddling{audit: func(records []campaign.AuditRecord) []campaign.AuditRecord {
			for i := range records {
				if records[i].Seq == seq {
					edit(&records[i])
				}
			}
			return records
		}}
	}
	gone := func(seqs ...uint64) meddling {
		return meddling{audit: func(records []campaign.AuditRecord) []campaign.AuditRecord {
			return slices.DeleteFunc(records, func(r campaign.AuditRecord) bool { return slices.Contains(seqs, r.Seq) })
		}}
	}
	tests := map[string]struct {
		meddling meddling
		firstBad uint64
		problem  string
	}{
		"another actor":       {change(3, func(r *campaign.AuditRecord) { r.Actor = "p-000000000000" }), 1, "not what was sealed"},
		"another time":        {change(9, func(r *campaign.AuditRecord) { r.At = r.At.Add(time.Millisecond) }), 9, "not what was sealed"},
		"a reason exchanged":  {change(10, func(r *campaign.AuditRecord) { r.Reason = strings.Repeat("0", 32) }), 9, "not what was sealed"},
		"the last record":     {change(24, func(r *campaign.AuditRecord) { r.After = "verified" }), 17, "not what was sealed"},
		"a record taken out":  {gone(12), 12, "record 12 is missing"},
		"the newest left out": {gone(23, 24), 23, "record 23 is missing"},
		"the oldest left out": {gone(1, 2, 3), 1, "record 1 is missing"},
		"a seal renewed alone": {meddling{seal: func(s *campaign.Seal) bool {
			if s.To == 16 {
				s.Hash = strings.Repeat("a", 64)
			}
			return true
		}}, 9, "not what was sealed"},
		"a seal taken out":       {meddling{seal: func(s *campaign.Seal) bool { return s.To != 16 }}, 9, "the seal after 8"},
		"the last seal left out": {meddling{seal: func(s *campaign.Seal) bool { return s.To != 24 }}, 17, "the newest seal says"},
		"a seal that continues another": {meddling{seal: func(s *campaign.Seal) bool {
			if s.From == 17 {
				s.Prev = strings.Repeat("b", 64)
			}
			return true
		}}, 17, "does not continue"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h, id := logged(t)
			tt.meddling.Store = h.store
			verdict, err := campaign.VerifyAudit(t.Context(), tt.meddling, campaign.Scope(id))
			require.NoError(t, err)
			require.False(t, verdict.OK())
			require.Equal(t, tt.firstBad, verdict.FirstBad, verdict.Problem)
			require.Contains(t, verdict.String(), tt.problem)
		})
	}
}

// Who can rewrite the log can rewrite its seals; only what was posted elsewhere
// gives it away.
func TestAnAnchorFindsARewrittenChain(t *testing.T) {
	h, id := logged(t)
	before, err := h.engine.VerifyAudit(t.Context(), campaign.Scope(id))
	require.NoError(t, err)
	require.NotEmpty(t, before.Anchor)

	other, otherID := logged(t) // another history of the same length, its seals in order
	verdict, err := other.engine.VerifyAudit(t.Context(), campaign.Scope(otherID), before.Anchor)
	require.NoError(t, err)
	require.False(t, verdict.OK())
	require.Contains(t, verdict.Problem, "not the one that was posted")

	verdict, err = h.engine.VerifyAudit(t.Context(), campaign.Scope(id), before.Anchor)
	require.NoError(t, err)
	require.True(t, verdict.OK())
	verdict, err = h.engine.VerifyAudit(t.Context(), campaign.Scope(id), "99:0123456789abcdef")
	require.NoError(t, err)
	require.Contains(t, verdict.Problem, "there is no seal for the anchor")
}

func TestForgettingAPersonKeepsTheChainValid(t *testing.T) {
	h, id := logged(t)
	forgotten := 0
	for _, of := range []struct {
		scope campaign.Scope
		kind  campaign.RecordKind
	}{{campaign.Sys, campaign.KindAlias}, {campaign.Scope(id), campaign.KindNote}} {
		records, err := h.store.List(t.Context(), of.scope, of.kind, "", 0)
		require.NoError(t, err)
		for _, r := range records {
			if !bytes.Contains(r.Data, []byte(ann)) {
				continue
			}
			r.Data = nil
			require.NoError(t, h.store.Apply(t.Context(), campaign.Change{Scope: of.scope, Records: []campaign.Record{r}}))
			forgotten++
		}
	}
	require.Equal(t, 13, forgotten, "one alias and twelve reasons")
	var out bytes.Buffer
	require.NoError(t, campaign.ExportAudit(t.Context(), h.store, campaign.Scope(id), &out))
	require.NotContains(t, out.String(), "UANN")
	require.NotContains(t, out.String(), "yes & no")
	verdict, err := h.engine.VerifyAudit(t.Context(), campaign.Scope(id))
	require.NoError(t, err)
	require.True(t, verdict.OK(), verdict.String())
}

// The documented format is enough to verify an export without Muster.
func TestAnExportCanBeVerifiedByHand(t *testing.T) {
	h, id := logged(t)
	require.NoError(t, h.engine.MoveTask(t.Context(), h.by(ann), id, "t00.mitigate", campaign.TaskClaimed))
	var out bytes.Buffer
	require.NoError(t, campaign.ExportAudit(t.Context(), h.store, campaign.Scope(id), &out))
	var batch strings.Builder
	prev, seals, records := "", 0, 0
	for line := range strings.Lines(out.String()) {
		var entry struct{ Seal *campaign.Seal }
		require.NoError(t, json.Unmarshal([]byte(line), &entry))
		if entry.Seal == nil {
			records++
			batch.WriteString(line)
			continue
		}
		seals++
		sum := sha256.Sum256(fmt.Appendf(nil, "muster seal v1\n%s\n%d %d\n%s", prev, entry.Seal.From, entry.Seal.To, batch.String()))
		require.Equal(t, hex.EncodeToString(sum[:]), entry.Seal.Hash)
		prev = entry.Seal.Hash
		batch.Reset()
	}
	require.Equal(t, 3, seals)
	require.Equal(t, 25, records)
}
