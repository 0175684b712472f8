package fakeslack_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/bot/fakeslack"
)

// many repeats a block, with %d for its number.
func many(n int, block string) string {
	out := make([]string, n)
	for i := range out {
		out[i] = strings.ReplaceAll(block, "%d", fmt.Sprint(i))
	}
	return "[" + strings.Join(out, ",") + "]"
}

func long(n int) string { return strings.Repeat("x", n) }

const okOption = `{"text":{"type":"plain_text","text":"a"},"value":"a"}`

func TestValidateBlocksKnowsSlacksRules(t *testing.T) {
	inActions := func(element string) string { return `[{"type":"actions","elements":[` + element + `]}]` }
	inInput := func(element string) string {
		return `[{"type":"input","label":{"type":"plain_text","text":"l"},"element":` + element + `}]`
	}
	plainText := func(s string) string { return `{"type":"plain_text","text":"` + s + `"}` }
	chart := func(categories, data string) string {
		return `[{"type":"data_visualization","title":"Open","chart":{"type":"line","axis_config":{"categories":` +
			categories + `},"series":[{"name":"open","data":` + data + `}]}}]`
	}
	tests := map[string]struct {
		on     fakeslack.Surface
		blocks string
		want   string // part of the first problem; empty for none
	}{
		"fifty dividers":          {fakeslack.SurfaceMessage, many(50, `{"type":"divider"}`), ""},
		"fifty-one in a message":  {fakeslack.SurfaceMessage, many(51, `{"type":"divider"}`), "no more than 50 items"},
		"fifty-one in a modal":    {fakeslack.SurfaceModal, many(51, `{"type":"divider"}`), ""},
		"a hundred and one":       {fakeslack.SurfaceHome, many(101, `{"type":"divider"}`), "no more than 100 items"},
		"no type":                 {fakeslack.SurfaceMessage, `[{}]`, "missing required field: type"},
		"unknown type":            {fakeslack.SurfaceMessage, `[{"type":"sect"}]`, "unsupported type: sect"},
		"empty section":           {fakeslack.SurfaceMessage, `[{"type":"section"}]`, "must define either"},
		"empty section text":      {fakeslack.SurfaceMessage, `[{"type":"section","text":` + plainText("") + `}]`, "more than 0"},
		"longest section":         {fakeslack.SurfaceMessage, `[{"type":"section","text":` + plainText(long(3000)) + `}]`, ""},
		"too long a section":      {fakeslack.SurfaceMessage, `[{"type":"section","text":` + plainText(long(3001)) + `}]`, "less than 3001"},
		"eleven fields":           {fakeslack.SurfaceMessage, `[{"type":"section","fields":` + many(11, plainText("f")) + `}]`, "no more than 10"},
		"too long a field":        {fakeslack.SurfaceMessage, `[{"type":"section","fields":[` + plainText(long(2001)) + `]}]`, "less than 2001"},
		"too long a header":       {fakeslack.SurfaceMessage, `[{"type":"header","text":` + plainText(long(151)) + `}]`, "less than 151"},
		"a header in mrkdwn":      {fakeslack.SurfaceMessage, `[{"type":"header","text":{"type":"mrkdwn","text":"x"}}]`, "must be one of: plain_text"},
		"eleven context elements": {fakeslack.SurfaceMessage, `[{"type":"context","elements":` + many(11, plainText("c")) + `}]`, "no more than 10"},
		"no actions":              {fakeslack.SurfaceMessage, `[{"type":"actions","elements":[]}]`, "no fewer than 1"},
		"26 actions": {
			fakeslack.SurfaceMessage, `[{"type":"actions","elements":` + many(26, `{"type":"button","text":{"type":"plain_text","text":"b"}}`) + `}]`,
			"no more than 25",
		},
		"two actions with one id": {
			fakeslack.SurfaceMessage, `[{"type":"actions","elements":` + many(2, `{"type":"button","action_id":"a","text":{"type":"plain_text","text":"b"}}`) + `}]`,
			"already exists",
		},
		"two blocks with one id": {fakeslack.SurfaceMessage, many(2, `{"type":"divider","block_id":"b"}`), "already exists"},
		"too long a block_id":    {fakeslack.SurfaceMessage, `[{"type":"divider","block_id":"` + long(256) + `"}]`, "less than 256"},
		"too long a button": {
			fakeslack.SurfaceMessage, inActions(`{"type":"button","text":` + plainText(long(76)) + `}`), "less than 76",
		},
		"too long a value": {
			fakeslack.SurfaceMessage, inActions(`{"type":"button","value":"` + long(2001) + `","text":` + plainText("b") + `}`),
			"less than 2001",
		},
		"an unknown style": {
			fakeslack.SurfaceMessage, inActions(`{"type":"button","style":"loud","text":` + plainText("b") + `}`), "must be one of",
		},
		"a text field among actions": {fakeslack.SurfaceMessage, inActions(`{"type":"plain_text_input"}`), "unsupported type"},
		"a button as input":          {fakeslack.SurfaceModal, inInput(`{"type":"button","text":` + plainText("b") + `}`), "unsupported type"},
		"a multi-select among actions": {
			fakeslack.SurfaceMessage, inActions(`{"type":"multi_static_select","options":[` + okOption + `]}`), "unsupported type",
		},
		"a select": {fakeslack.SurfaceMessage, inActions(`{"type":"static_select","options":[` + okOption + `]}`), ""},
		"101 options": {
			fakeslack.SurfaceMessage, inActions(`{"type":"static_select","options":` + many(101, `{"text":{"type":"plain_text","text":"a%d"},"value":"%d"}`) + `}`),
			"no more than 100",
		},
		"options with one value": {fakeslack.SurfaceMessage, inActions(`{"type":"static_select","options":[` + okOption + `,` + okOption + `]}`), "unique"},
		"an initial option from elsewhere": {
			fakeslack.SurfaceMessage, inActions(`{"type":"static_select","options":[` + okOption + `],"initial_option":{"text":{"type":"plain_text","text":"z"},"value":"z"}}`),
			"not among the options",
		},
		"too long an option": {
			fakeslack.SurfaceMessage, inActions(`{"type":"static_select","options":[{"value":"a","text":` + plainText(long(76)) + `}]}`), "less than 76",
		},
		"six in an overflow": {
			fakeslack.SurfaceMessage, inActions(`{"type":"overflow","options":` + many(6, `{"text":{"type":"plain_text","text":"a"},"value":"%d"}`) + `}`),
			"no more than 5",
		},
		"eleven checkboxes": {
			fakeslack.SurfaceMessage, inActions(`{"type":"checkboxes","options":` + many(11, `{"text":{"type":"mrkdwn","text":"a"},"value":"%d"}`) + `}`),
			"no more than 10",
		},
		"a bad date": {fakeslack.SurfaceMessage, inActions(`{"type":"datepicker","initial_date":"tomorrow"}`), "must match the format"},
		"a bad time": {fakeslack.SurfaceMessage, inActions(`{"type":"timepicker","initial_time":"25:00"}`), "must match the format"},
		"a bad date-time": {
			fakeslack.SurfaceMessage, inActions(`{"type":"datetimepicker","initial_date_time":5}`), "10 digits",
		},
		"too long a text field": {fakeslack.SurfaceModal, inInput(`{"type":"plain_text_input","max_length":3001}`), "between 1 and 3000"},
		"an image without words": {
			fakeslack.SurfaceMessage, `[{"type":"image","image_url":"https://x.example/y.png"}]`, "missing required field: alt_text",
		},
		"an image from a file": {fakeslack.SurfaceMessage, `[{"type":"image","image_url":"file:///etc","alt_text":"x"}]`, "invalid url"},
		"two tables":           {fakeslack.SurfaceMessage, many(2, `{"type":"table","rows":[[{"type":"raw_text","text":"a"}]]}`), "only one table"},
		"a table in a modal":   {fakeslack.SurfaceModal, `[{"type":"table","rows":[[{"type":"raw_text","text":"a"}]]}]`, "unsupported type"},
		"a table of 101 rows": {
			fakeslack.SurfaceMessage, `[{"type":"table","rows":` + many(101, `[{"type":"raw_text","text":"a"}]`) + `}]`, "no more than 100",
		},
		"a table of 21 columns": {
			fakeslack.SurfaceMessage, `[{"type":"table","rows":[` + many(21, `{"type":"raw_text","text":"a"}`) + `]}]`, "no more than 20",
		},
		"a ragged table": {
			fakeslack.SurfaceMessage, `[{"type":"table","rows":[[{"type":"raw_text","text":"a"}],[]]}]`, "no fewer than 1",
		},
		"a chart":               {fakeslack.SurfaceMessage, chart(`["a","b"]`, `[{"label":"a","value":1},{"label":"b","value":-2.5}]`), ""},
		"a chart with a gap":    {fakeslack.SurfaceMessage, chart(`["a","b"]`, `[{"label":"a","value":1}]`), "exactly one point"},
		"a chart with a null":   {fakeslack.SurfaceMessage, chart(`["a"]`, `[{"label":"a","value":null}]`), "finite"},
		"an infinite value":     {fakeslack.SurfaceMessage, chart(`["a"]`, `[{"label":"a","value":1e999}]`), "finite"},
		"a stray label":         {fakeslack.SurfaceMessage, chart(`["a"]`, `[{"label":"z","value":1}]`), "must match axis_config"},
		"a long category":       {fakeslack.SurfaceMessage, chart(`["`+long(21)+`"]`, `[{"label":"`+long(21)+`","value":1}]`), "less than 21"},
		"twenty-one categories": {fakeslack.SurfaceMessage, chart(many(21, `"%d"`), `[]`), "no more than 20"},
		"a pie of nothing": {
			fakeslack.SurfaceMessage, `[{"type":"data_visualization","title":"x","chart":{"type":"pie","segments":[{"label":"a","value":0}]}}]`,
			"greater than 0",
		},
		"a radar chart":     {fakeslack.SurfaceMessage, `[{"type":"data_visualization","title":"x","chart":{"type":"radar"}}]`, "unsupported type: radar"},
		"too much in all":   {fakeslack.SurfaceMessage, many(5, `{"type":"section","text":{"type":"mrkdwn","text":"`+long(2700)+`"}}`), "13200"},
		"not JSON":          {fakeslack.SurfaceMessage, `[{`, "decode blocks"},
		"nested too deep":   {fakeslack.SurfaceMessage, strings.Repeat("[", 50) + strings.Repeat("]", 50), "too deep"},
		"a list of strings": {fakeslack.SurfaceMessage, `["divider"]`, "not an object"},
		"a modal without title": {
			fakeslack.SurfaceModal, `{"type":"modal","blocks":[]}`, "missing required field: title",
		},
		"an input without submit": {
			fakeslack.SurfaceModal, `{"type":"modal","title":` + plainText("t") + `,"blocks":` + inInput(`{"type":"plain_text_input"}`) + `}`,
			"`submit` is required",
		},
		"too long a private_metadata": {
			fakeslack.SurfaceHome, `{"type":"home","private_metadata":"` + long(3001) + `","blocks":[]}`, "less than 3001",
		},
		"a home shown as a modal": {fakeslack.SurfaceHome, `{"type":"modal","blocks":[]}`, "must be"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			problems := fakeslack.ValidateBlocks(tt.on, []byte(tt.blocks))
			if tt.want == "" {
				require.Empty(t, problems)
				return
			}
			require.NotEmpty(t, problems)
			require.Contains(t, problems[0].String(), tt.want)
		})
	}
}

