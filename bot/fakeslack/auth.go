package fakeslack

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// token is what a secret stands for.
type token struct {
	app     bool
	revoked bool
	scopes  []string // nil grants all
}

// authenticate finds the token behind a secret and checks its kind.
func (w *Workspace) authenticate(secret string, row method) (*token, error) {
	if secret == "" {
		return nil, fail("not_authed")
	}
	w.mu.RLock()
	defer w.mu.RUnlock()
	t := w.tokens[secret]
	switch {
	case t == nil:
		return nil, fail("invalid_auth")
	case t.revoked:
		return nil, fail("token_revoked")
	case t.app != row.app:
		return nil, fail("not_allowed_token_type")
	}
	return t, nil
}

// has says whether the token was granted a scope.
func (t *token) has(scope string) bool {
	return scope == "" || t.scopes == nil || slices.Contains(t.scopes, scope)
}

// needs refuses a call whose token lacks a scope, and says which.
func (r *request) needs(scope string) error {
	if r.token.has(scope) {
		return nil
	}
	return &apiError{code: "missing_scope", extra: fields{
		"needed": scope, "provided": strings.Join(r.token.scopes, ","),
	}}
}

// needsFor asks for the scope that stands for a kind of channel, such as
// channels:history or im:history.
func (r *request) needsFor(kind channelKind, access string) error {
	prefix := map[channelKind]string{
		public: "channels", private: "groups", direct: "im", group: "mpim",
	}[kind]
	if access == "manage" && kind != public {
		access = "write"
	}
	return r.needs(prefix + ":" + access)
}

// RevokeTokens makes every token answer token_revoked, and cuts the sockets.
func (w *Workspace) RevokeTokens() {
	w.mu.Lock()
	for _, t := range w.tokens {
		t.revoked = true
	}
	w.mu.Unlock()
	w.hub.closeAll()
}

// RestoreTokens undoes RevokeTokens.
func (w *Workspace) RestoreTokens() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, t := range w.tokens {
		t.revoked = false
	}
}

// GrantScopes replaces the scopes of the bot token; with none it grants all.
func (w *Workspace) GrantScopes(scopes ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tokens[w.opts.BotToken].scopes = slices.Clone(scopes)
}

func authTest(r *request) (fields, error) {
	w := r.w
	return fields{
		"url": fmt.Sprintf("https://%s.slack.com/", w.opts.Domain), "team": w.opts.Team,
		"user": w.bot.Name, "team_id": w.team, "user_id": w.bot.ID, "bot_id": w.bot.BotID,
		"is_enterprise_install": false,
	}, nil
}

func teamInfo(r *request) (fields, error) {
	w := r.w
	return fields{"team": fields{
		"id": w.team, "name": w.opts.Team, "domain": w.opts.Domain,
		"email_domain": w.opts.Domain + ".example", "icon": fields{"image_default": true},
	}}, nil
}

func encodeCursor(at int) string {
	return base64.StdEncoding.EncodeToString([]byte("next:" + strconv.Itoa(at)))
}

func decodeCursor(cursor string) (int, error) {
	raw, err := base64.StdEncoding.DecodeString(cursor)
	if err != nil {
		return 0, fmt.Errorf("decode cursor: %w", err)
	}
	at, err := strconv.Atoi(strings.TrimPrefix(string(raw), "next:"))
	if err != nil || at < 0 {
		return 0, fmt.Errorf("decode cursor %q: not one of ours", raw)
	}
	return at, nil
}
