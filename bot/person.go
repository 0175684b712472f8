package bot

import (
	"encoding/json"

	"github.com/slack-go/slack"
)

// readPerson reads whom an event tells of. It reads what is looked at and nothing
// else: Slack has sent the time of a change as a fraction and as text, which is no
// reason to miss that somebody left. What decides over roles must be readable.
func readPerson(raw json.RawMessage) (slack.User, error) {
	var p struct {
		ID                string `json:"id"`
		TeamID            string `json:"team_id"`
		Name              string `json:"name"`
		RealName          string `json:"real_name"`
		TZ                string `json:"tz"`
		Deleted           bool   `json:"deleted"`
		IsBot             bool   `json:"is_bot"`
		IsRestricted      bool   `json:"is_restricted"`
		IsUltraRestricted bool   `json:"is_ultra_restricted"`
		IsStranger        bool   `json:"is_stranger"`
		Profile           struct {
			RealName    string `json:"real_name"`
			DisplayName string `json:"display_name"`
			Email       string `json:"email"`
		} `json:"profile"`
		Enterprise struct {
			ID string `json:"id"`
		} `json:"enterprise_user"`
	}
	if err := json.Unmarshal(raw, &p); err != nil {
		return slack.User{}, err
	}
	u := slack.User{
		ID: p.ID, TeamID: p.TeamID, Name: p.Name, RealName: p.RealName, TZ: p.TZ, Deleted: p.Deleted, IsBot: p.IsBot,
		IsRestricted: p.IsRestricted, IsUltraRestricted: p.IsUltraRestricted, IsStranger: p.IsStranger,
	}
	u.Profile.RealName, u.Profile.DisplayName, u.Profile.Email = p.Profile.RealName, p.Profile.DisplayName, p.Profile.Email
	u.Enterprise.ID = p.Enterprise.ID
	return u, nil
}
