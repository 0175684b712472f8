// Package chart draws a campaign.Chart as a PNG, for e-mail and for workspaces
// that refuse native charts. It is a small picture that is read on a phone: large
// letters, colours that a colour-blind reader tells apart, and a line style and a
// marker of its own for each series, since colour is never the only sign.
package chart

import (
	"bytes"
	"errors"
	"fmt"
	"image/color"
	"image/png"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"github.com/musterbot/muster/campaign"
)

// The size of a picture, in pixels, and the bound of its file.
const (
	Width    = 960
	Height   = 600
	MaxBytes = 60 << 10
)

// dpi makes a point a pixel and a half: letters of 14 points are 21 pixels high,
// which a phone that shows the picture at a third still shows.
const dpi = 108

const (
	maxSeries = 6
	maxPoints = 300
	maxTicks  = 5
	padding   = 14 // points around everything
)

// style is how one series is told from the others.
type style struct {
	colour color.RGBA
	dashes []vg.Length
	glyph  draw.GlyphDrawer
}

// styles are after Okabe and Ito's colours, darkened where they would lose their
// contrast on white.
func styles() []style {
	return []style{
		{colour: color.RGBA{R: 0, G: 114, B: 178, A: 255}, glyph: draw.CircleGlyph{}},
		{colour: color.RGBA{R: 213, G: 94, B: 0, A: 255}, glyph: draw.SquareGlyph{}, dashes: []vg.Length{10, 4}},
		{colour: color.RGBA{R: 0, G: 128, B: 96, A: 255}, glyph: draw.TriangleGlyph{}, dashes: []vg.Length{3, 3}},
		{colour: color.RGBA{R: 176, G: 94, B: 142, A: 255}, glyph: draw.PyramidGlyph{}, dashes: []vg.Length{12, 3, 3, 3}},
		{colour: color.RGBA{R: 0, G: 0, B: 0, A: 255}, glyph: draw.CrossGlyph{}},
		{colour: color.RGBA{R: 90, G: 60, B: 20, A: 255}, glyph: draw.PlusGlyph{}, dashes: []vg.Length{6, 6}},
	}
}

// unknownStyle is grey and dotted wherever it stands: what nobody has checked is a
// number of its own, and no shade of safe.
func unknownStyle() style {
	return style{colour: color.RGBA{R: 105, G: 105, B: 105, A: 255}, glyph: draw.RingGlyph{}, dashes: []vg.Length{2, 4}}
}

// PNG draws a chart. The same chart gives the same bytes. It takes 1 to 6 series
// of at most 300 finite values, one for each label; anything else is an error.
func PNG(c campaign.Chart) ([]byte, error) {
	if err := check(c); err != nil {
		return nil, fmt.Errorf("draw chart: %w", err)
	}
	p := plot.New()
	dress(p, c)
	free := styles()
	for _, s := range c.Series {
		look := unknownStyle()
		if !isUnknown(s.Name) {
			look, free = free[0], free[1:]
		}
		if err := addSeries(p, s, look); err != nil {
			return nil, fmt.Errorf("draw chart: %w", err)
		}
	}
	canvas := vgimg.NewWith(
		vgimg.UseWH(vg.Length(Width)/dpi*vg.Inch, vg.Length(Height)/dpi*vg.Inch),
		vgimg.UseDPI(dpi), vgimg.UseBackgroundColor(color.White),
	)
	p.Draw(draw.Crop(draw.New(canvas), padding, -padding, padding, -padding))
	var out bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&out, indexed(canvas.Image())); err != nil {
		return nil, fmt.Errorf("draw chart: %w", err)
	}
	if out.Len() > MaxBytes {
		return nil, fmt.Errorf("draw chart: the picture has %d bytes, at most %d are allowed", out.Len(), MaxBytes)
	}
	return out.Bytes(), nil
}

// isUnknown returns whether a series counts what nobody has checked.
func isUnknown(name string) bool { return strings.EqualFold(strings.TrimSpace(name), "unknown") }

func check(c campaign.Chart) error {
	switch {
	case len(c.Series) == 0 || len(c.Series) > maxSeries:
		return fmt.Errorf("%d series, 1 to %d can be drawn", len(c.Series), maxSeries)
	case len(c.Labels) == 0 || len(c.Labels) > maxPoints:
		return fmt.Errorf("%d points, 1 to %d can be drawn", len(c.Labels), maxPoints)
	}
	for _, s := range c.Series {
		if len(s.Values) != len(c.Labels) {
			return fmt.Errorf("%s has %d values for %d labels", s.Name, len(s.Values), len(c.Labels))
		}
		for _, v := range s.Values {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return errors.New(s.Name + " has a gap")
			}
		}
	}
	return nil
}

