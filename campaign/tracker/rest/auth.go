package rest

import (
	"encoding/base64"
	"net/http"

	"github.com/musterbot/muster/configs/secret"
)

// Auth is how calls say whom they come from. Make it with Bearer, Basic or
// Header; it cannot be printed.
type Auth struct {
	header string
	prefix string
	user   string // with Basic
	basic  bool
	token  secret.Secret
}

// Bearer sends the token as OAuth and personal access tokens are sent.
func Bearer(token secret.Secret) Auth {
	return Auth{header: "Authorization", prefix: "Bearer ", token: token}
}

// Basic sends a user's name with a password or API token.
func Basic(user string, password secret.Secret) Auth {
	return Auth{header: "Authorization", user: user, basic: true, token: password}
}

// Header sends the token as the value of a header of its own.
func Header(name string, token secret.Secret) Auth { return Auth{header: name, token: token} }

func (a Auth) apply(h http.Header) {
	if a.basic {
		h.Set(a.header, "Basic "+base64.StdEncoding.EncodeToString([]byte(a.user+":"+a.token.Reveal())))
		return
	}
	h.Set(a.header, a.prefix+a.token.Reveal())
}
