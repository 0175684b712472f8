package fakeslack

import (
	"encoding/json"
	"maps"
	"time"
)

// maxResult is how many bytes of an answer the call log keeps.
const maxResult = 16 << 10

// Call is one call of the Web API as the workspace saw it.
type Call struct {
	Seq    int64             `json:"seq"`
	Method string            `json:"method"`
	Args   map[string]string `json:"args"`             // lists and objects as JSON; no token
	Status int               `json:"status"`           // of HTTP; 0 when the connection was cut
	Error  string            `json:"error,omitempty"`  // Slack's code, empty when ok
	Result json.RawMessage   `json:"result,omitempty"` // nil when longer than 16 KiB
	Fault  FaultKind         `json:"fault,omitempty"`  // what was made to go wrong
	At     time.Time         `json:"at"`               // by the workspace's clock
	Took   time.Duration     `json:"took"`             // in real time
}

// log files the call. Its arguments are not changed afterwards.
func (w *Workspace) log(call Call, began time.Time, body []byte) {
	delete(call.Args, "token")
	if len(body) <= maxResult {
		call.Result = body
	}
	call.Took = time.Since(began)
	w.mu.Lock()
	defer w.mu.Unlock()
	call.Seq = w.calls.next()
	w.calls.add(call)
	w.callCounts[call.Method]++
	w.change(Change{Kind: Called, Detail: call.Method, Channel: call.Args["channel"]})
}

// Calls are the calls of one method, oldest first, as far as they are remembered;
// of every method when it is empty.
func (w *Workspace) Calls(method string) []Call {
	w.mu.RLock()
	defer w.mu.RUnlock()
	var out []Call
	for _, c := range w.calls.since(0) {
		if method == "" || c.Method == method {
			c.Args = maps.Clone(c.Args)
			out = append(out, c)
		}
	}
	return out
}

// CallCount is how often a method was called, forgotten calls included.
func (w *Workspace) CallCount(method string) int {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.callCounts[method]
}
