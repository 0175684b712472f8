package fakeslack

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxBody bounds what the API reads of a request.
const maxBody = 8 << 20

// fields is one JSON object of an answer.
type fields = map[string]any

// apiError is an answer with ok: false.
type apiError struct {
	code  string
	extra fields
}

func (e *apiError) Error() string { return e.code }

func fail(code string) error { return &apiError{code: code} }

// request is one call of the Web API: its arguments flattened to strings, where
// lists and objects stay JSON.
type request struct {
	w      *Workspace
	method string
	args   map[string]string
	token  *token
}

func (r *request) str(name string) string { return r.args[name] }

func (r *request) flag(name string) bool {
	v := r.args[name]
	return v == "1" || v == "true" || v == "t"
}

func (r *request) number(name string, otherwise int) int {
	n, err := strconv.Atoi(r.args[name])
	if err != nil {
		return otherwise
	}
	return n
}

// list reads an argument that may be a JSON array or separated by commas.
func (r *request) list(name string) []string {
	v := strings.TrimSpace(r.args[name])
	var out []string
	if strings.HasPrefix(v, "[") && json.Unmarshal([]byte(v), &out) == nil {
		return out
	}
	for part := range strings.SplitSeq(v, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

type handler func(*request) (fields, error)

// method is one row of the API: who may call it, how often, and what it does.
type method struct {
	scope  string // one that is needed whatever the arguments are; "" for none
	tier   int    // calls a minute; 0 leaves it unlimited
	app    bool   // takes the app-level token
	handle handler
}

// The calls a minute that Slack's tiers promise.
const (
	tier2 = 20
	tier3 = 50
	tier4 = 100
)

var methods = map[string]method{
	"auth.test":             {tier: 600, handle: authTest},
	"apps.connections.open": {tier: 60, app: true, handle: connectionsOpen},
	"team.info":             {scope: "team:read", tier: tier3, handle: teamInfo},

	"chat.postMessage":   {scope: "chat:write", handle: postMessage}, // paced per channel
	"chat.postEphemeral": {scope: "chat:write", tier: tier4, handle: postEphemeral},
	"chat.update":        {scope: "chat:write", tier: tier3, handle: updateMessage},
	"chat.delete":        {scope: "chat:write", tier: tier3, handle: deleteMessage},
	"chat.getPermalink":  {tier: 600, handle: getPermalink},

	"conversations.create":     {tier: tier2, handle: createChannel},
	"conversations.invite":     {tier: tier3, handle: inviteToChannel},
	"conversations.join":       {scope: "channels:join", tier: tier3, handle: joinChannel},
	"conversations.open":       {tier: tier3, handle: openConversation},
	"conversations.info":       {tier: tier3, handle: channelInfo},
	"conversations.list":       {tier: tier2, handle: listChannels},
	"conversations.members":    {tier: tier4, handle: channelMembers},
	"conversations.history":    {tier: tier3, handle: channelHistory},
	"conversations.replies":    {tier: tier3, handle: threadReplies},
	"conversations.setTopic":   {tier: tier2, handle: setTopic},
	"conversations.setPurpose": {tier: tier2, handle: setPurpose},
	"conversations.archive":    {tier: tier2, handle: archiveChannel},
	"conversations.rename":     {tier: tier2, handle: renameChannel},
	"conversations.kick":       {tier: tier3, handle: kickFromChannel},
	"conversations.leave":      {tier: tier3, handle: leaveChannel},

	"pins.add":         {scope: "pins:write", tier: tier2, handle: addPin},
	"pins.list":        {scope: "pins:read", tier: tier2, handle: listPins},
	"pins.remove":      {scope: "pins:write", tier: tier2, handle: removePin},
	"bookmarks.add":    {scope: "bookmarks:write", tier: tier2, handle: addBookmark},
	"bookmarks.list":   {scope: "bookmarks:read", tier: tier3, handle: listBookmarks},
	"bookmarks.edit":   {scope: "bookmarks:write", tier: tier2, handle: editBookmark},
	"bookmarks.remove": {scope: "bookmarks:write", tier: tier2, handle: removeBookmark},
	"reactions.add":    {scope: "reactions:write", tier: tier3, handle: addReaction},
	"reactions.get":    {scope: "reactions:read", tier: tier3, handle: getReactions},
	"reactions.remove": {scope: "reactions:write", tier: tier2, handle: removeReaction},

	"users.conversations":     {tier: tier3, handle: listOwnChannels},
	"users.info":              {scope: "users:read", tier: tier4, handle: userInfo},
	"users.list":              {scope: "users:read", tier: tier2, handle: listUsers},
	"users.lookupByEmail":     {scope: "users:read.email", tier: tier3, handle: lookupByEmail},
	"usergroups.list":         {scope: "usergroups:read", tier: tier2, handle: listUserGroups},
	"usergroups.users.list":   {scope: "usergroups:read", tier: tier2, handle: listUserGroupUsers},
	"usergroups.users.update": {scope: "usergroups:write", tier: tier2, handle: updateUserGroupUsers},

	"views.open":    {tier: tier4, handle: openView},
	"views.push":    {tier: tier4, handle: pushView},
	"views.update":  {tier: tier4, handle: updateView},
	"views.publish": {tier: tier4, handle: publishView},

	"files.getUploadURLExternal":   {scope: "files:write", tier: tier4, handle: getUploadURL},
	"files.completeUploadExternal": {scope: "files:write", tier: tier4, handle: completeUpload},
	"files.info":                   {scope: "files:read", tier: tier4, handle: fileInfo},
}

// Methods lists the Web API methods that the workspace answers, sorted; anything
// else is answered with unknown_method.
func Methods() []string { return slices.Sorted(maps.Keys(methods)) }

func (w *Workspace) routes() {
	w.mux.HandleFunc("/api/{method}", w.serveAPI)
	w.mux.HandleFunc("/link/", w.serveSocket)
	w.mux.HandleFunc("/upload/", w.serveUpload)
	w.mux.HandleFunc("/files/", w.serveDownload)
	w.mux.HandleFunc("/response/", w.serveResponse)
}

// serveAPI answers one call: authenticate, pace, take effect, answer; a fault may
// stand between any two of these.
func (w *Workspace) serveAPI(rw http.ResponseWriter, hr *http.Request) {
	began := time.Now()
	name := hr.PathValue("method")
	args, err := readArgs(rw, hr)
	call := Call{Method: name, Args: args, At: w.opts.Now()}
	if err != nil {
		w.answer(rw, call, began, nil, err)
		return
	}
	row, known := methods[name]
	if !known {
		w.answer(rw, call, began, nil, &apiError{code: "unknown_method", extra: fields{"req_method": name}})
		return
	}
	secret := bearer(hr, args)
	delete(args, "token")
	fault := w.faults.take(call)
	if fault != nil {
		call.Fault = fault.Do
		if w.failBefore(rw, hr, fault, call, began) {
			return
		}
	}
	req := &request{w: w, method: name, args: args}
	if req.token, err = w.authenticate(secret, row); err != nil {
		w.answer(rw, call, began, nil, err)
		return
	}
	if wait := w.pacer.admit(name, row.tier, args["channel"]); wait > 0 {
		w.tooMany(rw, call, began, wait)
		return
	}
	result, err := w.perform(req, row)
	if fault != nil && w.failAfter(hr, fault, call, began, result, err) {
		panic(http.ErrAbortHandler) // the answer is lost: the connection breaks instead
	}
	w.answer(rw, call, began, result, err)
}

func (w *Workspace) perform(req *request, row method) (fields, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := req.needs(row.scope); err != nil {
		return nil, err
	}
	return row.handle(req)
}

// answer writes the result or the error, and the call into the log.
func (w *Workspace) answer(rw http.ResponseWriter, call Call, began time.Time, result fields, err error) {
	body, code := encode(result, err)
	call.Error, call.Status = code, http.StatusOK
	w.log(call, began, body)
	rw.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = rw.Write(body) // the caller may have gone
}

// encode renders an answer, and tells its error code.
func encode(result fields, err error) (body []byte, code string) {
	if err != nil {
		result = fields{"ok": false}
		if refused, ok := err.(*apiError); ok {
			code = refused.code
			maps.Copy(result, refused.extra)
		} else {
			code = "fatal_error"
		}
		result["error"] = code
	} else {
		if result == nil {
			result = fields{}
		}
		result["ok"] = true
	}
	body, err = json.Marshal(result)
	if err != nil {
		return []byte(`{"ok":false,"error":"fatal_error"}`), "fatal_error"
	}
	return body, code
}

func (w *Workspace) tooMany(rw http.ResponseWriter, call Call, began time.Time, wait time.Duration) {
	call.Error, call.Status = "ratelimited", http.StatusTooManyRequests
	body := []byte(`{"ok":false,"error":"ratelimited"}`)
	w.log(call, began, body)
	seconds := max(1, int64((wait+time.Second-1)/time.Second))
	rw.Header().Set("Retry-After", strconv.FormatInt(seconds, 10))
	rw.Header().Set("Content-Type", "application/json; charset=utf-8")
	rw.WriteHeader(http.StatusTooManyRequests)
	_, _ = rw.Write(body)
}

// bearer finds the token in the header or among the arguments; both are valid.
func bearer(hr *http.Request, args map[string]string) string {
	if t, ok := strings.CutPrefix(hr.Header.Get("Authorization"), "Bearer "); ok && t != "" {
		return t
	}
	return args["token"]
}

// readArgs flattens query, form, multipart or JSON body into strings.
func readArgs(rw http.ResponseWriter, hr *http.Request) (map[string]string, error) {
	args := map[string]string{}
	take := func(values url.Values) {
		for name, v := range values {
			if len(v) > 0 {
				args[name] = v[len(v)-1]
			}
		}
	}
	take(hr.URL.Query())
	kind, _, _ := mime.ParseMediaType(hr.Header.Get("Content-Type"))
	body := http.MaxBytesReader(rw, hr.Body, maxBody)
	switch kind {
	case "application/json":
		raw, err := io.ReadAll(body)
		if err != nil {
			return args, fail("request_timeout")
		}
		return args, readJSONArgs(raw, args)
	case "multipart/form-data":
		hr.Body = body
		if err := hr.ParseMultipartForm(maxBody); err != nil {
			return args, fail("invalid_form_data")
		}
		take(hr.MultipartForm.Value)
	default:
		raw, err := io.ReadAll(body)
		if err != nil {
			return args, fail("request_timeout")
		}
		values, err := url.ParseQuery(string(raw))
		if err != nil {
			return args, fail("invalid_form_data")
		}
		take(values)
	}
	return args, nil
}

func readJSONArgs(raw []byte, args map[string]string) error {
	if len(strings.TrimSpace(string(raw))) == 0 {
		return nil
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(raw, &object); err != nil {
		if json.Valid(raw) {
			return fail("json_not_object")
		}
		return fail("invalid_json")
	}
	for name, value := range object {
		var text string
		switch {
		case string(value) == "null":
		case json.Unmarshal(value, &text) == nil:
			args[name] = text
		default:
			args[name] = string(value)
		}
	}
	return nil
}

// page cuts one page out of n entries. Cursors are opaque to callers.
func (r *request) page(n, otherwise, most int) (from, to int, cursor string, err error) {
	limit := r.number("limit", otherwise)
	if limit <= 0 {
		limit = otherwise
	}
	limit = min(limit, most)
	if c := r.str("cursor"); c != "" {
		if from, err = decodeCursor(c); err != nil || from > n {
			return 0, 0, "", fail("invalid_cursor")
		}
	}
	to = min(n, from+limit)
	if to < n {
		cursor = encodeCursor(to)
	}
	return from, to, cursor, nil
}

func nextCursor(cursor string) fields { return fields{"next_cursor": cursor} }

func connectionsOpen(r *request) (fields, error) {
	ticket, err := r.w.hub.ticket()
	if err != nil {
		return nil, err
	}
	return fields{"url": fmt.Sprintf("%s/link/?ticket=%s&app_id=%s",
		strings.Replace(r.w.base, "http://", "ws://", 1), ticket, r.w.appID)}, nil
}
