package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/musterbot/muster/campaign"
)

// One process holds the store's file. So that nobody has to stop the service in
// order to import or to look, it listens on a socket beside the file, which only
// its own user may open, and does there what the other subcommands would do with
// the file: HTTP with JSON, one record a line.
const (
	localImport  = "/v1/import/" // inventory, catalog, targets
	localRead    = "/v1/read"
	localReport  = "/v1/report"
	actorHeader  = "Muster-Actor"
	maxLocalLine = 64 << 20 // bytes of one record
	maxRows      = 1_000_000
)

// estate is what imports are handed to: the engine of this process, or that of
// the running service.
type estate interface {
	ImportScans(ctx context.Context, r campaign.Request, scans iter.Seq2[campaign.Scan, *campaign.Refusal]) (campaign.ImportReport, error)
	ImportCatalog(ctx context.Context, r campaign.Request, fresh campaign.Catalog) (campaign.ImportReport, error)
	ShrinkCatalog(ctx context.Context, r campaign.Request, fresh campaign.Catalog) (campaign.ImportReport, error)
	ImportRows(ctx context.Context, r campaign.Request, id string, rows []campaign.Row) (campaign.ImportReport, error)
	ImportVendors(ctx context.Context, r campaign.Request, id string, list campaign.VendorList) (campaign.ImportReport, error)
	// WrittenReport returns the report of a campaign, as far as it goes.
	WrittenReport(ctx context.Context, id string) (campaign.WrittenReport, error)
}

var _ estate = (*campaign.Engine)(nil)

// localServer answers the other subcommands on this machine.
type localServer struct {
	path    string
	server  *http.Server
	log     logrus.FieldLogger
	serving sync.WaitGroup
}

// startLocal listens beside the store's file. Whoever calls it holds the file's
// lock, so a socket that is there was left behind by a process that died.
func startLocal(store string, parts estate, reader campaign.Reader, log logrus.FieldLogger) (*localServer, error) {
	path, err := socketPath(store)
	if err != nil {
		return nil, err
	}
	listener, err := listenLocal(path)
	if err != nil {
		return nil, &campaign.Error{Kind: campaign.Invalid, Err: err, Message: fmt.Sprintf("The socket %s cannot be made, so other subcommands could not reach the service; it was not started. Give this user write access to the folder of the store.", path)}
	}
	h := localHandlers{estate: parts, reader: reader}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+localImport+"inventory", h.importInventory)
	mux.HandleFunc("POST "+localImport+"catalog", h.importCatalog)
	mux.HandleFunc("POST "+localImport+"targets", h.importTargets)
	mux.HandleFunc("POST "+localImport+"vendors", h.importVendors)
	mux.HandleFunc("POST "+localRead, h.read)
	mux.HandleFunc("POST "+localReport, h.report)
	s := &localServer{path: path, log: log, server: &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}}
	s.serving.Go(func() {
		if err := s.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.WithError(err).Error("local socket closed")
		}
	})
	return s, nil
}

