package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/musterbot/muster/campaign"
)

// Token is a program's right to call. The token itself is not kept.
type Token struct {
	Name   string
	SHA256 string   // of the token, in lower-case hexadecimal digits
	May    []string // the rights it is good for
}

// Bearer lets through to next who brings a token with the right, as RFC 6750 has
// it: in the Authorization header, and nowhere else. Others get 401, or 403 when
// the token is good for something else.
func Bearer(tokens []Token, right string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kind, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		sum := sha256.Sum256([]byte(strings.TrimSpace(given)))
		digest := []byte(hex.EncodeToString(sum[:]))
		var found *Token
		for i := range tokens { // all of them, so that the time does not tell which
			if subtle.ConstantTimeCompare([]byte(tokens[i].SHA256), digest) == 1 {
				found = &tokens[i]
			}
		}
		switch {
		case !strings.EqualFold(kind, "Bearer") || found == nil:
			w.Header().Set("WWW-Authenticate", `Bearer realm="muster"`)
			refuse(w, http.StatusUnauthorized, "A token is needed: Authorization: Bearer TOKEN. The operator makes one with `muster token`.")
		case !slices.Contains(found.May, right):
			w.Header().Set("WWW-Authenticate", `Bearer realm="muster", error="insufficient_scope"`)
			refuse(w, http.StatusForbidden, "This token may not do that. It needs the right "+right+" in api.tokens.")
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// answer writes a value as JSON.
func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // whoever asked has gone
}

// refuse answers with words for people.
func refuse(w http.ResponseWriter, status int, words string) {
	answer(w, status, map[string]string{"error": words})
}

// statusOf is the status that an error is answered with.
func statusOf(err error) int {
	switch campaign.KindOf(err) {
	case campaign.Invalid:
		return http.StatusBadRequest
	case campaign.Forbidden:
		return http.StatusForbidden
	case campaign.NotFound:
		return http.StatusNotFound
	case campaign.Conflict:
		return http.StatusConflict
	case campaign.Unavailable, campaign.Uncertain:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}
