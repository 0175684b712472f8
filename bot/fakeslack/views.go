package fakeslack

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Slack's bounds on views.
const (
	maxViewBytes = 250_000
	maxStack     = 3 // modals on top of each other
)

// View is a modal or an App Home as one person sees it.
type View struct {
	ID              string          `json:"id"`
	User            string          `json:"user"` // who sees it
	Type            string          `json:"type"` // modal or home
	Title           string          `json:"title,omitempty"`
	Submit          string          `json:"submit,omitempty"` // label of the button; empty when there is none
	Close           string          `json:"close,omitempty"`
	CallbackID      string          `json:"callback_id,omitempty"`
	ExternalID      string          `json:"external_id,omitempty"`
	PrivateMetadata string          `json:"private_metadata,omitempty"`
	Hash            string          `json:"hash"`
	Blocks          json.RawMessage `json:"blocks"`
	RootID          string          `json:"root_id"`
	PreviousID      string          `json:"previous_id,omitempty"`
	ClearOnClose    bool            `json:"clear_on_close,omitempty"`
	NotifyOnClose   bool            `json:"notify_on_close,omitempty"`
	At              time.Time       `json:"at"` // of the last change

	// Values are what the person has filled in, block_id to action_id to state.
	Values Values `json:"values,omitempty"`
	// Errors are shown under the blocks named, after a submission was refused.
	Errors map[string]string `json:"errors,omitempty"`
}

// Values is the state of a view's inputs, as its payloads carry it.
type Values map[string]map[string]map[string]any

func (v Values) clone() Values {
	out := make(Values, len(v))
	for block, actions := range v {
		out[block] = maps.Clone(actions)
	}
	return out
}

// tree parses the blocks again; they were valid when they were kept.
func (v *View) tree() []any {
	tree, _ := parseBlocks(v.Blocks)
	return tree
}

// wire renders a view as the API does.
func (v *View) wire(w *Workspace) fields {
	label := func(s string) any {
		if s == "" {
			return nil
		}
		return fields{"type": "plain_text", "text": s, "emoji": true}
	}
	out := fields{
		"id": v.ID, "team_id": w.team, "type": v.Type, "blocks": v.Blocks, "private_metadata": v.PrivateMetadata,
		"callback_id": v.CallbackID, "state": fields{"values": v.Values}, "hash": v.Hash,
		"clear_on_close": v.ClearOnClose, "notify_on_close": v.NotifyOnClose,
		"title": label(v.Title), "submit": label(v.Submit), "close": label(v.Close),
		"root_view_id": v.RootID, "previous_view_id": nil, "app_id": w.appID, "external_id": v.ExternalID,
		"app_installed_team_id": w.team, "bot_id": w.bot.BotID,
	}
	if v.PreviousID != "" {
		out["previous_view_id"] = v.PreviousID
	}
	return out
}

// readView checks a view payload and makes a View of it, not yet shown.
func (w *Workspace) readView(raw string, want Surface) (*View, error) {
	if raw == "" {
		return nil, &apiError{code: "invalid_arguments", extra: fields{"response_metadata": fields{
			"messages": []string{"[ERROR] missing required field: view [json-pointer:/view]"},
		}}}
	}
	if len(raw) > maxViewBytes {
		return nil, fail("view_too_large")
	}
	var tree map[string]any
	if decodeTree([]byte(raw), &tree) != nil || tree == nil {
		return nil, fail("invalid_arguments")
	}
	problems := validateView(want, tree)
	for _, block := range items(tree, "blocks") {
		if kind := text(block, "type"); w.refused[kind] {
			problems = append(problems, Problem{Pointer: "/blocks", Message: "unsupported type: " + kind})
		}
	}
	if len(problems) > 0 {
		return nil, refuseBlocks("invalid_arguments", "/view", problems)
	}
	blocks := items(tree, "blocks")
	w.nameBlocks(blocks)
	encoded, err := json.Marshal(blocks)
	if err != nil {
		return nil, err
	}
	v := &View{
		ID: w.id("V"), Type: text(tree, "type"), CallbackID: text(tree, "callback_id"),
		ExternalID: text(tree, "external_id"), PrivateMetadata: text(tree, "private_metadata"),
		Title: text(object(tree, "title"), "text"), Submit: text(object(tree, "submit"), "text"),
		Close: text(object(tree, "close"), "text"), Blocks: encoded,
		ClearOnClose: truth(tree, "clear_on_close"), NotifyOnClose: truth(tree, "notify_on_close"),
		Values: initialValues(blocks, nil), At: w.opts.Now(),
	}
	v.Hash = w.newHash()
	return v, nil
}

func (w *Workspace) newHash() string {
	return fmt.Sprintf("%d.%s", w.opts.Now().Unix(), uuid()[:8])
}

