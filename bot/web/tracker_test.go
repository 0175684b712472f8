package web_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sirupsen/logrus/hooks/test"
	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/bot/web"
	"github.com/musterbot/muster/campaign"
)

// signedBy believes deliveries that carry its word, and hints at what they name.
type signedBy string

func (s signedBy) Hints(header http.Header, body []byte) ([]campaign.TicketRef, error) {
	switch {
	case header.Get("X-Signature") != string(s):
		return nil, campaign.Refuse(campaign.Forbidden, "Not signed.")
	case len(body) == 0:
		return nil, campaign.Refuse(campaign.Invalid, "Empty.")
	}
	return []campaign.TicketRef{{ID: string(body)}}, nil
}

func TestWebhooksOfTrackers(t *testing.T) {
	tests := map[string]struct {
		path, signature, body string
		store                 error
		status                int
		kept                  []campaign.TicketRef
	}{
		"signed":           {path: "/v1/trackers/github", signature: "s", body: "acme/shop#7", status: http.StatusAccepted, kept: []campaign.TicketRef{{ID: "acme/shop#7"}}},
		"wrong signature":  {path: "/v1/trackers/github", signature: "x", body: "acme/shop#7", status: http.StatusUnauthorized},
		"not to be read":   {path: "/v1/trackers/github", signature: "s", status: http.StatusBadRequest},
		"unknown system":   {path: "/v1/trackers/gitlab", signature: "s", body: "7", status: http.StatusNotFound},
		"too large":        {path: "/v1/trackers/github", signature: "s", body: strings.Repeat("x", 1<<20+1), status: http.StatusRequestEntityTooLarge},
		"the store is off": {path: "/v1/trackers/github", signature: "s", body: "7", store: errors.New("away"), status: http.StatusServiceUnavailable},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			log, _ := test.NewNullLogger()
			var kept []campaign.TicketRef
			mux := http.NewServeMux()
			mux.Handle("POST /v1/trackers/{name}", web.TrackerHooks(map[string]web.Hinter{"github": signedBy("s")}, func(_ context.Context, refs []campaign.TicketRef) error {
				if tt.store != nil {
					return tt.store
				}
				kept = append(kept, refs...)
				return nil
			}, log))
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, tt.path, strings.NewReader(tt.body))
			r.Header.Set("X-Signature", tt.signature)
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, r)
			require.Equal(t, tt.status, w.Code)
			require.Equal(t, tt.kept, kept)
		})
	}
}
