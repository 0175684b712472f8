package fakeslack

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

const (
	maxStreams  = 64                    // pages that listen at the same time
	streamPause = 80 * time.Millisecond // between two pieces of news, so that bursts become one
	streamBeat  = 15 * time.Second      // between signs of life
	streamWrite = 5 * time.Second       // how long a page may take to read one
)

// serveEvents tells the page that something moved, and where the feed stands; the
// page then reads its state anew. A page that comes back says how far it had got.
func (p *Page) serveEvents(rw http.ResponseWriter, hr *http.Request) {
	if !p.listen(1) {
		http.Error(rw, "Too many pages are open.", http.StatusServiceUnavailable)
		return
	}
	defer p.listen(-1)
	after, err := strconv.ParseInt(hr.Header.Get("Last-Event-ID"), 10, 64)
	if err != nil {
		after, err = strconv.ParseInt(hr.URL.Query().Get("after"), 10, 64)
	}
	if last := p.w.LastChange(); err != nil || after < 0 || after > last {
		after = 0 // another workspace's number: begin with everything
	}
	rw.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(rw)
	say := func(s string) error {
		_ = out.SetWriteDeadline(time.Now().Add(streamWrite)) // real connections have one
		if _, err := rw.Write([]byte(s)); err != nil {
			return fmt.Errorf("write an event: %w", err)
		}
		return out.Flush()
	}
	if say("retry: 1000\n\n") != nil {
		return
	}
	for {
		seq, news, err := p.await(hr.Context(), after)
		switch {
		case hr.Context().Err() != nil || p.w.ctx.Err() != nil:
			return
		case err != nil:
			err = say(": nothing new\n\n")
		case news != nil:
			err = say(fmt.Sprintf("id: %d\ndata: %s\n\n", seq, news))
		}
		if err != nil || !p.w.rest(hr.Context(), streamPause) {
			return
		}
		after = max(after, seq)
	}
}

// await returns the news since a change, nil when all of it was machinery that no
// person sees. It fails when nothing happened for a while.
func (p *Page) await(ctx context.Context, after int64) (seq int64, news []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, streamBeat)
	defer cancel()
	changes, err := p.w.Changes(ctx, after)
	if err != nil {
		return 0, nil, err
	}
	kinds := map[ChangeKind]int{}
	for _, c := range changes {
		switch c.Kind {
		case Called, Delivered, SocketsMoved:
		default:
			kinds[c.Kind]++
		}
	}
	seq = changes[len(changes)-1].Seq
	if len(kinds) == 0 {
		return seq, nil, nil
	}
	news, err = json.Marshal(fields{"seq": seq, "kinds": kinds})
	return seq, news, err
}

// listen counts a page in or out; false when there are too many.
func (p *Page) listen(n int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n > 0 && p.streams >= maxStreams {
		return false
	}
	p.streams += n
	return true
}
