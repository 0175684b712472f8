package web_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus/hooks/test"
	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/bot/web"
	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/advisory"
)

const log4jRecord = `{"id":"GHSA-0000-0000-0001","affected":[{"package":{"ecosystem":"Maven","name":"org.apache.logging.log4j:log4j-core"},
	"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"2.13.0"},{"fixed":"2.15.0"}]}]}]}`

func tokens(t *testing.T) []web.Token {
	t.Helper()
	digest := func(token string) string {
		sum := sha256.Sum256([]byte(token))
		return hex.EncodeToString(sum[:])
	}
	return []web.Token{
		{Name: "ci", SHA256: digest("muster_ci"), May: []string{"check"}},
		{Name: "scanner", SHA256: digest("muster_scanner"), May: []string{"scans"}},
	}
}

func TestOnlyATokenWithTheRightGetsIn(t *testing.T) {
	reached := 0
	handler := web.Bearer(tokens(t), "check", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached++ }))
	tests := map[string]struct {
		header string
		status int
	}{
		"the right token":               {"Bearer muster_ci", http.StatusOK},
		"lower case as some clients do": {"bearer muster_ci", http.StatusOK},
		"no token":                      {"", http.StatusUnauthorized},
		"an empty token":                {"Bearer ", http.StatusUnauthorized},
		"another token":                 {"Bearer muster_cj", http.StatusUnauthorized},
		"the digest instead":            {"Bearer " + tokens(t)[0].SHA256, http.StatusUnauthorized},
		"as a password":                 {"Basic muster_ci", http.StatusUnauthorized},
		"a token for something else":    {"Bearer muster_scanner", http.StatusForbidden},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			before := reached
			r := httptest.NewRequest(http.MethodGet, "/v1/check", nil)
			r.Header.Set("Authorization", tt.header)
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			require.Equal(t, tt.status, w.Code)
			require.Equal(t, tt.status == http.StatusOK, reached > before)
			if tt.status != http.StatusOK {
				require.Contains(t, w.Header().Get("WWW-Authenticate"), "Bearer")
				require.NotContains(t, w.Body.String(), "muster_c", "what was sent is not repeated")
			}
		})
	}
}

func checkHandler(t *testing.T, problem error) http.Handler {
	t.Helper()
	log, _ := test.NewNullLogger()
	return web.BuildCheck(advisory.Matcher{}, func(context.Context) (campaign.Blocklist, error) {
		return campaign.Blocklist{AsOf: time.Date(2021, 12, 11, 0, 0, 0, 0, time.UTC), Blocks: []campaign.Block{
			{Campaign: "log4shell", Title: "Log4Shell", Advisories: []campaign.Advisory{{ID: "GHSA-0000-0000-0001", Raw: []byte(log4jRecord)}}},
		}}, problem
	}, log)
}

func ask(t *testing.T, h http.Handler, purls ...string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/v1/check?"+url.Values{"purl": purls}.Encode(), nil))
	return w
}

func TestABuildAsksWhatIsBlocked(t *testing.T) {
	h := checkHandler(t, nil)
	w := ask(t, h, "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1", "pkg:maven/org.apache.logging.log4j/log4j-api@2.14.1")
	require.Equal(t, http.StatusOK, w.Code)
	require.JSONEq(t, `{"as_of":"2021-12-11T00:00:00Z","warnings":[{"campaign":"log4shell","title":"Log4Shell","advisory":"GHSA-0000-0000-0001",
		"purl":"pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1","verdict":"affected","fixed":["2.15.0"]}]}`, w.Body.String())

	w = ask(t, h)
	require.Equal(t, http.StatusOK, w.Code)
	var list campaign.Blocklist
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &list), "the list comes back as it is read")
	require.Len(t, list.Blocks, 1)

	w = ask(t, h, strings.Split(strings.Repeat("x ", 1001), " ")...)
	require.Equal(t, http.StatusBadRequest, w.Code)
	require.Contains(t, w.Body.String(), "Nothing was checked")
}

func TestAStoreThatDoesNotAnswerIsNoAllClear(t *testing.T) {
	w := ask(t, checkHandler(t, campaign.Refuse(campaign.Unavailable, "The store does not answer.")), "pkg:npm/a@1")
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.JSONEq(t, `{"error":"The store does not answer."}`, w.Body.String())
}
