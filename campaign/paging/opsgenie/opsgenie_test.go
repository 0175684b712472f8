package opsgenie_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/paging/opsgenie"
	"github.com/musterbot/muster/campaign/paging/pagingtest"
	"github.com/musterbot/muster/configs/secret"
)

const (
	desk     = "eb243592-faa2-4ba2-a551q-1afdf565c889"
	incident = "0f5b9b14-4c14-4f9a-8d92-a2bd2dc6b0a1"
)

// alerts answers as Opsgenie documents its Alert API: what is well formed is
// accepted, and worked later.
func alerts(s *pagingtest.Service, w http.ResponseWriter, r *http.Request) {
	answer := func(status int, body map[string]any) {
		w.Header().Set("Content-Type", "application/json")
		body["took"], body["requestId"] = 0.02, "43a29c5c-3dbf-4fa4-9c26-f4f71023e120"
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(body)
	}
	key, ok := strings.CutPrefix(r.Header.Get("Authorization"), "GenieKey ")
	if !ok || key != desk && key != incident {
		answer(http.StatusUnauthorized, map[string]any{"message": "Could not authenticate"})
		return
	}
	var body struct {
		Message, Alias, Description, Priority, Source string
		Details                                       map[string]string
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		answer(http.StatusUnprocessableEntity, map[string]any{"message": "Request body is not processable. Please check the errors."})
		return
	}
	alias, closing := strings.CutSuffix(strings.TrimPrefix(r.URL.Path, "/v2/alerts/"), "/close")
	switch {
	case r.Method == http.MethodPost && r.URL.Path == "/v2/alerts":
		if body.Message == "" || utf8.RuneCountInString(body.Message) > 130 || utf8.RuneCountInString(body.Description) > 15000 ||
			len(body.Alias) > 512 || !strings.HasPrefix(body.Priority, "P") {
			answer(http.StatusUnprocessableEntity, map[string]any{
				"message": "Request body is not processable. Please check the errors.", "errors": map[string]string{"message": "Message can not be empty."},
			})
			return
		}
		s.Trigger(body.Alias, pagingtest.Seen{
			Summary: body.Message, Detail: body.Description, Severity: body.Priority, Link: body.Details["link"], To: key,
		})
		answer(http.StatusAccepted, map[string]any{"result": "Request will be processed"})
	case r.Method == http.MethodPost && closing && r.URL.Query().Get("identifierType") == "alias":
		s.Resolve(alias)
		answer(http.StatusAccepted, map[string]any{"result": "Request will be processed"})
	default:
		answer(http.StatusNotFound, map[string]any{"message": "Resource not found"})
	}
}

func open(t *testing.T) pagingtest.Subject {
	service, address := pagingtest.Start(t, alerts)
	pager, err := opsgenie.New(opsgenie.Options{URL: address, Key: secret.New(desk), IncidentKey: secret.New(incident)})
	require.NoError(t, err)
	return pagingtest.Subject{Pager: pager, Service: service, Secrets: []string{desk, incident}, MaxSummary: 130}
}

func TestContract(t *testing.T) { pagingtest.Run(t, open) }

func TestPrioritiesAreOpsgenies(t *testing.T) {
	for severity, want := range map[campaign.PageSeverity]string{
		campaign.PageCritical: "P1", campaign.PageHigh: "P2", campaign.PageLow: "P3",
	} {
		s := open(t)
		p := pagingtest.Page("k1")
		p.Severity = severity
		require.NoError(t, s.Pager.Trigger(t.Context(), p))
		require.Equal(t, want, s.Service.Look("k1").Severity)
	}
}

func TestAKeyThatOpsgenieDoesNotKnow(t *testing.T) {
	_, address := pagingtest.Start(t, alerts)
	pager, err := opsgenie.New(opsgenie.Options{URL: address, Key: secret.New("other")})
	require.NoError(t, err)
	err = pager.Trigger(t.Context(), pagingtest.Page("k1"))
	require.Equal(t, campaign.Forbidden, campaign.KindOf(err))
	require.Contains(t, campaign.PublicMessage(err), "key of `paging`")
}

func TestAKeyIsNeeded(t *testing.T) {
	_, err := opsgenie.New(opsgenie.Options{})
	require.ErrorContains(t, err, "Key")
}
