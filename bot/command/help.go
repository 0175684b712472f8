package command

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/musterbot/muster/campaign"
)

// help lists the commands, or says more about one of them.
func (r *Router) help(_ context.Context, call Call) (campaign.Message, error) {
	if len(call.Words) == 0 {
		return campaign.Message{Text: r.list("*What `/campaign` can do*"), Ephemeral: true}, nil
	}
	row, _, ok := r.find(call.Words[0])
	if !ok {
		return r.unknown(string(campaign.Escape(call.Words[0]))), nil
	}
	text := fmt.Sprintf("*`%s`*\n%s.", strings.TrimSpace("/campaign "+row.Name+" "+row.Args), strings.ToUpper(row.Summary[:1])+row.Summary[1:])
	if row.Role != campaign.Everybody {
		text += fmt.Sprintf("\nFor the role `%s`.", row.Role)
	}
	if row.Detail != "" {
		text += "\n\n" + row.Detail
	}
	return campaign.Message{Text: text, Ephemeral: true}, nil
}

// list is generated from the table, so that it cannot lag behind it.
func (r *Router) list(headline string) string {
	var b strings.Builder
	b.WriteString(headline)
	for _, row := range r.rows {
		fmt.Fprintf(&b, "\n`%s` %s", strings.TrimSpace(row.Name+" "+row.Args), row.Summary)
		if row.Role != campaign.Everybody {
			fmt.Fprintf(&b, " (%s)", row.Role)
		}
	}
	b.WriteString("\n\nThe campaign is that of the channel, or the only one; else name it first: `/campaign status log4j-rce`. More about one command: `/campaign help launch`.")
	return b.String()
}

// unknown answers what is no command: never with silence.
func (r *Router) unknown(text string) campaign.Message {
	name, _ := firstWord(text)
	headline := "*I do not know `" + shown(name, 40) + "`, so nothing was done.*"
	names := make([]string, 0, len(r.rows))
	for _, row := range r.rows {
		names = append(names, row.Name)
	}
	if near := nearest(name, names); near != "" {
		headline += " Did you mean `/campaign " + near + "`?"
	} else if _, rest := firstWord(text); rest != "" {
		if second, _ := firstWord(rest); slices.Contains(names, strings.ToLower(second)) {
			headline += " The command comes first: `/campaign " + second + " " + shown(name, 40) + "`."
		}
	}
	return campaign.Message{Text: headline + "\n`/campaign help` lists all commands.", Ephemeral: true}
}

// maxShown is how much of a command is shown to the one who typed it, in
// characters.
const maxShown = 400

// shown returns what was typed as it stands between backticks: it mentions nobody.
func shown(text string, most int) string {
	text = clip(campaign.Typed(text, campaign.AsWords, nil), most)
	return strings.ReplaceAll(string(campaign.Escape(text)), "`", "'")
}
