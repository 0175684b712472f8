package templates

import (
	"fmt"
	"strings"
	"text/template/parse"
	"unicode"

	"github.com/musterbot/muster/campaign"
)

// form is the language that a template is written in.
type form uint8

const (
	slack    form = iota // Slack mrkdwn
	markdown             // for trackers and reports
	plain                // one line, e.g. a title or a topic
)

// sayFunc is the function that every action ends in. Templates cannot call it
// by themselves in any way that would matter: its result is escaped already.
const sayFunc = "_say"

// escapeTree appends the escaping function to every action that prints.
func escapeTree(tree *parse.Tree) {
	if tree != nil && tree.Root != nil {
		escapeList(tree.Root)
	}
}

func escapeList(list *parse.ListNode) {
	if list == nil {
		return
	}
	for _, node := range list.Nodes {
		switch n := node.(type) {
		case *parse.ActionNode:
			escapeAction(n)
		case *parse.IfNode:
			escapeList(n.List)
			escapeList(n.ElseList)
		case *parse.RangeNode:
			escapeList(n.List)
			escapeList(n.ElseList)
		case *parse.WithNode:
			escapeList(n.List)
			escapeList(n.ElseList)
		}
	}
}

func escapeAction(n *parse.ActionNode) {
	if len(n.Pipe.Decl) > 0 {
		return // sets a variable, prints nothing
	}
	n.Pipe.Cmds = append(n.Pipe.Cmds, &parse.CommandNode{
		NodeType: parse.NodeCommand,
		Pos:      n.Pos,
		Args:     []parse.Node{parse.NewIdentifier(sayFunc).SetPos(n.Pos)},
	})
}

// say turns any value into text of the form: mark-up as it is, numbers with
// thousands separators, everything else escaped.
func (f form) say(value any) (string, error) {
	switch v := value.(type) {
	case nil:
		return "", nil
	case campaign.Markup:
		return string(v), nil
	case int:
		return thousands(v), nil
	case string:
		return string(f.escape(v)), nil
	case fmt.Stringer:
		return string(f.escape(v.String())), nil
	}
	if text, ok := stringKind(value); ok {
		return string(f.escape(text)), nil
	}
	switch value.(type) {
	case int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64, float32, float64:
		return fmt.Sprint(value), nil
	}
	return "", fmt.Errorf("a %T cannot be printed as it is", value)
}

// escape makes text harmless where it stands in a line: nothing in it is
// mark-up, and it cannot start a line of its own.
func (f form) escape(text string) campaign.Markup {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, text)
	switch f {
	case slack:
		return campaign.Escape(text)
	case markdown:
		return campaign.Markup(markdownEscapes.Replace(text))
	}
	return campaign.Markup(text)
}

var markdownEscapes = strings.NewReplacer(
	`\`, `\\`, "`", "\\`", `*`, `\*`, `_`, `\_`, `[`, `\[`, `]`, `\]`, `<`, `&lt;`, `>`, `&gt;`, `&`, `&amp;`, `|`, `\|`, `#`, `\#`, `~`, `\~`, `!`, `\!`,
)
