package redis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	goredis "github.com/redis/go-redis/v9"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/store"
)

// Get implements campaign.Reader.
func (s *Store) Get(ctx context.Context, scope campaign.Scope, kind campaign.RecordKind, id string) (campaign.Record, error) {
	found, err := s.GetMany(ctx, scope, kind, []string{id})
	if err != nil {
		return campaign.Record{}, err
	}
	if len(found) == 0 {
		return campaign.Record{}, store.MissingRecord(scope, kind, id)
	}
	return found[0], nil
}

// readAtOnce bounds how many records one pipeline asks for.
const readAtOnce = 1000

// GetMany implements campaign.Reader.
func (s *Store) GetMany(ctx context.Context, scope campaign.Scope, kind campaign.RecordKind, ids []string) ([]campaign.Record, error) {
	out := make([]campaign.Record, 0, len(ids))
	key := s.keys.records(scope, kind)
	for some := range slices.Chunk(ids, readAtOnce) {
		var members []string
		err := s.ask(ctx, "read "+string(kind)+" of "+string(scope), func(ctx context.Context) error {
			members = members[:0]
			cmds, err := s.client.Pipelined(ctx, func(p goredis.Pipeliner) error {
				for _, id := range some {
					from, to := recordRange(recordPart(id))
					p.ZRangeByLex(ctx, key, &goredis.ZRangeBy{Min: from, Max: to})
				}
				return nil
			})
			for _, cmd := range cmds {
				members = append(members, cmd.(*goredis.StringSliceCmd).Val()...)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		for _, m := range members {
			r, err := record(kind, m)
			if err != nil {
				return nil, fmt.Errorf("read %s of %s: %w", kind, scope, err)
			}
			out = append(out, r)
		}
	}
	return out, s.usable(ctx)
}

// List implements campaign.Reader.
func (s *Store) List(ctx context.Context, scope campaign.Scope, kind campaign.RecordKind, after string, limit int) ([]campaign.Record, error) {
	from := "-"
	if after != "" {
		_, past := recordRange(recordPart(after))
		from = "[" + past[1:]
	}
	members, err := s.members(ctx, s.keys.records(scope, kind), from, "+", limit)
	if err != nil {
		return nil, err
	}
	out := make([]campaign.Record, 0, len(members))
	for _, m := range members {
		r, err := record(kind, m)
		if err != nil {
			return nil, fmt.Errorf("list %s of %s: %w", kind, scope, err)
		}
		out = append(out, r)
	}
	return out, nil
}

// members returns members of a sorted set in byte order.
func (s *Store) members(ctx context.Context, key, from, to string, limit int) ([]string, error) {
	var out []string
	err := s.ask(ctx, "read "+key, func(ctx context.Context) (err error) {
		out, err = s.client.ZRangeByLex(ctx, key, &goredis.ZRangeBy{Min: from, Max: to, Count: int64(store.Limit(limit))}).Result()
		return err
	})
	return out, err
}

func record(kind campaign.RecordKind, member string) (campaign.Record, error) {
	id, rest, err := store.CutPart([]byte(member))
	if err != nil {
		return campaign.Record{}, err
	}
	version, data, err := store.DecodeRecord(rest)
	return campaign.Record{Kind: kind, ID: id, Version: version, Data: data}, err
}

// Index implements campaign.Reader.
func (s *Store) Index(ctx context.Context, scope campaign.Scope, name, prefix string, after campaign.IndexHit, limit int) ([]campaign.IndexHit, error) {
	open := store.AppendOpen(nil, prefix)
	from, to := "["+string(open), "+"
	if past := store.After(open); past != nil {
		to = "(" + string(past)
	}
	if last := store.IndexRow(after); after != (campaign.IndexHit{}) && cmp.Compare(string(last), string(open)) >= 0 {
		from = "(" + string(last)
	}
	members, err := s.members(ctx, s.keys.index(scope, name), from, to, limit)
	if err != nil {
		return nil, err
	}
	out := make([]campaign.IndexHit, 0, len(members))
	for _, m := range members {
		hit, err := store.ParseIndexRow([]byte(m))
		if err != nil {
			return nil, fmt.Errorf("read index %s of %s: %w", name, scope, err)
		}
		out = append(out, hit)
	}
	return out, nil
}

// Counters implements campaign.Reader.
func (s *Store) Counters(ctx context.Context, scope campaign.Scope, prefix string) (map[string]int64, error) {
	var all map[string]string
	err := s.ask(ctx, "read counters of "+string(scope), func(ctx context.Context) (err error) {
		all, err = s.client.HGetAll(ctx, s.keys.counters(scope)).Result()
		return err
	})
	if err != nil {
		return nil, err
	}
	out := map[string]int64{}
	for name, value := range all {
		if !strings.HasPrefix(name, prefix) {
			continue
		}
		if out[name], err = strconv.ParseInt(value, 10, 64); err != nil {
			return nil, fmt.Errorf("read counter %s of %s: %w", name, scope, err)
		}
	}
	return out, nil
}

// Audit implements campaign.Reader.
func (s *Store) Audit(ctx context.Context, scope campaign.Scope, after uint64, limit int) ([]campaign.AuditRecord, error) {
	if after >= math.MaxInt64-uint64(store.Limit(limit)) {
		return nil, s.usable(ctx)
	}
	first := int64(after) // the list counts from 0, the sequence from 1
	var values []string
	err := s.ask(ctx, "read audit log of "+string(scope), func(ctx context.Context) (err error) {
		values, err = s.client.LRange(ctx, s.keys.audit(scope), first, first+int64(store.Limit(limit))-1).Result()
		return err
	})
	if err != nil {
		return nil, err
	}
	out := make([]campaign.AuditRecord, 0, len(values))
	for i, value := range values {
		rec, err := store.DecodeAudit(after+uint64(i)+1, []byte(value))
		if err != nil {
			return nil, err
		}
		out = append(out, rec)
	}
	return out, nil
}

// Scopes implements campaign.Reader. The register may hold scopes whose first
// change was refused or never arrived; those do not count.
func (s *Store) Scopes(ctx context.Context) ([]campaign.Scope, error) {
	names, err := s.registered(ctx)
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	var out []campaign.Scope
	for some := range slices.Chunk(names, readAtOnce) {
		err := s.ask(ctx, "read scopes", func(ctx context.Context) error {
			cmds, err := s.client.Pipelined(ctx, func(p goredis.Pipeliner) error {
				for _, name := range some {
					p.Exists(ctx, s.keys.numbers(campaign.Scope(name)))
				}
				return nil
			})
			if err != nil {
				return err
			}
			for i, cmd := range cmds {
				if cmd.(*goredis.IntCmd).Val() > 0 {
					out = append(out, campaign.Scope(some[i]))
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// registered returns the names of the scopes in the register.
func (s *Store) registered(ctx context.Context) ([]string, error) {
	var names []string
	err := s.ask(ctx, "read scopes", func(ctx context.Context) (err error) {
		names, err = s.client.SMembers(ctx, s.keys.scopes()).Result()
		if errors.Is(err, goredis.Nil) {
			return nil
		}
		return err
	})
	return names, err
}
