package bot

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"

	"github.com/slack-go/slack"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/configs/secret"
)

// maxBody bounds what is read of a request; a form may carry a whole App Home.
const maxBody = 1 << 20

// Events returns the handler of /slack/events.
func (s *Server) Events(signing secret.Secret) http.Handler {
	return s.signed(signing, func(w http.ResponseWriter, r *http.Request, body []byte) {
		var challenge struct{ Type, Challenge string }
		if json.Unmarshal(body, &challenge) == nil && challenge.Type == "url_verification" {
			writeJSON(w, map[string]string{"challenge": challenge.Challenge})
			return
		}
		s.answer(w, r, campaign.EnvelopeEvent, body)
	})
}

// Interactivity returns the handler of /slack/interactivity.
func (s *Server) Interactivity(signing secret.Secret) http.Handler {
	return s.signed(signing, func(w http.ResponseWriter, r *http.Request, body []byte) {
		form, err := url.ParseQuery(string(body))
		if err != nil || form.Get("payload") == "" {
			http.Error(w, "no payload", http.StatusBadRequest)
			return
		}
		s.answer(w, r, campaign.EnvelopeAction, json.RawMessage(form.Get("payload")))
	})
}

// Command returns the handler of /slack/command.
func (s *Server) Command(signing secret.Secret) http.Handler {
	return s.signed(signing, func(w http.ResponseWriter, r *http.Request, body []byte) {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			http.Error(w, "not a form", http.StatusBadRequest)
			return
		}
		if form.Get("ssl_check") == "1" {
			return
		}
		payload, err := json.Marshal(firsts(form)) // as Socket Mode has it
		if err != nil {
			http.Error(w, "not a form", http.StatusBadRequest)
			return
		}
		s.answer(w, r, campaign.EnvelopeCommand, payload)
	})
}

func firsts(form url.Values) map[string]string {
	out := make(map[string]string, len(form))
	for name := range form {
		out[name] = form.Get(name)
	}
	return out
}

// signed lets through only what Slack has signed within the last five minutes;
// everything else gets 401 and no work.
func (s *Server) signed(signing secret.Secret, next func(http.ResponseWriter, *http.Request, []byte)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			http.Error(w, "POST only", http.StatusMethodNotAllowed)
			return
		}
		verifier, err := slack.NewSecretsVerifier(r.Header, signing.Reveal())
		if err != nil {
			s.refuse(w, r, err)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
				http.Error(w, "too large", http.StatusRequestEntityTooLarge)
			}
			return // else the caller has gone
		}
		_, _ = verifier.Write(body) // a hash takes everything
		if err := verifier.Ensure(); err != nil {
			s.refuse(w, r, err)
			return
		}
		next(w, r, body)
	})
}

func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	s.opts.Log.WithError(err).WithFields(map[string]any{"path": r.URL.Path, "remote": r.RemoteAddr}).Warn("request with a bad signature refused")
	http.Error(w, "bad signature", http.StatusUnauthorized)
}

// answer receives a payload and acknowledges it once it is durable. Slack tries
// an event again that got anything but 200, and tells the person otherwise.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, kind campaign.EnvelopeKind, payload json.RawMessage) {
	ack, err := s.receive(r.Context(), kind, payload)
	if err != nil {
		log := s.opts.Log.WithError(err).WithFields(map[string]any{"envelope": kind, "retry": r.Header.Get("X-Slack-Retry-Num")})
		if campaign.KindOf(err) == campaign.Invalid {
			log.Warn("request refused")
			w.Header().Set("X-Slack-No-Retry", "1") // it would be refused again
			http.Error(w, "cannot be read", http.StatusBadRequest)
			return
		}
		log.Error("request not acknowledged")
		http.Error(w, "not stored", http.StatusServiceUnavailable)
		return
	}
	if ack != nil {
		writeJSON(w, ack)
	}
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(v) // the caller may have gone
}
