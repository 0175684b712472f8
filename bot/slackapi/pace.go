package slackapi

import "github.com/musterbot/muster/campaign"

// What Slack's tiers allow in a minute.
const (
	tier2 = 20
	tier3 = 50
	tier4 = 100
)

var tiers = map[string]float64{
	"auth.test": tier4, "chat.postEphemeral": tier4, "chat.update": tier3, "response_url": 600,
	"conversations.create": tier2, "conversations.invite": tier3, "conversations.join": tier3,
	"conversations.open": tier3, "conversations.info": tier3, "conversations.list": tier2,
	"conversations.history": tier3, "conversations.replies": tier3, "conversations.setTopic": tier2,
	"pins.add": tier2, "pins.remove": tier2, "bookmarks.list": tier3, "bookmarks.add": tier2, "bookmarks.edit": tier2,
	"users.conversations": tier3, "users.lookupByEmail": tier3, "users.info": tier4, "users.list": tier2, "usergroups.users.list": tier2,
	"views.open": tier4, "views.update": tier4, "views.publish": tier4,
	"files.getUploadURLExternal": tier4, "files.completeUploadExternal": tier4,
}

// reserved is the share of a minute's calls that is kept for interactive ones.
const reserved = 0.2

const methodPost = "chat.postMessage"

// rates returns what a call falls under.
func (c *Client) rates(k call) []campaign.Rate {
	if k.method == methodPost {
		all := c.opts.MessagesPerMinute
		return []campaign.Rate{
			// Slack's ceiling for the workspace is not documented, so that the burst is smaller here.
			{Name: methodPost, PerMinute: all, Burst: max(1, int(all*reserved/3))},
			{Name: methodPost + " " + k.channel, PerMinute: 60 * c.opts.MessagesPerSecond, Burst: 2},
		}
	}
	perMinute, ok := tiers[k.method]
	if !ok {
		perMinute = tier2
	}
	return []campaign.Rate{{Name: k.method, PerMinute: perMinute, Burst: max(1, int(perMinute*reserved))}}
}
