package fakeslack

import (
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"
)

// FaultKind is one way in which things go wrong.
type FaultKind string

// Faults of a Web API call.
const (
	RateLimited FaultKind = "rate_limited" // 429 with Retry-After; no effect
	ServerError FaultKind = "server_error" // HTTP 500 with an HTML body; no effect
	FatalError  FaultKind = "fatal_error"  // ok: false, fatal_error; no effect
	Refused     FaultKind = "refused"      // ok: false with Fault.Error; no effect
	LostCall    FaultKind = "lost_call"    // the connection breaks before anything happens
	LostAnswer  FaultKind = "lost_answer"  // the effect happens, then the connection breaks
	TimedOut    FaultKind = "timed_out"    // the effect happens, the answer is withheld until the caller gives up
	Slow        FaultKind = "slow"         // everything happens, after Fault.Delay
)

// Faults of a delivery: an event, a command or an interaction on its way to the app.
// Slow serves here as well.
const (
	Redelivered   FaultKind = "redelivered"    // acknowledged, and yet delivered again under a new envelope id
	LostAck       FaultKind = "lost_ack"       // the acknowledgement never arrives
	DroppedSocket FaultKind = "dropped_socket" // the connection is cut right after the envelope was written
)

// Fault is an order to let something go wrong.
type Fault struct {
	Do FaultKind
	// Method is a Web API method, or the kind of a delivery: events_api,
	// slash_commands or interactive. Empty takes every call, or every delivery,
	// whichever Do is made for.
	Method string
	// Match narrows further. A delivery comes as a Call whose Args hold type, and
	// text: a command's words, a message's, or the action_id pressed. It must not use
	// the workspace.
	Match func(Call) bool
	After int // lets that many matching ones pass first: 2 hits the third
	Times int // how many to hit; 0 is one, below 0 all of them

	RetryAfter time.Duration // of RateLimited; default 1 s
	Delay      time.Duration // of Slow; default 100 ms
	Error      string        // of Refused; default internal_error
}

// Mix lets things go wrong at random, the same way for the same seed and order of
// calls.
type Mix struct {
	Seed    uint64
	Rates   map[FaultKind]float64 // chance of each, from 0 to 1
	Methods []string              // Web API methods and delivery kinds to hit; empty means all
	Limit   int                   // stop after so many; 0 means never

	RetryAfter time.Duration // as in Fault
	Delay      time.Duration // as in Fault
}

// Injected is a fault that was ordered.
type Injected struct {
	f     *faults
	fault Fault
	seen  int
	hit   int
}

// Fired is how often the fault struck.
func (i *Injected) Fired() int {
	i.f.mu.Lock()
	defer i.f.mu.Unlock()
	return i.hit
}

// Cancel takes the order back. It may be called twice.
func (i *Injected) Cancel() {
	i.f.mu.Lock()
	defer i.f.mu.Unlock()
	i.f.orders = slices.DeleteFunc(i.f.orders, func(o *Injected) bool { return o == i })
}

type faults struct {
	mu     sync.Mutex
	orders []*Injected
	mix    Mix
	rng    *rand.Rand
	mixed  map[FaultKind]int
	total  int
}

// Inject orders a fault. Orders are tried in the order given; the first that
// matches strikes.
func (w *Workspace) Inject(f Fault) *Injected {
	w.faults.mu.Lock()
	defer w.faults.mu.Unlock()
	order := &Injected{f: &w.faults, fault: f}
	w.faults.orders = append(w.faults.orders, order)
	return order
}

// SetMix replaces the random faults; the zero Mix ends them.
func (w *Workspace) SetMix(m Mix) {
	w.faults.mu.Lock()
	defer w.faults.mu.Unlock()
	w.faults.mix = m
	w.faults.rng = rand.New(rand.NewPCG(m.Seed, 0x6d7573746572))
	w.faults.mixed, w.faults.total = map[FaultKind]int{}, 0
}

// Mixed counts the random faults since SetMix.
func (w *Workspace) Mixed() map[FaultKind]int {
	w.faults.mu.Lock()
	defer w.faults.mu.Unlock()
	return maps.Clone(w.faults.mixed)
}

