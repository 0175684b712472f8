package action

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// payload is what is read of an interaction.
type payload struct {
	Type        string `json:"type"`
	TriggerID   string `json:"trigger_id"`
	ResponseURL string `json:"response_url"`
	Channel     struct {
		ID string `json:"id"`
	} `json:"channel"`
	Container struct {
		ChannelID string `json:"channel_id"`
		ThreadTS  string `json:"thread_ts"`
	} `json:"container"`
	Actions []struct {
		ActionID string `json:"action_id"`
		Value    string `json:"value"`
	} `json:"actions"`
	View struct {
		Type       string `json:"type"`
		CallbackID string `json:"callback_id"`
		Private    string `json:"private_metadata"`
		State      struct {
			Values map[string]map[string]field `json:"values"`
		} `json:"state"`
	} `json:"view"`
}

// field is what a person put into one input.
type field struct {
	Value          string   `json:"value"`
	SelectedOption option   `json:"selected_option"`
	Selected       []option `json:"selected_options"`
	User           string   `json:"selected_user"`
	At             int64    `json:"selected_date_time"`
}

type option struct {
	Value string `json:"value"`
}

// text returns what was put in, whatever the kind of the input.
func (f field) text() string {
	switch {
	case f.Value != "":
		return strings.TrimSpace(f.Value)
	case f.User != "":
		return f.User
	}
	return f.SelectedOption.Value
}

// ticked returns whether the one box of a field is ticked.
func (f field) ticked() bool { return len(f.Selected) > 0 }

func (f field) time() time.Time {
	if f.At == 0 {
		return time.Time{}
	}
	return time.Unix(f.At, 0)
}

func read(raw json.RawMessage) (payload, error) {
	var p payload
	if err := json.Unmarshal(raw, &p); err != nil {
		return p, fmt.Errorf("decode interaction: %w", err)
	}
	if p.Channel.ID == "" {
		p.Channel.ID = p.Container.ChannelID
	}
	return p, nil
}

// field returns what stands in the input of this name; given is false when the
// form has no such input.
func (p payload) field(name string) (f field, given bool) {
	f, given = p.View.State.Values[name][name]
	return f, given
}

// picked returns the options picked in App Home for one campaign.
func (p payload) picked(campaignID string) []string {
	var out []string
	for block, actions := range p.View.State.Values {
		if !strings.HasPrefix(block, "home/"+campaignID+"/") {
			continue
		}
		for _, f := range actions {
			for _, o := range f.Selected {
				out = append(out, o.Value)
			}
		}
	}
	return out
}
