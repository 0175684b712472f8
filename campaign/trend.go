package campaign

import (
	"math"
	"time"
)

// Since is what changed from one snapshot to a later one. Each number may be
// negative: what was done can be undone.
type Since struct {
	At       time.Time // of the earlier snapshot
	Done     int       // newly verified
	Claimed  int       // newly claimed and not yet verified
	Found    int       // newly known to be affected
	Reopened int       // events, never negative
	Unknown  int       // change of what nobody has checked; negative is good
}

// since compares one track of two snapshots; all tracks when track is "".
func since(before, now Numbers, track string) Since {
	s := Since{At: before.At, Reopened: now.Reopened - before.Reopened, Unknown: now.Unknown - before.Unknown}
	for _, t := range now.Tracks {
		if track == "" || t.Track == track {
			old := before.Track(t.Track)
			s.Done += t.All.Verified - old.All.Verified
			s.Claimed += t.All.Claimed - old.All.Claimed
			s.Found += t.All.Known() - old.All.Known()
		}
	}
	return s
}

// Forecast says when a track would be done if it went on as it did.
type Forecast struct {
	// At is when nothing would be left; zero when that cannot be said.
	At time.Time
	// Why says why At is zero, for people; "" when it is not.
	Why string
}

const (
	tooLittle = "not enough data"

	forecastPoints  = 6                   // how many snapshots a forecast looks at
	forecastAtLeast = 3                   // and how many it needs
	forecastReach   = 90 * 24 * time.Hour // further ahead, a straight line says nothing
)

// forecast draws a straight line through what was left of a track at the last
// snapshots. It says nothing of what is still unknown.
func forecast(points []point, track string) Forecast {
	if len(points) > forecastPoints {
		points = points[len(points)-forecastPoints:]
	}
	if len(points) < forecastAtLeast {
		return Forecast{Why: tooLittle}
	}
	last := points[len(points)-1]
	left := func(p point) float64 { return float64(p.Track(track).All.Unfinished()) }
	if left(last) == 0 {
		return Forecast{At: last.At}
	}
	var meanX, meanY float64
	for _, p := range points {
		meanX += p.At.Sub(last.At).Seconds() / float64(len(points))
		meanY += left(p) / float64(len(points))
	}
	var over, under float64
	for _, p := range points {
		x := p.At.Sub(last.At).Seconds() - meanX
		over += x * (left(p) - meanY)
		under += x * x
	}
	switch {
	case under == 0:
		return Forecast{Why: tooLittle}
	case over >= 0:
		return Forecast{Why: "no end in sight, as much is left as before"}
	}
	slope := over / under
	seconds := -left(last) / slope
	if math.IsNaN(seconds) || seconds > forecastReach.Seconds() {
		return Forecast{Why: "more than 90 days at this pace"}
	}
	return Forecast{At: last.At.Add(time.Duration(seconds * float64(time.Second))).Round(time.Minute)}
}

// maxCategories is how many moments a chart can show.
const maxCategories = 20

// chart draws one track over the last snapshots: how many are affected, which
// grows with what is found, and how many of them are done. Each label is one moment
// in the zone; of several within a minute the last counts.
func chart(points []point, track, zone string) *Chart {
	const affected, protected, claimed, unknown = 0, 1, 2, 3
	c := &Chart{
		Title:  track + ": of those affected, protected",
		Series: []ChartSeries{{Name: "affected"}, {Name: "protected"}, {Name: "claimed"}, {Name: "unknown"}},
	}
	if len([]rune(c.Title)) > 50 {
		c.Title = "Of those affected, protected"
	}
	add := func(series, n int) {
		c.Series[series].Values = append(c.Series[series].Values, float64(n))
	}
	for i, p := range points {
		label := p.At.In(location(zone)).Format("2 Jan 15:04")
		if i+1 < len(points) && points[i+1].At.In(location(zone)).Format("2 Jan 15:04") == label {
			continue
		}
		t := p.Track(track)
		c.Labels = append(c.Labels, label)
		add(affected, t.All.Known())
		add(protected, t.All.Verified)
		add(claimed, t.All.Claimed)
		add(unknown, p.Unknown)
	}
	if n := len(c.Labels) - maxCategories; n > 0 {
		c.Labels = c.Labels[n:]
		for i := range c.Series {
			c.Series[i].Values = c.Series[i].Values[n:]
		}
	}
	if len(c.Labels) == 0 {
		return nil
	}
	return c
}

// Compare returns what changed on a track between two snapshots; on all tracks
// when track is "".
func Compare(before, now Snapshot, track string) Since {
	return since(before.Numbers(""), now.Numbers(""), track)
}
