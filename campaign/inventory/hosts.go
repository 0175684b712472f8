package inventory

import (
	"bufio"
	"cmp"
	"hash/maphash"
	"time"

	"github.com/musterbot/muster/campaign"
)

// The columns of a host list, one row for each component on an asset. Only
// asset and purl must be there; an asset with a blank purl was scanned and
// holds nothing.
var (
	hostColumns  = []string{"asset", "service", "purl", "scanned_at", "path", "exposure", "environment", "tier", "layer"}
	hostRequired = []string{"asset", "purl"}
)

// maxAssets bounds the assets of one host list.
const maxAssets = 200_000

// readHosts reads a host list into one scan for each asset. Where the rows of
// an asset differ in time, the oldest counts; where they differ in exposure,
// the most exposed.
func (r Reader) readHosts(in *bufio.Reader, limited *bounds, file string) ([]campaign.Scan, []campaign.Refusal) {
	t, remarks, err := openTable(in, limited, file, hostRequired, hostColumns)
	if err != nil {
		return nil, []campaign.Refusal{csvRefusal(file, err)}
	}
	h := hosts{table: t, at: map[string]int{}, seen: map[uint64]int32{}, seed: maphash.MakeSeed()}
	refused, err := t.each(h.row)
	if err != nil {
		return nil, []campaign.Refusal{csvRefusal(file, err)}
	}
	for i := range h.scans {
		if h.scans[i].At.IsZero() {
			h.scans[i].At = r.ScannedAt
		}
	}
	if len(h.scans)+len(refused) == 0 {
		remarks = append(remarks, campaign.Refusal{File: file, Problem: "has its columns and no rows.", Notice: true})
	}
	return h.scans, append(remarks, refused...)
}

type hosts struct {
	*table
	scans []campaign.Scan
	at    map[string]int // asset -> index of scans
	seed  maphash.Seed
	seen  map[uint64]int32 // hash of a component on an asset -> its index there
}

type hostComponent struct {
	asset int
	campaign.Component
}

// row adds the current record to its asset, or refuses it.
func (h *hosts) row() *campaign.Refusal {
	asset, purl := h.field("asset"), h.field("purl")
	if asset == "" {
		r := h.refuse("names no asset. The row was left out.")
		return &r
	}
	if purl != "" && !usablePURL(purl) {
		r := h.refuse("has a package URL that cannot be read. The row was left out; write it like pkg:maven/group/artifact@1.0.")
		return &r
	}
	exposure, ok := campaign.ParseExposure(h.field("exposure"))
	if !ok {
		r := h.refuse("has an unknown exposure. The row was left out; use exposed, internal, isolated, or leave it blank.")
		return &r
	}
	layer, ok := campaign.ParseLayer(h.field("layer"))
	if !ok {
		r := h.refuse("has an unknown layer. The row was left out; use host, runtime, application, or leave it blank.")
		return &r
	}
	at, err := scanTime(h.field("scanned_at"))
	if err != nil {
		r := h.refuse("has a scanned_at that is no time. The row was left out; write it like 2021-12-10T14:00:00Z.")
		return &r
	}
	row := campaign.Scan{
		Asset: asset, Source: "csv", File: h.file, Service: h.field("service"), At: at,
		Exposure: exposure, Environment: h.field("environment"), Tier: h.field("tier"),
	}
	i, known := h.at[asset]
	switch {
	case !known && len(h.scans) >= maxAssets:
		r := h.refuse("is of one asset more than the %d that one file may list. The row was left out; split the file.", maxAssets)
		return &r
	case !known:
		i = len(h.scans)
		h.at[asset] = i
		h.scans = append(h.scans, row)
	case row.Service != "" && h.scans[i].Service != "" && row.Service != h.scans[i].Service:
		r := h.refuse("gives the asset %.100q to another service than a row before. The row was left out; an asset belongs to one service.", asset)
		return &r
	default:
		merge(&h.scans[i], row)
	}
	if purl == "" {
		return nil
	}
	c := campaign.Component{PURL: purl, Path: h.field("path"), Layer: cmp.Or(layer, layerOf(purl))}
	components := h.scans[i].Components
	hash := maphash.Comparable(h.seed, hostComponent{i, c})
	if at, ok := h.seen[hash]; ok && int(at) < len(components) && components[at] == c {
		return nil
	}
	h.seen[hash] = int32(len(components))
	h.scans[i].Components = append(components, c)
	return nil
}

// merge lets a row add to what the rows before said of its asset.
func merge(s *campaign.Scan, row campaign.Scan) {
	if row.At.Before(s.At) {
		s.At = row.At
	}
	if s.Service == "" {
		s.Service = row.Service
	}
	if s.Environment == "" {
		s.Environment = row.Environment
	}
	if s.Tier == "" {
		s.Tier = row.Tier
	}
	if row.Exposure.Counts() && !s.Exposure.Counts() {
		s.Exposure = row.Exposure
	}
}

// scanTime reads a time in the two forms that lists use; a date alone is its
// first moment, UTC.
func scanTime(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at.UTC(), nil
	}
	return time.Parse(time.DateOnly, text)
}