// ClearFaults takes all orders back, random ones included.
func (w *Workspace) ClearFaults() {
	w.SetMix(Mix{})
	w.faults.mu.Lock()
	defer w.faults.mu.Unlock()
	w.faults.orders = nil
}

var deliveryKinds = []string{eventsAPI, slashCommands, interactive}

// fits says whether a fault makes sense for a call or for a delivery.
func (k FaultKind) fits(delivery bool) bool {
	switch k {
	case Slow:
		return true
	case Redelivered, LostAck, DroppedSocket:
		return delivery
	}
	return !delivery
}

// take decides what goes wrong with a call or a delivery; nil means nothing.
func (f *faults) take(call Call) *Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	delivery := slices.Contains(deliveryKinds, call.Method)
	for _, order := range f.orders {
		if !order.matches(call, delivery) {
			continue
		}
		order.seen++
		if order.seen <= order.fault.After {
			continue
		}
		times := order.fault.Times
		if times == 0 {
			times = 1
		}
		if times > 0 && order.hit >= times {
			continue
		}
		order.hit++
		return order.fault.withDefaults()
	}
	return f.roll(call, delivery)
}

func (i *Injected) matches(call Call, delivery bool) bool {
	want := i.fault
	return want.Do.fits(delivery) &&
		(want.Method == "" || want.Method == call.Method) &&
		(want.Match == nil || want.Match(call))
}

// roll throws the dice of the mix once for each kind, in a fixed order.
func (f *faults) roll(call Call, delivery bool) *Fault {
	if f.rng == nil || len(f.mix.Rates) == 0 || f.mix.Limit > 0 && f.total >= f.mix.Limit {
		return nil
	}
	if len(f.mix.Methods) > 0 && !slices.Contains(f.mix.Methods, call.Method) {
		return nil
	}
	for _, kind := range slices.Sorted(maps.Keys(f.mix.Rates)) {
		if !kind.fits(delivery) || f.rng.Float64() >= f.mix.Rates[kind] {
			continue
		}
		f.mixed[kind]++
		f.total++
		return Fault{Do: kind, RetryAfter: f.mix.RetryAfter, Delay: f.mix.Delay}.withDefaults()
	}
	return nil
}

func (f Fault) withDefaults() *Fault {
	if f.RetryAfter == 0 {
		f.RetryAfter = time.Second
	}
	if f.Delay == 0 {
		f.Delay = 100 * time.Millisecond
	}
	if f.Error == "" {
		f.Error = "internal_error"
	}
	return &f
}

// failBefore carries out the faults that leave no effect, and the slow one. It is
// true when the call is over.
func (w *Workspace) failBefore(rw http.ResponseWriter, hr *http.Request, f *Fault, call Call, began time.Time) bool {
	switch f.Do {
	case RateLimited:
		w.tooMany(rw, call, began, f.RetryAfter)
	case ServerError:
		call.Status, call.Error = http.StatusInternalServerError, "http_500"
		w.log(call, began, nil)
		rw.Header().Set("Content-Type", "text/html")
		rw.WriteHeader(http.StatusInternalServerError)
		_, _ = rw.Write([]byte("<html><body>Something went wrong</body></html>"))
	case FatalError:
		w.answer(rw, call, began, nil, fail("fatal_error"))
	case Refused:
		w.answer(rw, call, began, nil, fail(f.Error))
	case LostCall:
		call.Error = "connection_lost"
		w.log(call, began, nil)
		panic(http.ErrAbortHandler)
	case Slow:
		w.pause(hr, f.Delay)
		return false
	default:
		return false
	}
	return true
}

// failAfter carries out the faults that strike once the effect has happened. It is
// true when the answer is lost.
func (w *Workspace) failAfter(hr *http.Request, f *Fault, call Call, began time.Time, result fields, err error) bool {
	if f.Do != LostAnswer && f.Do != TimedOut {
		return false
	}
	body, code := encode(result, err)
	call.Error = code
	w.log(call, began, body)
	if f.Do == TimedOut {
		w.pause(hr, time.Hour)
	}
	return true
}

// pause waits, but not longer than the caller or the workspace.
func (w *Workspace) pause(hr *http.Request, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-hr.Context().Done():
	case <-w.ctx.Done():
	}
}
