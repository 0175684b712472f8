package fakeslack

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Endpoints are the app's request URLs. With all of them empty the workspace
// delivers over Socket Mode.
type Endpoints struct {
	Events        string
	Interactivity string
	Command       string
}

// Sign computes the X-Slack-Signature of a body sent at a time.
func Sign(secret string, at time.Time, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "v0:%d:", at.Unix())
	mac.Write(body)
	return "v0=" + hex.EncodeToString(mac.Sum(nil))
}

// DeliverTo switches to signed HTTP. It may be called again, and with the zero
// value it switches back to Socket Mode.
func (w *Workspace) DeliverTo(e Endpoints) {
	w.hub.mu.Lock()
	defer w.hub.mu.Unlock()
	w.endpoints = e
}

// endpointFor is empty in Socket Mode. The hub's lock is held.
func (w *Workspace) endpointFor(kind string) string {
	switch kind {
	case eventsAPI:
		return w.endpoints.Events
	case slashCommands:
		return w.endpoints.Command
	}
	return w.endpoints.Interactivity
}

// post sends one signed request and reads what comes back, within the deadline.
func (w *Workspace) postSigned(ctx context.Context, to, contentType string, body []byte, head map[string]string) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, w.opts.AckWithin)
	defer cancel()
	stop := context.AfterFunc(w.ctx, cancel)
	defer stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return 0, nil, fmt.Errorf("make request: %w", err)
	}
	now := time.Now() // signatures are in real time
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("User-Agent", "Slackbot 1.0 (+https://api.slack.com/robots)")
	req.Header.Set("X-Slack-Request-Timestamp", strconv.FormatInt(now.Unix(), 10))
	req.Header.Set("X-Slack-Signature", Sign(w.opts.SigningSecret, now, body))
	for name, value := range head {
		req.Header.Set(name, value)
	}
	resp, err := w.httpClient.Do(req)
	if err != nil {
		return 0, nil, fmt.Errorf("post to the app: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return 0, nil, fmt.Errorf("read the app's answer: %w", err)
	}
	return resp.StatusCode, answer, nil
}

// handHTTP posts a parcel; a 200 is the acknowledgement.
func (w *Workspace) handHTTP(p *parcel, a *Attempt, to string) outcome {
	contentType, body := "application/x-www-form-urlencoded", []byte(nil)
	switch p.kind {
	case eventsAPI:
		contentType, body = "application/json", p.payload
	case slashCommands:
		body = []byte(encodeForm(p.form))
	default:
		body = []byte(url.Values{"payload": {string(p.payload)}}.Encode())
	}
	head := map[string]string{}
	if a.Retry > 0 {
		head["X-Slack-Retry-Num"], head["X-Slack-Retry-Reason"] = strconv.Itoa(a.Retry), httpReason(a.Reason)
	}
	return func(ctx context.Context) (json.RawMessage, error) {
		status, answer, err := w.postSigned(ctx, to, contentType, body, head)
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			return nil, errNoAck{"timeout"}
		case err != nil:
			return nil, errNoAck{"connection_failed"}
		case status != http.StatusOK:
			return nil, errNoAck{"http_error"}
		}
		return acknowledgement(answer), nil
	}
}

func httpReason(reason string) string {
	if reason == "timeout" {
		return "http_timeout"
	}
	return reason
}

// acknowledgement makes JSON of an answer that may also be plain text.
func acknowledgement(answer []byte) json.RawMessage {
	answer = bytes.TrimSpace(answer)
	if len(answer) == 0 {
		return nil
	}
	if json.Valid(answer) && answer[0] == '{' {
		return answer
	}
	plain, _ := json.Marshal(fields{"text": string(answer)}) // strings always encode
	return plain
}

func encodeForm(form []pair) string {
	parts := make([]string, 0, len(form))
	for _, f := range form {
		parts = append(parts, url.QueryEscape(f.name)+"="+url.QueryEscape(f.value))
	}
	return strings.Join(parts, "&")
}

// formOf rebuilds the form of a slash command from its payload.
func formOf(kind string, payload json.RawMessage) []pair {
	if kind != slashCommands {
		return nil
	}
	var all map[string]string
	if json.Unmarshal(payload, &all) != nil {
		return nil
	}
	out := make([]pair, 0, len(all))
	for _, name := range commandFields {
		if value, ok := all[name]; ok {
			out = append(out, pair{name, value})
		}
	}
	return out
}

// VerifyURL sends the challenge with which Slack checks a new events URL.
func (w *Workspace) VerifyURL(ctx context.Context) error {
	w.hub.mu.Lock()
	to := w.endpoints.Events
	w.hub.mu.Unlock()
	challenge := uuid()
	body, _ := json.Marshal(fields{ // strings always encode
		"type": "url_verification", "token": "fake-verification", "challenge": challenge,
	})
	status, answer, err := w.postSigned(ctx, to, "application/json", body, nil)
	if err != nil {
		return fmt.Errorf("verify the events URL: %w", err)
	}
	var got struct {
		Challenge string `json:"challenge"`
	}
	if json.Unmarshal(answer, &got) != nil {
		got.Challenge = strings.TrimSpace(string(answer))
	}
	if status != http.StatusOK || got.Challenge != challenge {
		return fmt.Errorf("verify the events URL: it answered %d without the challenge", status)
	}
	return nil
}