// dress sets letters, axes and legend.
func dress(p *plot.Plot, c campaign.Chart) {
	p.BackgroundColor = color.White
	p.Title.Text = short(c.Title, 50)
	p.Title.TextStyle.Font.Size = 17
	p.Title.Padding = 8
	for _, text := range []*draw.TextStyle{&p.Title.TextStyle, &p.X.Tick.Label, &p.Y.Tick.Label, &p.Legend.TextStyle} {
		text.Font.Variant = "Sans"
	}
	p.X.Tick.Label.Font.Size, p.Y.Tick.Label.Font.Size = 13, 13
	p.X.Padding, p.Y.Padding = 8, 8
	p.X.Tick.Marker, p.Y.Tick.Marker = ticks(c.Labels), wholeTicks{}
	p.Legend.TextStyle.Font.Size = 13
	p.Legend.Top = true
	p.Legend.ThumbnailWidth = 34
	p.Legend.Padding = 3

	low, high := bounds(c)
	p.Y.Min = low
	p.Y.Max = low + (high-low)*(1+0.085*float64(len(c.Series)+1)) // the names stand above the lines, not on them
	p.X.Min, p.X.Max = -0.2, max(float64(len(c.Labels)-1), 1)+0.2

	grid := plotter.NewGrid()
	grid.Vertical.Color = nil
	grid.Horizontal.Color = color.Gray{Y: 212}
	p.Add(grid)
}

// bounds returns the lowest and highest value; nought is always among them.
func bounds(c campaign.Chart) (low, high float64) {
	for _, s := range c.Series {
		for _, v := range s.Values {
			low, high = min(low, v), max(high, v)
		}
	}
	return low, max(high, low+1)
}

func addSeries(p *plot.Plot, s campaign.ChartSeries, look style) error {
	points := make(plotter.XYs, len(s.Values))
	for i, v := range s.Values {
		points[i] = plotter.XY{X: float64(i), Y: v}
	}
	line, marks, err := plotter.NewLinePoints(points)
	if err != nil {
		return fmt.Errorf("series %s: %w", s.Name, err)
	}
	line.Color, line.Width, line.Dashes = look.colour, 2.4, look.dashes
	marks.Color, marks.Radius, marks.Shape = look.colour, 3.4, look.glyph
	p.Add(line)
	if len(points) <= 40 { // more would hide the line
		p.Add(marks)
	}
	p.Legend.Add(short(s.Name, 20)+": "+number(s.Values[len(s.Values)-1]), line, marks)
	return nil
}

// ticks names at most five points at even distances, the last among them: it is
// the one that matters.
func ticks(labels []string) plot.ConstantTicks {
	step := max(1, (len(labels)+maxTicks-1)/maxTicks)
	var out plot.ConstantTicks
	for at := len(labels) - 1; at >= 0; at -= step {
		out = append(out, plot.Tick{Value: float64(at), Label: short(labels[at], 12)})
	}
	slices.Reverse(out)
	return out
}

// wholeTicks counts things, so it has no fractions.
type wholeTicks struct{}

// Ticks implements plot.Ticker.
func (wholeTicks) Ticks(low, high float64) []plot.Tick {
	step := niceStep((high - low) / 5)
	var out []plot.Tick
	for v := math.Ceil(low/step) * step; v <= high && len(out) < 12; v += step {
		out = append(out, plot.Tick{Value: v, Label: number(v)})
	}
	return out
}

// niceStep returns the next of 1, 2, 5, 10, 20, 50 and so on.
func niceStep(v float64) float64 {
	if v <= 1 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, f := range []float64{1, 2, 5} {
		if f*power >= v {
			return f * power
		}
	}
	return 10 * power
}

// number writes a count with thousands separators.
func number(v float64) string {
	digits := strconv.FormatFloat(math.Abs(v), 'f', -1, 64)
	whole, fraction, hasFraction := strings.Cut(digits, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if hasFraction {
		whole += "." + fraction
	}
	if v < 0 {
		return "-" + whole
	}
	return whole
}

// short ends a name with an ellipsis; the text beside the picture has it whole.
func short(text string, n int) string {
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	return string([]rune(text)[:n-1]) + "…"
}