// externalTaken refuses an external_id that another view uses.
func (w *Workspace) externalTaken(v *View, except string) error {
	if v.ExternalID == "" {
		return nil
	}
	for _, have := range w.views {
		if have.ExternalID == v.ExternalID && have.ID != except {
			return fail("duplicate_external_id")
		}
	}
	return nil
}

func openView(r *request) (fields, error) {
	w := r.w
	v, err := w.readView(r.str("view"), SurfaceModal)
	if err != nil {
		return nil, err
	}
	if err := w.externalTaken(v, ""); err != nil {
		return nil, err
	}
	user, err := w.exchange(r.str("trigger_id"))
	if err != nil {
		return nil, err
	}
	w.clearModals(user)
	w.show(user, v)
	return fields{"view": v.wire(w)}, nil
}

func pushView(r *request) (fields, error) {
	w := r.w
	v, err := w.readView(r.str("view"), SurfaceModal)
	if err != nil {
		return nil, err
	}
	if err := w.externalTaken(v, ""); err != nil {
		return nil, err
	}
	if t := w.triggers[r.str("trigger_id")]; t != nil && len(w.modals[t.user]) >= maxStack {
		return nil, fail("push_limit_reached")
	}
	user, err := w.exchange(r.str("trigger_id"))
	if err != nil {
		return nil, err
	}
	w.show(user, v)
	return fields{"view": v.wire(w)}, nil
}

// show puts a modal on top of a person's stack.
func (w *Workspace) show(user string, v *View) {
	v.User, v.RootID = user, v.ID
	if stack := w.modals[user]; len(stack) > 0 {
		v.RootID, v.PreviousID = stack[0].ID, stack[len(stack)-1].ID
	}
	w.modals[user] = append(slices.Clone(w.modals[user]), v)
	w.views[v.ID] = v
	w.change(Change{Kind: ModalMoved, User: user, View: v.ID, Detail: v.CallbackID})
}

func (w *Workspace) clearModals(user string) {
	for _, v := range w.modals[user] {
		delete(w.views, v.ID)
	}
	delete(w.modals, user)
}

// closeTop takes the top modal away; the one below shows again.
func (w *Workspace) closeTop(user string) {
	stack := w.modals[user]
	if len(stack) == 0 {
		return
	}
	delete(w.views, stack[len(stack)-1].ID)
	w.modals[user] = slices.Clone(stack[:len(stack)-1])
	w.change(Change{Kind: ModalMoved, User: user, Detail: "closed"})
}

func updateView(r *request) (fields, error) {
	w := r.w
	old := w.views[r.str("view_id")]
	if old == nil && r.str("external_id") != "" {
		for _, v := range w.views {
			if v.ExternalID == r.str("external_id") {
				old = v
			}
		}
	}
	if old == nil {
		return nil, fail("not_found")
	}
	next, err := w.readView(r.str("view"), Surface(old.Type))
	if err != nil {
		return nil, err
	}
	if hash := r.str("hash"); hash != "" && hash != old.Hash {
		return nil, fail("hash_conflict")
	}
	if err := w.externalTaken(next, old.ID); err != nil {
		return nil, err
	}
	w.replaceView(old, next)
	return fields{"view": next.wire(w)}, nil
}

// replaceView puts next in the place of old. What the person has filled in stays
// where block_id, action_id and type are the same.
func (w *Workspace) replaceView(old, next *View) {
	next.ID, next.User, next.RootID, next.PreviousID = old.ID, old.User, old.RootID, old.PreviousID
	next.Values = initialValues(next.tree(), old.Values)
	w.keepView(next)
}

// keepView files a changed copy of a view that is showing.
func (w *Workspace) keepView(v *View) {
	w.views[v.ID] = v
	kind := ModalMoved
	if v.Type == string(SurfaceHome) {
		w.homes[v.User] = v
		kind = HomeMoved
	} else {
		stack := slices.Clone(w.modals[v.User])
		for i := range stack {
			if stack[i].ID == v.ID {
				stack[i] = v
			}
		}
		w.modals[v.User] = stack
	}
	w.change(Change{Kind: kind, User: v.User, View: v.ID, Detail: v.CallbackID})
}

func publishView(r *request) (fields, error) {
	w := r.w
	u := w.users[r.str("user_id")]
	if u == nil || u.IsBot {
		return nil, fail("user_not_found")
	}
	v, err := w.readView(r.str("view"), SurfaceHome)
	if err != nil {
		return nil, err
	}
	old := w.homes[u.ID]
	if hash := r.str("hash"); hash != "" && old != nil && hash != old.Hash {
		return nil, fail("hash_conflict")
	}
	if old == nil {
		v.User, v.RootID = u.ID, v.ID
		w.keepView(v)
	} else {
		w.replaceView(old, v)
	}
	return fields{"view": v.wire(w)}, nil
}