// slack-go carries Slack's rules for native charts in a Validate of its own.
func TestChartsAgreeWithSlackGo(t *testing.T) {
	axis := slack.NewDataVisualizationAxisConfig("Mon", "Tue")
	series := func(name string, values ...float64) slack.DataVisualizationDataSeries {
		s := slack.NewDataVisualizationDataSeries(name)
		for i, v := range values {
			s.Data = append(s.Data, slack.NewDataVisualizationDataPoint(axis.Categories[i%2], v))
		}
		return s
	}
	tests := map[string]*slack.DataVisualizationBlock{
		"fine":          slack.NewDataVisualizationBlock("Open", slack.NewDataVisualizationLineChart(axis, series("open", 3, 1))),
		"no title":      slack.NewDataVisualizationBlock("", slack.NewDataVisualizationBarChart(axis, series("open", 3, 1))),
		"long title":    slack.NewDataVisualizationBlock(long(51), slack.NewDataVisualizationBarChart(axis, series("open", 3, 1))),
		"no series":     slack.NewDataVisualizationBlock("Open", slack.NewDataVisualizationAreaChart(axis)),
		"a gap":         slack.NewDataVisualizationBlock("Open", slack.NewDataVisualizationLineChart(axis, series("open", 3))),
		"a label twice": slack.NewDataVisualizationBlock("Open", slack.NewDataVisualizationLineChart(axis, series("open", 3, 1, 2))),
		"same name":     slack.NewDataVisualizationBlock("Open", slack.NewDataVisualizationLineChart(axis, series("a", 3, 1), series("a", 3, 1))),
		"long name":     slack.NewDataVisualizationBlock("Open", slack.NewDataVisualizationLineChart(axis, series(long(21), 3, 1))),
		"seven segments": slack.NewDataVisualizationBlock("Open", slack.NewDataVisualizationPieChart(
			make([]slack.DataVisualizationSegment, 7)...)),
	}
	for name, block := range tests {
		t.Run(name, func(t *testing.T) {
			raw, err := json.Marshal([]slack.Block{block})
			require.NoError(t, err)
			ours := fakeslack.ValidateBlocks(fakeslack.SurfaceMessage, raw)
			require.Equal(t, block.Validate() == nil, len(ours) == 0, "%v, %v", block.Validate(), ours)
		})
	}
}

func FuzzValidateBlocks(f *testing.F) {
	f.Add(`[{"type":"section","text":{"type":"mrkdwn","text":"x"},"accessory":{"type":"button"}}]`)
	f.Add(`{"type":"modal","title":{"type":"plain_text","text":"t"},"blocks":[{"type":"input","element":{"type":"checkboxes","options":[1,null]}}]}`)
	f.Add(`[{"type":"table","rows":[[null,{"type":"rich_text","elements":[{}]}],3]}]`)
	f.Add(`[{"type":"data_visualization","chart":{"type":"bar","series":[{"data":[5]}],"axis_config":{"categories":[1]}}}]`)
	f.Fuzz(func(t *testing.T, raw string) {
		for _, on := range []fakeslack.Surface{fakeslack.SurfaceMessage, fakeslack.SurfaceModal, fakeslack.SurfaceHome} {
			for _, p := range fakeslack.ValidateBlocks(on, []byte(raw)) {
				require.NotEmpty(t, p.Message)
			}
		}
	})
}
