package inventory

import (
	"fmt"
	"hash/maphash"
	"time"

	"github.com/musterbot/muster/campaign"
)

// maxRemarks bounds what is said about one file: a scanner with a defect has it
// in every record.
const maxRemarks = 100

// document is an inventory while it is read: the scan so far, and what there is
// to say besides.
type document struct {
	file    string
	scan    campaign.Scan
	format  string
	remarks []campaign.Refusal
	unsaid  int  // remarks beyond maxRemarks
	partial bool // lists vulnerable packages only, and so is not a scan of the asset

	seed maphash.Seed
	seen map[uint64]int32 // hash of a component -> its index, so that a file's duplicates collapse
	free []*record
}

func newDocument(file string) document {
	return document{file: file, scan: campaign.Scan{File: file}, seed: maphash.MakeSeed(), seen: map[uint64]int32{}}
}

// take returns a blank record; give returns it for the next component.
func (d *document) take() *record {
	if n := len(d.free); n > 0 {
		r := d.free[n-1]
		d.free = d.free[:n-1]
		r.reset()
		return r
	}
	return &record{}
}

func (d *document) give(r *record) { d.free = append(d.free, r) }

// add adds the component of a record, which stands at a position of the file.
func (d *document) add(r *record, position func() string) error {
	c := r.component()
	if c.Name == "" && !usablePURL(c.PURL) {
		if c.PURL != "" {
			d.refuse(position(), "has a package URL that cannot be read (%.60q), and no name. The record was left out; correct it where it was written.", c.PURL)
		}
		return nil
	}
	if c.Name != "" && c.PURL != "" {
		d.notice(position(), "has a package URL that cannot be read (%.60q); the component is compared by its name %.60q.", c.PURL, c.Name)
	}
	if err := d.keep(c); err != nil {
		return err
	}
	for _, purl := range r.more {
		c.PURL = purl
		if err := d.keep(c); err != nil {
			return err
		}
	}
	return nil
}

// keep adds a component unless the scan has it.
func (d *document) keep(c campaign.Component) error {
	if !d.isNew(c, len(d.scan.Components)) {
		return nil
	}
	return d.append(c)
}

func (d *document) append(c campaign.Component) error {
	if len(d.scan.Components) >= maxComponents {
		return problemf("lists more than %d components", maxComponents)
	}
	d.scan.Components = append(d.scan.Components, c)
	return nil
}

// isNew returns whether no component before was the same, and remembers it
// under an index. The source package does not count: a scanner tells it in one
// place and not in the next.
func (d *document) isNew(c campaign.Component, index int) bool {
	c.Source = ""
	hash := maphash.Comparable(d.seed, c)
	if i, ok := d.seen[hash]; ok {
		same := d.scan.Components[i]
		same.Source = ""
		return same != c // else two that share a hash: the second is kept each time
	}
	d.seen[hash] = int32(index)
	return true
}

// notice says something about what was imported all the same.
func (d *document) notice(position, format string, args ...any) {
	d.remark(campaign.Refusal{File: d.file, Position: position, Problem: fmt.Sprintf(format, args...), Notice: true})
}

// refuse says why a record was left out.
func (d *document) refuse(position, format string, args ...any) {
	d.remark(campaign.Refusal{File: d.file, Position: position, Problem: fmt.Sprintf(format, args...)})
}

func (d *document) remark(r campaign.Refusal) {
	if len(d.remarks) >= maxRemarks {
		d.unsaid++
		return
	}
	d.remarks = append(d.remarks, r)
}

// is settles the format; a document cannot be two.
func (d *document) is(format string) error {
	if d.format != "" && d.format != format {
		return problemf("has parts of two formats, %s and %s", d.format, format)
	}
	d.format = format
	return nil
}

// finish returns the scan. A document without a name is called as its file, and
// one without a time gets the time that was given for such.
func (d *document) finish(timeless time.Time) ([]campaign.Scan, []campaign.Refusal) {
	if d.scan.Asset == "" {
		d.scan.Asset = stem(d.file)
	}
	d.scan.Source = d.format
	if d.scan.At.IsZero() && !d.partial {
		d.scan.At = timeless
	}
	if d.unsaid > 0 {
		d.remarks = append(d.remarks, campaign.Refusal{File: d.file, Problem: fmt.Sprintf("has %d more such records, which are not listed.", d.unsaid)})
	}
	return []campaign.Scan{d.scan}, d.remarks
}

// stamp reads a document's time. What cannot be read counts as not said, and
// is told.
func (d *document) stamp(text string) {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		if text != "" {
			d.notice("", "gives a time of its scan that cannot be read, so the scan proves nothing and does not count as fresh.")
		}
		return
	}
	d.scan.At = at.UTC()
}
