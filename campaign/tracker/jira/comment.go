package jira

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/tracker/rest"
)

type comment struct {
	Body       json.RawMessage `json:"body"`
	Properties []struct {
		Key   string   `json:"key"`
		Value property `json:"value"`
	} `json:"properties"`
}

// maxComments bounds how many comments are looked through for a key.
const maxComments = 5000

// Comment implements campaign.Tracker. The key stands in a property of the
// comment in Cloud, and in an anchor that nobody sees in wiki markup.
func (t *Tracker) Comment(ctx context.Context, ref campaign.TicketRef, key, text string) error {
	ctx = rest.Operation(ctx)
	if key == "" || strings.TrimSpace(text) == "" {
		return campaign.Refuse(campaign.Invalid, "A comment needs a key and a text; nothing was added.")
	}
	there, err := t.commented(ctx, ref.ID, key)
	if err != nil || there {
		return t.commentError(ref, err)
	}
	in := map[string]any{"body": wiki(text) + "\n" + mark(commentMark+key)}
	if t.opts.Cloud {
		in = map[string]any{"body": document(text), "properties": []any{map[string]any{"key": propertyName, "value": property{Key: key}}}}
	}
	err = t.opts.Client.Do(ctx, rest.Call{Method: http.MethodPost, Path: t.issuePath(ref.ID, "comment"), In: in})
	return t.commentError(ref, err)
}

func (t *Tracker) commentError(ref campaign.TicketRef, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("comment on ticket %s: %w", ref.ID, err)
}

const commentMark = "comment-"

// commented reports whether a comment of that key is there.
func (t *Tracker) commented(ctx context.Context, issueKey, key string) (bool, error) {
	for start := 0; start < maxComments; {
		var page struct {
			Total    int       `json:"total"`
			Comments []comment `json:"comments"`
		}
		q := url.Values{"startAt": {strconv.Itoa(start)}, "maxResults": {"100"}}
		if t.opts.Cloud {
			q.Set("expand", "properties")
		}
		if err := t.opts.Client.Do(ctx, rest.Call{Path: t.issuePath(issueKey, "comment"), Query: q, Out: &page}); err != nil {
			return false, err
		}
		for _, c := range page.Comments {
			for _, p := range c.Properties {
				if p.Key == propertyName && p.Value.Key == key {
					return true, nil
				}
			}
			var body string
			if json.Unmarshal(c.Body, &body) == nil && strings.Contains(body, mark(commentMark+key)) {
				return true, nil
			}
		}
		start += len(page.Comments)
		if start >= page.Total || len(page.Comments) == 0 {
			return false, nil
		}
	}
	return false, nil
}
