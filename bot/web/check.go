package web

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/musterbot/muster/campaign"
)

// maxPURLs is how many components one request may ask about.
const maxPURLs = 1000

// blocklistFor is how long what campaigns block is remembered: a CI that asks a
// hundred times a second does not read the store as often.
const blocklistFor = 10 * time.Second

// BuildCheck answers GET /v1/check: with purl parameters, what campaigns say of those
// components; without, the whole blocklist, as `muster check --campaigns` reads
// it.
func BuildCheck(m campaign.Matcher, read func(context.Context) (campaign.Blocklist, error), log logrus.FieldLogger) http.Handler {
	return &checkHandler{matcher: m, read: read, log: log}
}

type checkHandler struct {
	matcher campaign.Matcher
	read    func(context.Context) (campaign.Blocklist, error)
	log     logrus.FieldLogger

	mu      sync.Mutex
	list    campaign.Blocklist
	checker *campaign.Checker
	at      time.Time
}

// checked is the answer about components.
type checked struct {
	AsOf     time.Time          `json:"as_of"`
	Warnings []campaign.Warning `json:"warnings"`
}

// ServeHTTP implements http.Handler.
func (h *checkHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	purls := r.URL.Query()["purl"]
	if len(purls) > maxPURLs {
		refuse(w, http.StatusBadRequest, fmt.Sprintf("At most %d components can be asked about at once. Nothing was checked; ask in parts, or read the list without purl and check it yourself.", maxPURLs))
		return
	}
	list, checker, err := h.current(r.Context())
	if err != nil {
		h.log.WithError(err).Error("read what campaigns block")
		refuse(w, statusOf(err), campaign.PublicMessage(err))
		return
	}
	if len(purls) == 0 {
		answer(w, http.StatusOK, list)
		return
	}
	out := checked{AsOf: list.AsOf, Warnings: []campaign.Warning{}}
	for _, purl := range purls {
		out.Warnings = append(out.Warnings, checker.Check(campaign.Component{PURL: purl})...)
	}
	answer(w, http.StatusOK, out)
}

func (h *checkHandler) current(ctx context.Context) (campaign.Blocklist, *campaign.Checker, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.checker != nil && time.Since(h.at) < blocklistFor {
		return h.list, h.checker, nil
	}
	list, err := h.read(ctx)
	if err != nil {
		return list, nil, err
	}
	checker, err := campaign.NewChecker(h.matcher, list)
	if err != nil {
		return list, nil, err
	}
	h.list, h.checker, h.at = list, checker, time.Now()
	return list, checker, nil
}
