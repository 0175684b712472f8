package web

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"

	"github.com/sirupsen/logrus"

	"github.com/musterbot/muster/campaign"
)

// Hinter reads what a ticket system sends when something changed there.
type Hinter interface {
	// Hints returns the tickets that may have changed, none for what is of no
	// interest. What is not signed as agreed is Forbidden, what cannot be read
	// Invalid.
	Hints(header http.Header, body []byte) ([]campaign.TicketRef, error)
}

// maxHook bounds what a ticket system may send at once, in bytes.
const maxHook = 1 << 20

// TrackerHooks answers POST /v1/trackers/{name} of ticket systems: 202 once it is
// durable that tickets have to be read, by hint; 401 and nothing kept for what is
// not signed; 404 for a name that no system has. What a system says is never
// believed by itself.
func TrackerHooks(systems map[string]Hinter, hint func(context.Context, []campaign.TicketRef) error, log logrus.FieldLogger) http.Handler {
	return &trackerHooks{systems: systems, hint: hint, log: log, strangers: sync.OnceFunc(func() {
		log.Warn("a webhook came that is not signed with our secret; this is said once")
	})}
}

type trackerHooks struct {
	systems   map[string]Hinter
	hint      func(context.Context, []campaign.TicketRef) error
	log       logrus.FieldLogger
	strangers func()
}

// ServeHTTP implements http.Handler.
func (h *trackerHooks) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	system, ok := h.systems[r.PathValue("name")]
	if !ok {
		refuse(w, http.StatusNotFound, "No ticket system of this name is configured to send webhooks.")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxHook))
	if err != nil {
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			refuse(w, http.StatusRequestEntityTooLarge, "The delivery is larger than 1 MiB and was not read.")
			return
		}
		refuse(w, http.StatusBadRequest, "The delivery could not be read to its end.")
		return
	}
	refs, err := system.Hints(r.Header, body)
	switch {
	case err != nil && campaign.KindOf(err) == campaign.Forbidden:
		h.strangers()
		refuse(w, http.StatusUnauthorized, campaign.PublicMessage(err))
		return
	case err != nil:
		h.log.WithError(err).Info("webhook of the tracker refused")
		refuse(w, http.StatusBadRequest, campaign.PublicMessage(err))
		return
	}
	if err := h.hint(r.Context(), refs); err != nil {
		h.log.WithError(err).Error("keep hints of the tracker")
		refuse(w, http.StatusServiceUnavailable, "The delivery could not be kept. Please send it again.")
		return
	}
	w.WriteHeader(http.StatusAccepted)
}
