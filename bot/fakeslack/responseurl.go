package fakeslack

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"
)

const maxResponses = 5 // uses of one response_url

// responseURL lets the app answer where a person acted.
type responseURL struct {
	user, channel string
	born          time.Time
	used          int
	original      string // ts of the message acted on; "" after a command
	ephemeral     bool   // whether that was an ephemeral one
	trigger       string // of the command; "" after a press
}

// newResponseURL gives one out. The lock is held.
func (w *Workspace) newResponseURL(r responseURL) string {
	r.born = w.opts.Now()
	if len(w.responses) >= maxTriggers {
		for path, old := range w.responses {
			if r.born.Sub(old.born) > w.opts.ResponseURLLife {
				delete(w.responses, path)
			}
		}
	}
	path := "/response/" + w.team + "/" + strings.ReplaceAll(uuid(), "-", "")
	w.responses[path] = &r
	return w.base + path
}

// serveResponse takes one answer in.
func (w *Workspace) serveResponse(rw http.ResponseWriter, hr *http.Request) {
	began := time.Now()
	raw, err := io.ReadAll(http.MaxBytesReader(rw, hr.Body, maxBody))
	args := map[string]string{}
	if err == nil {
		err = readJSONArgs(raw, args)
	}
	call := Call{Method: "response_url", Args: args, At: w.opts.Now(), Status: http.StatusOK}
	fault := w.faults.take(call)
	if fault != nil {
		call.Fault = fault.Do
		if w.failBefore(rw, hr, fault, call, began) {
			return
		}
	}
	if err == nil {
		err = w.respond(hr.URL.Path, args)
	}
	if fault != nil && w.failAfter(hr, fault, call, began, nil, err) {
		panic(http.ErrAbortHandler)
	}
	body := []byte("ok")
	if err != nil {
		body, call.Error = encode(nil, err)
		call.Status = http.StatusNotFound
		rw.Header().Set("Content-Type", "application/json")
		if call.Error != "expired_url" && call.Error != "used_url" {
			// a bare word, without Slack's reasons for it
			call.Status, body = http.StatusBadRequest, []byte(call.Error)
			rw.Header().Set("Content-Type", "text/plain")
		}
	}
	w.log(call, began, body)
	rw.WriteHeader(call.Status)
	_, _ = rw.Write(body)
}

func (w *Workspace) respond(path string, args map[string]string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	url := w.responses[path]
	switch {
	case url == nil, w.opts.Now().Sub(url.born) > w.opts.ResponseURLLife:
		return fail("expired_url")
	case url.used >= maxResponses:
		return fail("used_url")
	}
	c := w.channels[url.channel]
	if c == nil {
		return fail("channel_not_found")
	}
	req := &request{w: w, args: args}
	if req.flag("delete_original") {
		url.used++
		w.takeBack(c, url)
		return nil
	}
	says, err := req.content()
	if err != nil {
		return err
	}
	url.used++
	if req.flag("replace_original") && url.original != "" {
		w.replaceOriginal(c, url, says)
		return nil
	}
	w.answerIn(c, url.user, says, args["response_type"] == "in_channel", args["thread_ts"]).Answers = url.trigger
	return nil
}

// answerIn shows an answer to the person who acted, or to the whole channel.
func (w *Workspace) answerIn(c *channel, user string, says content, inChannel bool, thread string) *Message {
	m := w.botMessage(c, says)
	m.ThreadTS = thread
	if inChannel {
		w.post(c, m)
	} else {
		w.whisper(c, user, m)
	}
	return m
}

func (w *Workspace) replaceOriginal(c *channel, url *responseURL, says content) {
	if !url.ephemeral {
		if m := c.message(url.original); m != nil {
			w.edit(c, m, says, w.bot.ID, false)
		}
		return
	}
	for i, m := range c.ephemerals {
		if m.TS == url.original {
			next := *m
			next.Text, next.Blocks, next.Attachments = says.text, says.blocks, says.attachments
			c.ephemerals[i] = &next
			w.change(Change{Kind: Whispered, Channel: c.id, TS: m.TS, User: url.user})
			return
		}
	}
}

func (w *Workspace) takeBack(c *channel, url *responseURL) {
	if !url.ephemeral {
		if m := c.message(url.original); m != nil {
			w.remove(c, m)
		}
		return
	}
	for i, m := range c.ephemerals {
		if m.TS == url.original {
			c.ephemerals = append(c.ephemerals[:i:i], c.ephemerals[i+1:]...)
			w.change(Change{Kind: Removed, Channel: c.id, TS: m.TS, User: url.user})
			return
		}
	}
}

// ackContent reads what a command's acknowledgement says; ok is false when it
// says nothing.
func (w *Workspace) ackContent(ack json.RawMessage) (says content, inChannel, ok bool, err error) {
	args := map[string]string{}
	if len(ack) == 0 || readJSONArgs(ack, args) != nil {
		return content{}, false, false, nil
	}
	if args["text"] == "" && args["blocks"] == "" && args["attachments"] == "" {
		return content{}, false, false, nil
	}
	says, err = (&request{w: w, args: args}).content()
	return says, args["response_type"] == "in_channel", true, err
}
