package webhook_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/paging/pagingtest"
	"github.com/musterbot/muster/campaign/paging/webhook"
	"github.com/musterbot/muster/configs/secret"
)

const (
	signing = "correct horse battery staple"
	token   = "hidden-in-the-address"
)

// receive is a receiver that was written after docs/paging.md.
func receive(s *pagingtest.Service, w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	timestamp := r.Header.Get("Muster-Timestamp")
	sent, err := strconv.ParseInt(timestamp, 10, 64)
	mac := hmac.New(sha256.New, []byte(signing))
	mac.Write([]byte("v1:" + timestamp + ":" + string(body)))
	given, _ := hex.DecodeString(strings.TrimPrefix(r.Header.Get("Muster-Signature"), "v1="))
	if err != nil || time.Since(time.Unix(sent, 0)).Abs() > 5*time.Minute || !hmac.Equal(given, mac.Sum(nil)) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	var delivery struct {
		Event string `json:"event"`
		Page  struct {
			Key, Summary, Detail, Severity, Route, Link string
			At                                          time.Time
		} `json:"page"`
	}
	if err := json.Unmarshal(body, &delivery); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	switch p := delivery.Page; delivery.Event {
	case "page.trigger":
		s.Trigger(p.Key, pagingtest.Seen{Summary: p.Summary, Detail: p.Detail, Severity: p.Severity, Link: p.Link, To: p.Route})
	case "page.resolve":
		s.Resolve(p.Key)
	default:
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func open(t *testing.T, signedAt func() time.Time) pagingtest.Subject {
	service, address := pagingtest.Start(t, receive)
	pager, err := webhook.New(webhook.Options{URL: secret.NewURL(address + "/hooks/" + token), Secret: secret.New(signing), Now: signedAt})
	require.NoError(t, err)
	return pagingtest.Subject{Pager: pager, Service: service, Secrets: []string{signing, token}}
}

func TestContract(t *testing.T) {
	pagingtest.Run(t, func(t *testing.T) pagingtest.Subject { return open(t, nil) })
}

// The receiver of the documentation refuses what was signed long ago.
func TestAnOldSignatureIsRefused(t *testing.T) {
	s := open(t, func() time.Time { return time.Now().Add(-time.Hour) })
	err := s.Pager.Trigger(t.Context(), pagingtest.Page("k1"))
	require.Equal(t, campaign.Forbidden, campaign.KindOf(err))
	require.Zero(t, s.Service.Look("k1").Woken)
}

func TestNobodyListens(t *testing.T) {
	pager, err := webhook.New(webhook.Options{URL: secret.NewURL(pagingtest.NoServer(t) + "/" + token), Secret: secret.New(signing)})
	require.NoError(t, err)
	err = pager.Trigger(t.Context(), pagingtest.Page("k1"))
	require.Equal(t, campaign.Unavailable, campaign.KindOf(err))
	require.NotContains(t, err.Error(), token)
}

func TestAddressAndSecretAreNeeded(t *testing.T) {
	_, err := webhook.New(webhook.Options{URL: secret.NewURL("https://pages.example")})
	require.ErrorContains(t, err, "Secret")
	_, err = webhook.New(webhook.Options{Secret: secret.New(signing)})
	require.ErrorContains(t, err, "URL")
}
