package redis

import (
	"cmp"
	"context"
	"crypto/rand"
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/store"
)

//go:embed claim.lua
var claimLua string

var claimScript = goredis.NewScript(dueLua + claimLua)

// looksAtOnce bounds how many scopes are looked at in parallel.
const looksAtOnce = 16

// bulkRounds bounds how often a claim goes round the scopes.
const bulkRounds = 16

// Claim implements campaign.Claimer. It looks at the scopes of which something
// new is to be expected, and takes from those that have something: usually one
// script in one scope. Leases are measured by the server's clock.
func (s *Store) Claim(ctx context.Context, r campaign.ClaimRequest) (campaign.Claims, error) {
	if r.N < 1 || r.Lease <= 0 {
		return campaign.Claims{}, store.BadClaim(r)
	}
	r.N = min(r.N, campaign.MaxChangeRecords)
	if r.Lanes == nil {
		r.Lanes = []campaign.Lane{campaign.Interactive, campaign.Bulk}
	}
	if err := s.usable(ctx); err != nil {
		return campaign.Claims{}, err
	}
	c := &claiming{Store: s, request: r, now: r.Now.UnixMilli()}
	err := c.run(ctx)
	if err != nil && len(c.entries) == 0 {
		return campaign.Claims{}, err
	}
	return campaign.Claims{Entries: c.entries, Next: s.board.next(r.Lanes)}, nil
}

// claiming is one Claim.
type claiming struct {
	*Store

	request campaign.ClaimRequest
	now     int64
	entries []campaign.Claimed
}

func (c *claiming) left() int { return c.request.N - len(c.entries) }

func (c *claiming) run(ctx context.Context) error {
	if err := c.discover(ctx); err != nil {
		return err
	}
	stale := c.board.stale(time.Now())
	if len(stale) == 1 && !c.board.othersDue(stale[0], c.now) {
		return c.take(ctx, stale[0], c.left(), c.request.Lanes)
	}
	if err := c.look(ctx, stale); err != nil {
		return err
	}
	if slices.Contains(c.request.Lanes, campaign.Interactive) {
		for _, scope := range c.board.due(campaign.Interactive, c.now) {
			if c.left() == 0 {
				return nil
			}
			if err := c.take(ctx, scope, c.left(), []campaign.Lane{campaign.Interactive}); err != nil {
				return err
			}
		}
	}
	if slices.Contains(c.request.Lanes, campaign.Bulk) {
		return c.takeBulk(ctx)
	}
	return nil
}

// look learns what scopes have, some at a time.
func (c *claiming) look(ctx context.Context, scopes []campaign.Scope) error {
	for some := range slices.Chunk(scopes, looksAtOnce) {
		errs := make([]error, len(some))
		var wg sync.WaitGroup
		for i, scope := range some {
			wg.Go(func() { _, errs[i] = c.ask1(ctx, scope, 0, nil) })
		}
		wg.Wait()
		for _, err := range errs {
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// takeBulk shares what is left between the scopes that have bulk work due, from
// the one behind that which was served last, until none has any.
func (c *claiming) takeBulk(ctx context.Context) error {
	for range bulkRounds {
		turn := c.board.turn(c.now)
		if c.left() == 0 || len(turn) == 0 {
			return nil
		}
		share, rest := c.left()/len(turn), c.left()%len(turn)
		for i, scope := range turn {
			n := share
			if i < rest {
				n++
			}
			if n == 0 {
				break
			}
			if err := c.take(ctx, scope, n, []campaign.Lane{campaign.Bulk}); err != nil {
				return err
			}
		}
	}
	return nil // other claimers are faster
}

// take claims up to n entries of a scope.
func (c *claiming) take(ctx context.Context, scope campaign.Scope, n int, lanes []campaign.Lane) error {
	got, err := c.ask1(ctx, scope, n, lanes)
	c.entries = append(c.entries, got...)
	if slices.ContainsFunc(got, func(e campaign.Claimed) bool { return e.Lane == campaign.Bulk }) {
		c.board.served(scope)
	}
	return err
}

// ask1 runs the script in one scope, and notes on the board what it learned.
func (c *claiming) ask1(ctx context.Context, scope campaign.Scope, n int, lanes []campaign.Lane) ([]campaign.Claimed, error) {
	token, names := rand.Text()+".", ""
	for _, lane := range lanes {
		names += strconv.Itoa(int(lane))
	}
	looked := c.board.look(scope)
	var answer []string
	err := c.settle(ctx, "claim work of "+string(scope), func(ctx context.Context, again bool) (err error) {
		resent := 0
		if again {
			resent = 1
		}
		answer, err = claimScript.Run(ctx, c.client, c.keys.due(scope),
			c.now, max(1, c.request.Lease.Microseconds()), n, names, token, resent).StringSlice()
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(answer) < 3 || len(answer)%7 != 3 {
		return nil, fmt.Errorf("claim work of %s: the script answered %d values", scope, len(answer))
	}
	if err := looked.learn(answer[:3]); err != nil {
		return nil, fmt.Errorf("claim work of %s: %w", scope, err)
	}
	var out []campaign.Claimed
	for e := range slices.Chunk(answer[3:], 7) {
		claimed, err := parseClaimed(scope, e)
		if err != nil {
			return out, fmt.Errorf("claim work of %s: %w", scope, err)
		}
		out = append(out, claimed)
	}
	return out, nil
}

// parseClaimed reads an entry as claim.lua tells it.
func parseClaimed(scope campaign.Scope, e []string) (campaign.Claimed, error) {
	lane, err1 := strconv.ParseUint(e[1], 10, 8)
	at, err2 := strconv.ParseInt(e[3], 10, 64)
	tries, err3 := strconv.Atoi(e[5])
	serial := ""
	var err4 error
	if e[2] != "" {
		serial, _, err4 = store.CutPart([]byte(e[2]))
	}
	return campaign.Claimed{
		Scope: scope, ID: e[0], Lane: campaign.Lane(lane), Serial: serial, At: time.UnixMilli(at).UTC(),
		Token: e[4], Attempts: tries, Expired: strings.HasPrefix(e[6], "1"),
	}, cmp.Or(err1, err2, err3, err4)
}
