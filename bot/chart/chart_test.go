package chart_test

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/bot/chart"
	"github.com/musterbot/muster/campaign"
)

func digest() campaign.Chart {
	return campaign.Chart{
		Title:  "Log4Shell: all services",
		Labels: []string{"Mon 06:00", "Mon 12:00", "Mon 18:00", "Tue 00:00", "Tue 06:00", "Tue 12:00", "Tue 18:00", "Wed 00:00", "Wed 06:00"},
		Series: []campaign.ChartSeries{
			{Name: "Protected", Values: []float64{0, 60, 210, 380, 640, 900, 1100, 1320, 1410}},
			{Name: "Open", Values: []float64{310, 420, 640, 520, 410, 300, 210, 90, 44}},
			{Name: "Unknown", Values: []float64{1660, 1640, 1500, 1400, 1350, 1300, 1204, 1204, 1204}},
		},
	}
}

// render draws a chart, and keeps the picture where MUSTER_TEST_PICTURES says, to
// be looked at.
func render(t *testing.T, c campaign.Chart) image.Image {
	t.Helper()
	raw, err := chart.PNG(c)
	require.NoError(t, err)
	require.LessOrEqual(t, len(raw), chart.MaxBytes)
	if dir := os.Getenv("MUSTER_TEST_PICTURES"); dir != "" {
		require.NoError(t, os.WriteFile(filepath.Join(dir, strings.ReplaceAll(t.Name(), "/", "-")+".png"), raw, 0o600))
	}
	picture, err := png.Decode(bytes.NewReader(raw))
	require.NoError(t, err)
	require.InDelta(t, chart.Width, picture.Bounds().Dx(), 1)
	require.InDelta(t, chart.Height, picture.Bounds().Dy(), 1)
	return picture
}

func at(picture image.Image, x, y int) color.RGBA {
	return color.RGBAModel.Convert(picture.At(x, y)).(color.RGBA)
}

// pixels counts the pixels of about one colour.
func pixels(picture image.Image, want color.RGBA) int {
	near := func(a, b uint8) bool { return math.Abs(float64(a)-float64(b)) <= 12 }
	n := 0
	for y := range picture.Bounds().Dy() {
		for x := range picture.Bounds().Dx() {
			if c := at(picture, x, y); near(c.R, want.R) && near(c.G, want.G) && near(c.B, want.B) {
				n++
			}
		}
	}
	return n
}

func TestEachSeriesIsSeen(t *testing.T) {
	picture := render(t, digest())
	for name, colour := range map[string]color.RGBA{
		"the first":  {R: 0, G: 114, B: 178, A: 255},
		"the second": {R: 213, G: 94, B: 0, A: 255},
		"unknown":    {R: 105, G: 105, B: 105, A: 255},
	} {
		require.Greater(t, pixels(picture, colour), 300, "%s cannot be seen", name)
	}
}

func TestNothingIsClipped(t *testing.T) {
	long := digest()
	long.Title = strings.Repeat("Log4Shell ", 9)
	for i := range long.Series {
		long.Series[i].Name += " with a very long name indeed"
	}
	for i := range long.Labels {
		long.Labels[i] = "Wednesday 31 December 2025 " + strconv.Itoa(i)
	}
	white := color.RGBA{R: 255, G: 255, B: 255, A: 255}
	for name, c := range map[string]campaign.Chart{"as usual": digest(), "long names": long} {
		t.Run(name, func(t *testing.T) {
			picture := render(t, c)
			right, bottom := picture.Bounds().Dx()-3, picture.Bounds().Dy()-3
			for x := range picture.Bounds().Dx() {
				require.Equal(t, white, at(picture, x, 2), "at the top")
				require.Equal(t, white, at(picture, x, bottom), "at the bottom")
			}
			for y := range picture.Bounds().Dy() {
				require.Equal(t, white, at(picture, 2, y), "on the left")
				require.Equal(t, white, at(picture, right, y), "on the right")
			}
		})
	}
}

func TestTheSameChartGivesTheSameBytes(t *testing.T) {
	first, err := chart.PNG(digest())
	require.NoError(t, err)
	second, err := chart.PNG(digest())
	require.NoError(t, err)
	require.True(t, bytes.Equal(first, second))
}

func TestOddChartsAreDrawn(t *testing.T) {
	many := campaign.Chart{Title: "Many"}
	six := []campaign.ChartSeries{{Name: "a"}, {Name: "b"}, {Name: "c"}, {Name: "d"}, {Name: "e"}, {Name: "f"}}
	for i := range 300 {
		many.Labels = append(many.Labels, strconv.Itoa(i))
		for s := range six {
			six[s].Values = append(six[s].Values, math.Round(100*math.Sin(float64(i*(s+1))/40)+100))
		}
	}
	many.Series = six
	tests := map[string]campaign.Chart{
		"one point":     {Title: "One", Labels: []string{"now"}, Series: []campaign.ChartSeries{{Name: "Open", Values: []float64{3}}}},
		"all zero":      {Title: "Zero", Labels: []string{"a", "b"}, Series: []campaign.ChartSeries{{Name: "Open", Values: []float64{0, 0}}}},
		"no title":      {Labels: []string{"a", "b"}, Series: []campaign.ChartSeries{{Values: []float64{1, 2}}}},
		"huge numbers":  {Title: "Huge", Labels: []string{"a", "b"}, Series: []campaign.ChartSeries{{Name: "Open", Values: []float64{1e9, 2e12}}}},
		"below nothing": {Title: "Below", Labels: []string{"a", "b"}, Series: []campaign.ChartSeries{{Name: "Change", Values: []float64{-5, 5}}}},
		"as much as is": many,
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) { render(t, c) })
	}
}

func TestAChartWithGapsIsRefused(t *testing.T) {
	tests := map[string]campaign.Chart{
		"no series":      {Labels: []string{"a"}},
		"no labels":      {Series: []campaign.ChartSeries{{Name: "a"}}},
		"a value short":  {Labels: []string{"a", "b"}, Series: []campaign.ChartSeries{{Name: "a", Values: []float64{1}}}},
		"not a number":   {Labels: []string{"a"}, Series: []campaign.ChartSeries{{Name: "a", Values: []float64{math.NaN()}}}},
		"without an end": {Labels: []string{"a"}, Series: []campaign.ChartSeries{{Name: "a", Values: []float64{math.Inf(1)}}}},
		"seven series":   {Labels: []string{"a"}, Series: make([]campaign.ChartSeries, 7)},
		"too many":       {Labels: make([]string, 301), Series: []campaign.ChartSeries{{Values: make([]float64, 301)}}},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := chart.PNG(c)
			require.Error(t, err)
		})
	}
}
