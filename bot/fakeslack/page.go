package fakeslack

import (
	"crypto/rand"
	"crypto/subtle"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"mime"
	"net"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"
)

//go:embed page
var pageFiles embed.FS

// PageOptions describe the web page of a workspace. The zero value is a usable one.
type PageOptions struct {
	// Title and Steps fill the guide beside the messages. Steps are mrkdwn; what
	// stands in them as `/command` can be pressed, and is then typed for the visitor.
	Title string // default "Guide"
	Steps []string

	Cast   []Actor // people whom the visitor is offered first; the first one acts at the start
	Start  string  // channel that is open at first, by name; default the first of the list
	Panels []Panel
}

// Actor is someone whom a visitor would want to be, and why.
type Actor struct {
	Who  string // handle or id
	Role string // such as "commander"
}

// Page is the workspace as people see it in a browser: channels, threads, direct
// messages, modals and App Home. Whoever looks at it may act as anyone.
type Page struct {
	w     *Workspace
	opts  PageOptions
	token string // of this process; every POST carries it

	mu      sync.Mutex
	read    map[string]map[string]string // user -> channel, or channel/thread -> ts that was seen last
	told    []line                       // of the guide
	streams int
}

// ServePage serves the page at the root of the workspace's address until the
// workspace closes. It fails when there is one already.
func (w *Workspace) ServePage(o PageOptions) (*Page, error) {
	if o.Title == "" {
		o.Title = "Guide"
	}
	p := &Page{w: w, opts: o, token: rand.Text(), read: map[string]map[string]string{}}
	index, err := template.ParseFS(pageFiles, "page/index.html")
	if err != nil {
		return nil, fmt.Errorf("parse the page: %w", err)
	}
	files, err := fs.Sub(pageFiles, "page")
	if err != nil {
		return nil, fmt.Errorf("open the page's files: %w", err)
	}
	w.mu.Lock()
	again := w.page != nil
	if !again {
		w.page = p
	}
	w.mu.Unlock()
	if again {
		return nil, errors.New("the workspace serves its page already")
	}
	w.mux.Handle("GET /{$}", p.guard(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "text/html; charset=utf-8")
		// A write that fails has nobody left to hear of it.
		_ = index.Execute(rw, map[string]string{"Team": w.opts.Team, "Token": p.token})
	}))
	w.mux.Handle("GET /page/{file}", p.guard(func(rw http.ResponseWriter, hr *http.Request) {
		name := hr.PathValue("file")
		rw.Header().Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
		http.ServeFileFS(rw, hr, files, name)
	}))
	w.mux.Handle("GET /page/state", p.guard(p.serveState))
	w.mux.Handle("GET /page/events", p.guard(p.serveEvents))
	w.mux.Handle("POST /page/act", p.guard(p.serveAct))
	return p, nil
}

// URL is the page's address.
func (p *Page) URL() string { return p.w.base + "/" }

// policy lets the page run its own scripts and styles and nothing else: no inline
// code, no other origin, no frame around it.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// guard stands before everything that the page serves.
func (p *Page) guard(h http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, hr *http.Request) {
		head := rw.Header()
		head.Set("Content-Security-Policy", policy)
		head.Set("X-Content-Type-Options", "nosniff")
		head.Set("Referrer-Policy", "no-referrer")
		head.Set("Cross-Origin-Resource-Policy", "same-origin")
		head.Set("Cache-Control", "no-store")
		if !addressed(hr.Host) {
			http.Error(rw, "This page answers to localhost and to IP addresses only.", http.StatusMisdirectedRequest)
			return
		}
		if hr.Method == http.MethodPost &&
			subtle.ConstantTimeCompare([]byte(hr.Header.Get("X-Page-Token")), []byte(p.token)) != 1 {
			http.Error(rw, "The page is older than the workspace: reload it.", http.StatusForbidden)
			return
		}
		h(rw, hr)
	})
}

// addressed says whether a Host header names this machine by an address. A foreign
// site can have its own name point here, but it cannot make an address its name.
func addressed(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.Trim(host, "[]")
	return host == "localhost" || net.ParseIP(host) != nil
}

// path makes an address of this workspace a path, so that it holds by whichever
// name the page was opened. Others stay.
func (p *Page) path(address string) string {
	if rest, ok := strings.CutPrefix(address, p.w.base+"/"); ok {
		return "/" + rest
	}
	return address
}

// place finds where a permalink of this workspace leads within the page; "" when
// it leads out.
func (p *Page) place(link string) string {
	u, err := url.Parse(link)
	if err != nil || u.Host != p.w.opts.Domain+".slack.com" {
		return ""
	}
	id, message, _ := strings.Cut(strings.TrimPrefix(u.Path, "/archives/"), "/")
	if _, known := p.w.Channel(id); !known {
		return ""
	}
	ts := strings.TrimPrefix(message, "p")
	if len(ts) < 7 {
		return "#/" + id
	}
	ts = ts[:len(ts)-6] + "." + ts[len(ts)-6:]
	m, ok := p.w.Message(id, ts)
	switch {
	case !ok:
		return "#/" + id
	case m.ThreadTS != "":
		return "#/" + id + "/" + m.ThreadTS
	}
	return "#/" + id
}
