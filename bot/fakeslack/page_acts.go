package fakeslack

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// maxAct bounds what one act may carry.
const maxAct = 256 << 10

// act is what the visitor does on behalf of a person.
type act struct {
	As      string         `json:"as"`
	Do      string         `json:"do"`
	Channel string         `json:"channel"`
	Thread  string         `json:"thread"`
	TS      string         `json:"ts"`     // of the message acted on
	Hidden  bool           `json:"hidden"` // whether that is an ephemeral one
	View    string         `json:"view"`
	At      string         `json:"at"` // block_id/action_id
	Text    string         `json:"text"`
	Value   any            `json:"value"`
	Values  map[string]any `json:"values"` // what stands in the view's fields, by block_id/action_id
}

// outcomeSeen is the answer to an act; the rest is seen in the state.
type outcomeSeen struct {
	Toast   string            `json:"toast,omitempty"`
	Errors  map[string]string `json:"errors,omitempty"`
	Options []Option          `json:"options,omitempty"`
	Channel string            `json:"channel,omitempty"` // where a message went
}

// acts are what a visitor can do; each returns what the person then sees.
var acts = map[string]func(*Page, *Person, act) (outcomeSeen, error){
	"say": actSay, "run": actRun, "press": actPress, "pick": actPick, "submit": actSubmit,
	"close": actClose, "suggest": actSuggest, "read": actRead, "home": actHome, "join": actJoin, "react": actReact,
}

func (p *Page) serveAct(rw http.ResponseWriter, hr *http.Request) {
	var a act
	if err := json.NewDecoder(http.MaxBytesReader(rw, hr.Body, maxAct)).Decode(&a); err != nil {
		http.Error(rw, "That could not be read.", http.StatusBadRequest)
		return
	}
	do, person := acts[a.Do], p.w.Person(a.As)
	if do == nil || person == nil {
		http.Error(rw, "There is no such act, or nobody of that name.", http.StatusNotFound)
		return
	}
	seen, err := do(p, person, a)
	if err != nil {
		seen.Toast = err.Error()
	}
	p.answer(rw, seen)
}

func (p *Page) answer(rw http.ResponseWriter, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(rw, "The answer could not be written.", http.StatusInternalServerError)
		return
	}
	rw.Header().Set("Content-Type", "application/json")
	_, _ = rw.Write(body) // whoever left does not hear it
}

// on is the message or view that an act is about.
func (a act) on(p *Person) On {
	if a.View != "" {
		return View{ID: a.View}
	}
	m := Message{Channel: a.Channel, TS: a.TS}
	if a.Hidden {
		m.VisibleTo = p.ID
	}
	return m
}

// outcomeOf puts what a person saw into words.
func outcomeOf(seen Seen) (outcomeSeen, error) {
	out := outcomeSeen{Errors: seen.Errors}
	switch seen.Toast {
	case "":
	case ToastTimeout:
		out.Toast = "The app did not answer in time (" + ToastTimeout + ")."
	default:
		out.Toast = "The app could not be reached, or refused (" + seen.Toast + ")."
	}
	return out, seen.Err
}

func actSay(p *Page, person *Person, a act) (outcomeSeen, error) {
	if strings.TrimSpace(a.Text) == "" {
		return outcomeSeen{}, nil
	}
	m := person.say(a.Channel, a.Text, a.Thread)
	if m == nil {
		return outcomeSeen{}, fmt.Errorf("%s cannot write there", person.Name)
	}
	p.sees(person.ID, m.Channel, a.Thread, m.TS)
	return outcomeSeen{Channel: m.Channel}, nil
}

func actRun(_ *Page, person *Person, a act) (outcomeSeen, error) {
	return outcomeOf(person.Runs(a.Text, a.Channel))
}

func actPress(_ *Page, person *Person, a act) (outcomeSeen, error) {
	if err := person.keeps(a); err != nil {
		return outcomeSeen{}, err
	}
	return outcomeOf(person.Presses(a.At, a.on(person)))
}

func actPick(_ *Page, person *Person, a act) (outcomeSeen, error) {
	delete(a.Values, a.At) // what is picked now counts
	if err := person.keeps(a); err != nil {
		return outcomeSeen{}, err
	}
	return outcomeOf(person.Picks(a.At, picked(a.Value), a.on(person)))
}

func actSubmit(_ *Page, person *Person, a act) (outcomeSeen, error) {
	if err := person.keeps(a); err != nil {
		return outcomeSeen{}, err
	}
	return outcomeOf(person.Submits(View{ID: a.View}))
}

func actClose(_ *Page, person *Person, a act) (outcomeSeen, error) {
	return outcomeOf(person.Closes(View{ID: a.View}))
}

func actSuggest(_ *Page, person *Person, a act) (outcomeSeen, error) {
	options, seen := person.Types(a.Text, a.At, a.on(person))
	out, err := outcomeOf(seen)
	out.Options = options
	return out, err
}

func actRead(p *Page, person *Person, a act) (outcomeSeen, error) {
	p.sees(person.ID, a.Channel, a.Thread, a.TS)
	return outcomeSeen{}, nil
}

func actHome(_ *Page, person *Person, _ act) (outcomeSeen, error) {
	person.OpensHome()
	return outcomeSeen{}, nil
}

func actJoin(_ *Page, person *Person, a act) (outcomeSeen, error) {
	return outcomeSeen{}, person.Joins(a.Channel)
}

func actReact(_ *Page, person *Person, a act) (outcomeSeen, error) {
	return outcomeSeen{}, person.Reacts(a.Text, Message{Channel: a.Channel, TS: a.TS})
}

// keeps puts what stands in a view's fields where the next payload finds it. The
// fields of a page are filled in the browser; only now does the workspace see them.
func (p *Person) keeps(a act) error {
	for _, at := range slices.Sorted(maps.Keys(a.Values)) {
		if _, err := p.fillOne(at, picked(a.Values[at]), View{ID: a.View}); err != nil {
			return err
		}
	}
	return nil
}

// picked makes of JSON what Fill takes.
func picked(v any) any {
	switch v := v.(type) {
	case []any:
		out := make([]string, 0, len(v))
		for _, one := range v {
			out = append(out, fmt.Sprint(one))
		}
		return out
	case map[string]any:
		return Option{Text: text(v, "text"), Value: text(v, "value")}
	case float64:
		return json.Number(fmt.Sprintf("%.0f", v))
	}
	return v
}