// listenLocal makes the socket under another name in a folder that only we can
// enter, and moves it to its place once its mode is right: there is no moment at
// which others could connect.
func listenLocal(path string) (net.Listener, error) {
	dir, err := os.MkdirTemp(filepath.Dir(path), ".muster-")
	if err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	defer os.RemoveAll(dir)
	fresh := filepath.Join(dir, "s")
	var listener *net.UnixListener
	err = withShortPath(fresh, func(short string) error {
		listener, err = net.ListenUnix("unix", &net.UnixAddr{Name: short, Net: "unix"})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	listener.SetUnlinkOnClose(false) // it moves; stop removes it
	if err = os.Chmod(fresh, 0o600); err == nil {
		err = os.Rename(fresh, path)
	}
	if err != nil {
		_ = listener.Close()
		return nil, fmt.Errorf("put socket in its place: %w", err)
	}
	return listener, nil
}

// stop ends the running requests, within ctx by letting them finish.
func (s *localServer) stop(ctx context.Context) error {
	err := s.server.Shutdown(ctx)
	if err != nil {
		_ = s.server.Close()
	}
	s.serving.Wait()
	if gone := os.Remove(s.path); gone != nil && !errors.Is(gone, os.ErrNotExist) {
		err = errors.Join(err, fmt.Errorf("remove socket: %w", gone))
	}
	return err
}

// localHandlers do what the other subcommands ask for.
type localHandlers struct {
	estate estate
	reader campaign.Reader
}

// localAnswer is what comes back: a result or an error with its words.
type localAnswer[T any] struct {
	Result T           `json:"result"`
	Error  *localError `json:"error,omitempty"`
}

// localError carries an error over the socket. The cause goes along: who asks
// is the operator.
type localError struct {
	Kind    campaign.Kind `json:"kind"`
	Message string        `json:"message"`
	Cause   string        `json:"cause,omitempty"`
}

func (e *localError) asError() error {
	if e == nil {
		return nil
	}
	err := &campaign.Error{Kind: e.Kind, Message: e.Message}
	if e.Cause != "" {
		err.Err = errors.New(e.Cause)
	}
	return err
}

func toLocalError(err error) *localError {
	if err == nil {
		return nil
	}
	out := &localError{Kind: campaign.KindOf(err), Cause: err.Error()}
	if out.Kind != campaign.Internal {
		out.Message = campaign.PublicMessage(err)
	}
	if out.Cause == out.Message {
		out.Cause = ""
	}
	return out
}

func answerLocal[T any](w http.ResponseWriter, result T, err error) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(localAnswer[T]{Result: result, Error: toLocalError(err)}) // the caller may have gone
}

func requestOf(r *http.Request) campaign.Request {
	return campaign.Request{Actor: campaign.Person(r.Header.Get(actorHeader))}
}

func (h localHandlers) importInventory(w http.ResponseWriter, r *http.Request) {
	var broken error
	report, err := h.estate.ImportScans(r.Context(), requestOf(r), func(yield func(campaign.Scan, *campaign.Refusal) bool) {
		for scan, err := range lines[campaign.Scan](r.Body) {
			if broken = err; err != nil || !yield(scan, nil) {
				return
			}
		}
	})
	drain(r.Body)
	answerLocal(w, report, errors.Join(err, broken))
}

func (h localHandlers) importCatalog(w http.ResponseWriter, r *http.Request) {
	for catalog, err := range lines[campaign.Catalog](r.Body) {
		var report campaign.ImportReport
		take := h.estate.ImportCatalog
		if r.URL.Query().Has("gone") {
			take = h.estate.ShrinkCatalog
		}
		if err == nil {
			report, err = take(r.Context(), requestOf(r), catalog)
		}
		drain(r.Body)
		answerLocal(w, report, err)
		return
	}
	answerLocal(w, campaign.ImportReport{}, campaign.Refuse(campaign.Invalid, "No catalog came; nothing was changed."))
}

func (h localHandlers) importTargets(w http.ResponseWriter, r *http.Request) {
	var rows []campaign.Row
	for row, err := range lines[campaign.Row](r.Body) {
		if err == nil && len(rows) == maxRows {
			err = campaign.Refuse(campaign.Invalid, "A list of targets has at most a million rows. Nothing was imported; split the campaign.")
		}
		if err != nil {
			drain(r.Body)
			answerLocal(w, campaign.ImportReport{}, err)
			return
		}
		rows = append(rows, row)
	}
	report, err := h.estate.ImportRows(r.Context(), requestOf(r), r.URL.Query().Get("campaign"), rows)
	answerLocal(w, report, err)
}

// importVendors takes a list in parts of a thousand entries a line.
func (h localHandlers) importVendors(w http.ResponseWriter, r *http.Request) {
	var all campaign.VendorList
	for part, err := range lines[campaign.VendorList](r.Body) {
		all.Products, all.Statements = append(all.Products, part.Products...), append(all.Statements, part.Statements...)
		if err == nil && (len(all.Products) > campaign.MaxProducts || len(all.Statements) > campaign.MaxVendorStatements) {
			err = campaign.Refuse(campaign.Invalid, "These are more products or statements of vendors than one campaign takes. Nothing was imported.")
		}
		if err != nil {
			drain(r.Body)
			answerLocal(w, campaign.ImportReport{}, err)
			return
		}
	}
	report, err := h.estate.ImportVendors(r.Context(), requestOf(r), r.URL.Query().Get("campaign"), all)
	answerLocal(w, report, err)
}

func (h localHandlers) report(w http.ResponseWriter, r *http.Request) {
	report, err := h.estate.WrittenReport(r.Context(), r.URL.Query().Get("campaign"))
	answerLocal(w, report, err)
}

// drain reads what is left of a body, so that who writes it reads our answer
// instead of an error of the connection.
func drain(body io.Reader) { _, _ = io.Copy(io.Discard, body) }

// lines yields the records of a body, one a line, and ends after an error.
func lines[T any](body io.Reader) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		in := bufio.NewScanner(body)
		in.Buffer(make([]byte, 0, 64<<10), maxLocalLine)
		for in.Scan() {
			var value T
			err := json.Unmarshal(in.Bytes(), &value)
			if err != nil {
				err = &campaign.Error{Kind: campaign.Invalid, Err: err, Message: "A record cannot be read; what came before it was kept. Use the same version of muster as the service."}
			}
			if !yield(value, err) || err != nil {
				return
			}
		}
		switch err := in.Err(); {
		case errors.Is(err, bufio.ErrTooLong):
			yield(*new(T), &campaign.Error{Kind: campaign.Invalid, Err: err, Message: "One record is larger than 64 MiB; what came before it was kept. Split the file that it is in."})
		case err != nil:
			yield(*new(T), &campaign.Error{Kind: campaign.Unavailable, Err: err, Message: "The connection ended before everything had arrived; what had arrived was kept. Run it again."})
		}
	}
}
