package redis

import (
	"context"
	_ "embed"
	"strconv"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/musterbot/muster/campaign"
)

//go:embed limit.lua
var limitLua string

var limitScript = goredis.NewScript(limitLua)

var _ campaign.Limiter = (*Limiter)(nil)

// Limiter is the campaign.Limiter of all processes that share a store. Its clock is
// the server's.
type Limiter struct {
	store  *Store
	factor float64
}

// Limiter returns the store's limiter, with all rates multiplied by the factor,
// above 0. It serves as long as the store is open.
func (s *Store) Limiter(factor float64) *Limiter { return &Limiter{store: s, factor: factor} }

// Take implements campaign.Limiter. A call whose answer is lost may have been
// counted, and is never let through.
func (l *Limiter) Take(ctx context.Context, rates []campaign.Rate, lane campaign.Lane) (time.Duration, error) {
	promises := 0
	if lane == campaign.Bulk {
		promises = 1
	}
	keys, args := make([]string, 0, 3*len(rates)), make([]any, 0, 2+3*len(rates))
	args = append(args, promises, campaign.MaxPromise.Microseconds())
	for _, r := range rates {
		keys = append(keys, l.key("r", r.Name), l.key("h", r.Name), l.key("p", r.Name))
		interval := float64(r.Interval()) / float64(time.Microsecond) / l.factor
		args = append(args, strconv.FormatFloat(interval, 'f', 3, 64), strconv.FormatFloat(r.AtOnce(lane), 'f', 3, 64), r.Taken())
	}
	var wait int64
	err := l.store.ask(ctx, "ask the limiter", func(ctx context.Context) (err error) {
		wait, err = limitScript.Run(ctx, l.store.client, keys, args...).Int64()
		return err
	})
	return time.Duration(wait) * time.Microsecond, err
}

// Hold implements campaign.Limiter.
func (l *Limiter) Hold(ctx context.Context, name string, d time.Duration) error {
	return l.store.ask(ctx, "hold the limiter", func(ctx context.Context) error {
		return holdScript.Run(ctx, l.store.client, []string{l.key("h", name)}, d.Microseconds()).Err()
	})
}

// holdScript only ever makes a hold longer.
var holdScript = goredis.NewScript(`
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local until_ = now + ARGV[1]
if until_ > tonumber(redis.call('GET', KEYS[1]) or 0) then
  redis.call('SET', KEYS[1], string.format('%.0f', until_), 'PX', math.ceil(ARGV[1] / 1000) + 1)
end
return 0`)

// key is where one of the three moments of a rate stands.
func (l *Limiter) key(moment, name string) string { return l.store.keys.limits() + moment + ":" + name }
