package command

import "encoding/json"

// Origin goes through a form as its private metadata: what it is about, and
// where to answer. It is at most 3,000 bytes, and comes back as it was.
type Origin struct {
	Campaign string `json:"c,omitempty"`
	Value    string `json:"v,omitempty"` // what the form's handler needs besides
	URL      string `json:"u,omitempty"` // the response URL of the press or command that opened it
	Channel  string `json:"n,omitempty"`
	Home     bool   `json:"h,omitempty"` // it was opened from App Home
}

// Encode returns the origin as private metadata.
func (o Origin) Encode() string {
	data, _ := json.Marshal(o) //nolint:errchkjson // strings can always be encoded
	return string(data)
}

// ReadOrigin reads private metadata; the zero Origin when it is none of ours.
func ReadOrigin(private string) Origin {
	var o Origin
	if json.Unmarshal([]byte(private), &o) != nil {
		return Origin{}
	}
	return o
}

// origin is where a command came from.
func (c Call) origin(value string) string {
	return Origin{Campaign: c.Campaign.ID, Value: value, URL: c.ResponseURL, Channel: c.Channel.ID}.Encode()
}
