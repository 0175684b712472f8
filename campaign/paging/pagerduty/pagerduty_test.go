package pagerduty_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/paging/pagerduty"
	"github.com/musterbot/muster/campaign/paging/pagingtest"
	"github.com/musterbot/muster/configs/secret"
)

const (
	desk     = "0123456789abcdef0123456789abcdef"
	incident = "fedcba9876543210fedcba9876543210"
)

// enqueue answers as PagerDuty documents its Events API v2.
func enqueue(s *pagingtest.Service, w http.ResponseWriter, r *http.Request) {
	var event struct {
		RoutingKey  string `json:"routing_key"`
		EventAction string `json:"event_action"`
		DedupKey    string `json:"dedup_key"`
		Links       []struct{ Href, Text string }
		Payload     *struct {
			Summary, Source, Severity, Timestamp string
			CustomDetails                        map[string]string `json:"custom_details"`
		}
	}
	answer := func(status int, body any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(body)
	}
	invalid := func(problems ...string) {
		answer(http.StatusBadRequest, map[string]any{"status": "invalid event", "message": "Event object is invalid", "errors": problems})
	}
	if r.Method != http.MethodPost || r.URL.Path != "/v2/enqueue" {
		answer(http.StatusNotFound, map[string]any{})
		return
	}
	if err := json.NewDecoder(r.Body).Decode(&event); err != nil {
		invalid("the body is not JSON")
		return
	}
	switch {
	case len(event.RoutingKey) != 32:
		invalid("Length of 'routing_key' is incorrect (should be 32 characters)")
	case len(event.DedupKey) > 255:
		invalid("Length of 'dedup_key' is incorrect (should be less than 255 characters)")
	case event.EventAction == "trigger" && (event.Payload == nil || event.Payload.Summary == "" || event.Payload.Source == ""):
		invalid("'payload.summary' is missing or blank")
	case event.EventAction == "trigger" && utf8.RuneCountInString(event.Payload.Summary) > 1024:
		invalid("'payload.summary' is too long")
	case event.EventAction == "trigger" && !slices.Contains([]string{"critical", "error", "warning", "info"}, event.Payload.Severity):
		invalid("'payload.severity' is invalid (must be one of the following: 'critical', 'warning', 'error' or 'info')")
	case event.EventAction == "trigger":
		if _, err := time.Parse(time.RFC3339, event.Payload.Timestamp); err != nil {
			invalid("'payload.timestamp' is not a date")
			return
		}
		seen := pagingtest.Seen{
			Summary: event.Payload.Summary, Detail: event.Payload.CustomDetails["detail"], Severity: event.Payload.Severity, To: event.RoutingKey,
		}
		for _, link := range event.Links {
			seen.Link = link.Href
		}
		s.Trigger(event.DedupKey, seen)
		answer(http.StatusAccepted, map[string]any{"status": "success", "message": "Event processed", "dedup_key": event.DedupKey})
	case event.EventAction == "resolve" && event.DedupKey == "":
		invalid("'dedup_key' is missing or blank")
	case event.EventAction == "resolve":
		s.Resolve(event.DedupKey)
		answer(http.StatusAccepted, map[string]any{"status": "success", "message": "Event processed", "dedup_key": event.DedupKey})
	default:
		invalid(fmt.Sprintf("'event_action' %q is invalid", event.EventAction))
	}
}

func open(t *testing.T) pagingtest.Subject {
	service, address := pagingtest.Start(t, enqueue)
	pager, err := pagerduty.New(pagerduty.Options{URL: address, Key: secret.New(desk), IncidentKey: secret.New(incident)})
	require.NoError(t, err)
	return pagingtest.Subject{Pager: pager, Service: service, Secrets: []string{desk, incident}, MaxSummary: 1024}
}

func TestContract(t *testing.T) { pagingtest.Run(t, open) }

func TestSeveritiesArePagerDutys(t *testing.T) {
	for severity, want := range map[campaign.PageSeverity]string{
		campaign.PageCritical: "critical", campaign.PageHigh: "error", campaign.PageLow: "warning",
	} {
		s := open(t)
		p := pagingtest.Page("k1")
		p.Severity = severity
		require.NoError(t, s.Pager.Trigger(t.Context(), p))
		require.Equal(t, want, s.Service.Look("k1").Severity)
	}
}

// What PagerDuty says of an event that it refuses reaches the operator.
func TestAKeyOfTheWrongLength(t *testing.T) {
	_, address := pagingtest.Start(t, enqueue)
	pager, err := pagerduty.New(pagerduty.Options{URL: address, Key: secret.New("short")})
	require.NoError(t, err)
	err = pager.Trigger(t.Context(), pagingtest.Page("k1"))
	require.Equal(t, campaign.Invalid, campaign.KindOf(err))
	require.ErrorContains(t, err, "should be 32 characters")
}

func TestNobodyListens(t *testing.T) {
	pager, err := pagerduty.New(pagerduty.Options{URL: pagingtest.NoServer(t), Key: secret.New(desk)})
	require.NoError(t, err)
	require.Equal(t, campaign.Unavailable, campaign.KindOf(pager.Trigger(t.Context(), pagingtest.Page("k1"))))
}

func TestOneKeyServesIncidentResponseToo(t *testing.T) {
	service, address := pagingtest.Start(t, enqueue)
	pager, err := pagerduty.New(pagerduty.Options{URL: address + "/", Key: secret.New(desk)})
	require.NoError(t, err)
	p := pagingtest.Page("k1")
	p.Route = campaign.PageIncident
	require.NoError(t, pager.Trigger(t.Context(), p))
	require.Equal(t, desk, service.Look("k1").To)
}

func TestAKeyIsNeeded(t *testing.T) {
	_, err := pagerduty.New(pagerduty.Options{})
	require.ErrorContains(t, err, "Key")
}
