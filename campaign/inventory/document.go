package inventory

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/musterbot/muster/campaign"
)

// document is a JSON inventory while it is read: the scan so far, and what a
// format's reader has to say besides.
type document struct {
	stream
	scan    campaign.Scan
	seen    map[campaign.Component]bool
	notices []string
	format  string

	createdAt string // Trivy: known before it is known whether it counts
	complete  bool   // Trivy: some result lists its packages
}

// formats tell a document by the first of its top-level fields that only one
// format has.
var formats = map[string]string{
	"bomFormat": "cyclonedx", "specVersion": "cyclonedx", "serialNumber": "cyclonedx", "components": "cyclonedx", "metadata": "cyclonedx",
	"SchemaVersion": "trivy", "ArtifactName": "trivy", "ArtifactType": "trivy", "Results": "trivy", "Trivy": "trivy", "ReportID": "trivy", "CreatedAt": "trivy",
	"spdxVersion": "an SPDX document", "SPDXID": "an SPDX document", "spdxId": "an SPDX document", "@graph": "an SPDX document",
	"artifacts": "a Syft report", "matches": "a Grype report",
	"affected": "an advisory (OSV), not an inventory", "vulnerabilities": "",
}

func readJSON(in io.Reader, limited *bounds, name string) ([]campaign.Scan, []campaign.Refusal) {
	d := &document{
		stream: stream{Decoder: json.NewDecoder(in), bounds: limited},
		seen:   map[campaign.Component]bool{},
		scan:   campaign.Scan{File: name},
	}
	if err := d.read(); err != nil {
		return nil, []campaign.Refusal{refusal(name, fmt.Sprintf("byte %d", d.InputOffset()), err)}
	}
	if d.scan.Asset == "" {
		d.scan.Asset = stem(name)
	}
	var remarks []campaign.Refusal
	for _, words := range d.notices {
		remarks = append(remarks, campaign.Refusal{File: name, Problem: words, Notice: true})
	}
	return []campaign.Scan{d.scan}, remarks
}

// read walks the top-level fields, and gives them to the reader of the format
// as soon as it is known which one that is.
func (d *document) read() error {
	readers := map[string]func(key string) error{"cyclonedx": d.cyclonedx(), "trivy": d.trivy()}
	err := d.fields(func(key string) error {
		if d.format == "" {
			d.format = formats[key]
		}
		if read := readers[d.format]; read != nil {
			return read(key)
		}
		if d.format != "" {
			return problemf("is %s, which this version does not read", d.format)
		}
		return d.skip()
	})
	switch {
	case err != nil:
		return err
	case d.format == "":
		return problemf("is JSON, but neither CycloneDX nor a Trivy report")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return problemf("goes on after the end of its document")
	}
	d.scan.Source = d.format
	if d.format == "trivy" {
		d.finishTrivy()
	}
	return nil
}

func (d *document) add(c campaign.Component) error {
	if c.PURL == "" && c.Name == "" || d.seen[c] {
		return nil
	}
	if len(d.scan.Components) >= maxComponents {
		return problemf("lists more than %d components", maxComponents)
	}
	d.seen[c] = true
	d.scan.Components = append(d.scan.Components, c)
	return nil
}

// stamp reads a document's time. What cannot be read counts as not said, and
// is told.
func (d *document) stamp(text string) {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil && text != "" {
		d.notices = append(d.notices, "gives a time of its scan that cannot be read, so the scan proves nothing and does not count as fresh.")
		return
	}
	d.scan.At = at.UTC()
}
