package view

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"github.com/musterbot/muster/campaign"
)

// The bounds of a native chart.
const (
	maxPoints = 20
	maxName   = 20
	maxTitle  = 50
)

// chartBlock returns a chart as Slack draws it. More points than Slack takes are
// thinned out evenly; the first and the last one stay.
func chartBlock(c campaign.Chart) (slack.Block, error) {
	keep := thinned(len(c.Labels))
	categories := make([]string, 0, len(keep))
	for _, i := range keep {
		categories = append(categories, shorten(c.Labels[i], maxName))
	}
	categories = distinct(categories)
	series := make([]slack.DataVisualizationDataSeries, 0, len(c.Series))
	for _, s := range c.Series {
		if len(s.Values) != len(c.Labels) {
			return nil, fmt.Errorf("build chart: %s has %d values for %d labels", s.Name, len(s.Values), len(c.Labels))
		}
		points := make([]slack.DataVisualizationDataPoint, 0, len(keep))
		for n, i := range keep {
			if math.IsNaN(s.Values[i]) || math.IsInf(s.Values[i], 0) {
				return nil, fmt.Errorf("build chart: %s has a gap at %s", s.Name, c.Labels[i])
			}
			points = append(points, slack.NewDataVisualizationDataPoint(categories[n], s.Values[i]))
		}
		series = append(series, slack.NewDataVisualizationDataSeries(shorten(s.Name, maxName), points...))
	}
	block := slack.NewDataVisualizationBlock(shorten(c.Title, maxTitle), slack.NewDataVisualizationLineChart(slack.NewDataVisualizationAxisConfig(categories...), series...))
	if err := block.Validate(); err != nil {
		return nil, fmt.Errorf("build chart: %w", err)
	}
	return block, nil
}

// thinned returns the indexes of at most maxPoints of n points.
func thinned(n int) []int {
	if n <= maxPoints {
		all := make([]int, n)
		for i := range all {
			all[i] = i
		}
		return all
	}
	keep := make([]int, maxPoints)
	for i := range keep {
		keep[i] = i * (n - 1) / (maxPoints - 1)
	}
	return keep
}

// distinct tells equal labels apart, since Slack takes each only once.
func distinct(labels []string) []string {
	out := slices.Clone(labels)
	seen := map[string]bool{}
	for i, label := range out {
		for n := 2; seen[out[i]]; n++ {
			suffix := " (" + strconv.Itoa(n) + ")"
			out[i] = shorten(label, maxName-len(suffix)) + suffix
		}
		seen[out[i]] = true
	}
	return out
}

// shorten ends text with an ellipsis where it is longer than n characters. Only
// names beside a drawing are shortened; the text has them whole.
func shorten(text string, n int) string {
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	return string([]rune(text)[:n-1]) + "…"
}

// ChartText tells a chart's numbers in words, escaped: where each series stands,
// where it began, and the points between, thinned as the chart is.
func ChartText(c campaign.Chart) string {
	var b strings.Builder
	b.WriteString(string(campaign.Escape(c.Title)))
	if len(c.Labels) == 0 {
		return b.String()
	}
	last := len(c.Labels) - 1
	for _, s := range c.Series {
		if len(s.Values) != len(c.Labels) {
			continue
		}
		fmt.Fprintf(&b, "\n• %s: %s at %s", campaign.Escape(s.Name), number(s.Values[last]), campaign.Escape(c.Labels[last]))
		var before []string
		for _, i := range thinned(len(c.Labels)) {
			if i != last {
				before = append(before, number(s.Values[i])+" at "+string(campaign.Escape(c.Labels[i])))
			}
		}
		if len(before) > 0 {
			b.WriteString(" (before: " + strings.Join(before, ", ") + ")")
		}
	}
	return b.String()
}

// number writes a value as people read it: 1,204; 0.5.
func number(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "unknown"
	}
	text := strconv.FormatFloat(v, 'f', -1, 64)
	whole, fraction, hasFraction := strings.Cut(strings.TrimPrefix(text, "-"), ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if v < 0 {
		whole = "-" + whole
	}
	if hasFraction {
		return whole + "." + fraction
	}
	return whole
}
