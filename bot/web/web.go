// Package web is the door that programs use: health, readiness and metrics, on
// a server with time-outs. Slack's HTTP mode and the API hang on the same
// server.
package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/musterbot/muster/campaign"
)

// Options are what a Server needs.
type Options struct {
	Listen string                  // host:port; required
	Ready  []Check                 // what has to be well before work is sent here
	Gather http.Handler            // of /metrics; nil answers 404
	Routes map[string]http.Handler // further patterns of http.ServeMux
	// Leave is how long Stop goes on serving while readiness says no, so that who
	// sends requests here can send them elsewhere first. Default: not at all.
	Leave time.Duration
	Log   logrus.FieldLogger // default: discards
}

// Check is one condition of readiness.
type Check struct {
	Name string // a word, shown to whoever asks
	// Run returns nil when all is well, within the time of its context. The
	// error is logged; who asks gets its words for people only.
	Run func(ctx context.Context) error
	// Note returns what is shown behind the "ok", "" for nothing; nil has none.
	Note func(ctx context.Context) string
}

// The times of the server. Bodies are bounded where they are read.
const (
	readHeader = 5 * time.Second
	readAll    = 30 * time.Second
	writeAll   = 30 * time.Second
	idle       = 2 * time.Minute
	checkFor   = 2 * time.Second
	maxHeader  = 64 << 10
)

// Server listens for programs. Make it with Listen.
type Server struct {
	log      logrus.FieldLogger
	listener net.Listener
	server   *http.Server
	checks   []Check
	leave    time.Duration
	leaving  atomic.Bool
	serving  sync.WaitGroup
}

// Listen takes the port and returns a Server that does not yet answer. A port
// that is taken or forbidden is Invalid, with words that say what to do.
func Listen(ctx context.Context, o Options) (*Server, error) {
	if o.Log == nil {
		silent := logrus.New()
		silent.SetOutput(io.Discard)
		o.Log = silent
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", o.Listen)
	if err != nil {
		return nil, explainListen(o.Listen, err)
	}
	s := &Server{log: o.Log, listener: listener, checks: o.Ready, leave: o.Leave}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", s.health)
	mux.HandleFunc("GET /readyz", s.ready)
	if o.Gather != nil {
		mux.Handle("GET /metrics", o.Gather)
	}
	for pattern, handler := range o.Routes {
		mux.Handle(pattern, handler)
	}
	s.server = &http.Server{
		Handler: mux, ReadHeaderTimeout: readHeader, ReadTimeout: readAll, WriteTimeout: writeAll,
		IdleTimeout: idle, MaxHeaderBytes: maxHeader,
	}
	return s, nil
}

func explainListen(address string, err error) error {
	e := &campaign.Error{Kind: campaign.Invalid, Err: err}
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		e.Message = fmt.Sprintf("The address %s is in use by another program, so nothing was started. Choose another with MUSTER_LISTEN, or stop the other program.", address)
	case errors.Is(err, syscall.EACCES):
		e.Message = fmt.Sprintf("This user may not listen on %s, so nothing was started. Choose a port above 1023 with MUSTER_LISTEN.", address)
	default:
		e.Message = fmt.Sprintf("Listening on %s is not possible, so nothing was started. Check MUSTER_LISTEN: it is a host of this machine and a port.", address)
	}
	return e
}

// Addr returns where the server listens, host:port.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Start begins to answer. It is called once.
func (s *Server) Start() {
	s.serving.Go(func() {
		if err := s.server.Serve(s.listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
			s.log.WithError(err).Error("web server stopped")
		}
	})
}

// Stop says by its readiness that it leaves, for as long as Options.Leave; then it
// takes no new requests and waits for the running ones until ctx ends, when it
// cuts them off. It may be called without Start.
func (s *Server) Stop(ctx context.Context) error {
	s.leaving.Store(true)
	if s.leave > 0 {
		noticed := time.NewTimer(s.leave)
		defer noticed.Stop()
		select {
		case <-noticed.C:
		case <-ctx.Done():
		}
	}
	err := s.server.Shutdown(ctx)
	if err != nil {
		err = cmp.Or(s.server.Close(), err)
	}
	_ = s.listener.Close() // closed already where Start was called
	s.serving.Wait()
	return err
}

// health says that the process runs. It asks nobody else: who restarts on it
// must not restart because Slack is down.
func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, "ok\n")
}

// ready runs all checks, and says of each whether it is well.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	if s.leaving.Load() {
		http.Error(w, "stopping", http.StatusServiceUnavailable)
		return
	}
	ctx, cancel := context.WithTimeoutCause(r.Context(), checkFor, errors.New("the check took too long"))
	defer cancel()
	errs, notes := make([]error, len(s.checks)), make([]string, len(s.checks))
	var wg sync.WaitGroup
	for i, check := range s.checks {
		wg.Go(func() {
			if errs[i] = check.Run(ctx); errs[i] == nil && check.Note != nil {
				notes[i] = check.Note(ctx)
			}
		})
	}
	wg.Wait()
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if errors.Join(errs...) != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	for i, check := range s.checks {
		if errs[i] == nil {
			fmt.Fprintln(w, strings.TrimSuffix(check.Name+": ok, "+notes[i], ", "))
			continue
		}
		s.log.WithError(errs[i]).WithField("check", check.Name).Warn("not ready")
		fmt.Fprintf(w, "%s: %s\n", check.Name, campaign.PublicMessage(errs[i]))
	}
}
