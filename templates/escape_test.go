package templates_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/templates"
)

const hostile = "a<!channel>&amp;\n*Log4Shell is over* <@U1> `x` | [b](javascript:c) %s {{.}}"

// poison fills every string below v, whatever struct or list it is in. Markup is
// left alone: whoever makes it has escaped it.
func poison(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		if v.Type() != reflect.TypeFor[campaign.Markup]() && v.CanSet() {
			v.SetString(hostile)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() || v.Type() == reflect.TypeFor[campaign.LocalTime]() {
			return
		}
		for i := range v.NumField() {
			poison(v.Field(i))
		}
	case reflect.Slice:
		fresh := reflect.MakeSlice(v.Type(), v.Len(), v.Len()) // the samples share their lists
		reflect.Copy(fresh, v)
		v.Set(fresh)
		for i := range v.Len() {
			poison(v.Index(i))
		}
	default:
	}
}

func TestNothingFromOutsideWakesAnybody(t *testing.T) {
	set := load(t, "")
	for name, sample := range templates.Samples() {
		t.Run(name, func(t *testing.T) {
			data := reflect.New(reflect.TypeOf(sample)).Elem()
			data.Set(reflect.ValueOf(sample))
			poison(data)
			text, err := set.Render(nil, name, data.Interface())
			require.NoError(t, err)
			if name == "ticket_title" || name == "help_topic" { // plain text, escaped by what shows it
				require.NotContains(t, text, "\n")
				return
			}
			if name == "ticket_body" || name == "closing_report" {
				text = set.Mrkdwn(text) // Markdown keeps code as it is; this is how it reaches Slack
			}
			for line := range strings.Lines(text) {
				require.NotContains(t, line, "<!channel>")
				require.NotContains(t, line, "<@U1>")
				require.False(t, strings.HasPrefix(line, "*Log4Shell is over*"), "a name starts a line of its own: %q", line)
			}
		})
	}
}

func TestMarkupIsNotEscapedTwice(t *testing.T) {
	text, err := load(t, "").Render(nil, "question_answered", campaign.QuestionAnsweredData{Number: 1204, By: campaign.Mention("T1/U2")})
	require.NoError(t, err)
	require.Equal(t, "*Question 1,204 is answered, says <@U2>.* If it does not help, ask again in the channel.", text)
}

func TestNumbersStandWithWhatIsUnknown(t *testing.T) {
	set := load(t, "")
	for name, sample := range templates.Samples() {
		text, err := set.Render(nil, name, sample)
		require.NoError(t, err)
		require.NotContains(t, text, "%", "%s has a bare percentage", name)
		require.NotContains(t, text, "!\n", "%s exclaims", name)
		if strings.Contains(text, " known ") {
			require.Contains(t, strings.ToLower(text), "unknown", "%s has known numbers without the unknown", name)
		}
	}
}
