package inventory

import (
	"bufio"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/musterbot/muster/campaign"
)

// cdxNamespace begins the namespace of every version of CycloneDX.
const cdxNamespace = "http://cyclonedx.org/schema/bom/"

// xmlDocument is a CycloneDX document in XML while it is read. There are no
// entities but the five of the standard: a document type declaration refuses
// the document. The first error stays.
type xmlDocument struct {
	document
	decoder *xml.Decoder
	bounds  *bounds
	depth   int
	wrong   string
	err     error
}

func (r Reader) readXML(in *bufio.Reader, limited *bounds, file string) ([]campaign.Scan, []campaign.Refusal) {
	d := &xmlDocument{document: newDocument(file), decoder: xml.NewDecoder(in), bounds: limited}
	d.decoder.CharsetReader = func(charset string, _ io.Reader) (io.Reader, error) {
		return nil, problemf("is in the encoding %.40q, and UTF-8 is read", charset)
	}
	if d.root(); d.err != nil {
		return nil, []campaign.Refusal{d.refusal()}
	}
	return d.finish(r.ScannedAt)
}

func (d *xmlDocument) position() string {
	line, _ := d.decoder.InputPos()
	return fmt.Sprintf("line %d", line)
}

func (d *xmlDocument) refusal() campaign.Refusal {
	err := d.err
	if p, ok := errors.AsType[problem](err); ok {
		err = p // the decoder wraps what its charset reader says
	} else if e, ok := errors.AsType[*xml.SyntaxError](err); ok {
		err = problemf("is not valid XML (%.80s)", e.Msg)
		if strings.Contains(e.Msg, "unexpected EOF") {
			err = io.ErrUnexpectedEOF
		}
	} else if strings.Contains(err.Error(), "encoding") {
		err = problemf("is not UTF-8 text")
	}
	return refusal(d.file, d.position(), err)
}

func (d *xmlDocument) fail(err error) {
	if d.err == nil {
		d.err = err
	}
}

// next returns the next token that counts: a start, an end, or text. nil at the
// end of the input or after an error.
func (d *xmlDocument) next() xml.Token {
	for d.err == nil {
		d.bounds.until = d.decoder.InputOffset() + maxElement
		token, err := d.decoder.Token()
		d.bounds.until = 0
		if err != nil {
			if !errors.Is(err, io.EOF) || d.depth > 0 {
				d.fail(err)
			}
			return nil
		}
		switch t := token.(type) {
		case xml.StartElement:
			if d.depth++; d.depth > maxDepth {
				d.fail(problemf("nests deeper than %d levels", maxDepth))
				return nil
			}
			return t
		case xml.EndElement:
			d.depth--
			return t
		case xml.CharData:
			return t
		case xml.Directive:
			d.fail(problemf("declares a document type or entities, which no SBOM needs and which are refused"))
		}
	}
	return nil
}

// root reads the whole document.
func (d *xmlDocument) root() {
	for {
		switch t := d.next().(type) {
		case nil:
			if d.err == nil && d.format == "" {
				d.fail(problemf("is XML without a root element"))
			}
			return
		case xml.StartElement:
			if d.format != "" || t.Name.Local != "bom" || !strings.HasPrefix(t.Name.Space, cdxNamespace) {
				d.fail(problemf("is XML, but not a CycloneDX bom (%.60s)", t.Name.Local))
				return
			}
			d.format = "cyclonedx"
			for _, a := range t.Attr {
				if a.Name.Local == "serialNumber" && len(a.Value) < 200 {
					d.scan.Document = a.Value
				}
			}
			d.children(d.top)
		case xml.CharData:
			if strings.TrimSpace(string(t)) != "" {
				d.fail(problemf("has text outside of its root element"))
			}
		}
	}
}

// children gives each element inside the one that has begun to read, which
// consumes it to its end.
func (d *xmlDocument) children(read func(xml.StartElement)) {
	for {
		switch t := d.next().(type) {
		case nil, xml.EndElement:
			return
		case xml.StartElement:
			read(t)
		}
	}
}

func (d *xmlDocument) skip(xml.StartElement) {
	for depth := d.depth; d.err == nil && d.depth >= depth; {
		if d.next() == nil {
			return
		}
	}
}

// text reads the text of the element that has begun into dst[:0].
func (d *xmlDocument) text(dst []byte) []byte {
	dst = dst[:0]
	for {
		switch t := d.next().(type) {
		case nil, xml.EndElement:
			return []byte(strings.TrimSpace(string(dst)))
		case xml.StartElement:
			d.skip(t)
		case xml.CharData:
			if len(dst)+len(t) > maxText {
				d.wrong = fmt.Sprintf("holds a text longer than %d KB", maxText>>10)
				continue
			}
			dst = append(dst, t...)
		}
	}
}

func (d *xmlDocument) top(el xml.StartElement) {
	switch el.Name.Local {
	case "metadata":
		d.children(d.metadata)
	case "components":
		d.children(d.component)
	default:
		d.skip(el)
	}
}

func (d *xmlDocument) metadata(el xml.StartElement) {
	switch el.Name.Local {
	case "timestamp":
		d.stamp(string(d.text(nil)))
	case "component":
		rec := d.take()
		d.componentFields(rec)
		d.main(rec)
		d.addRecord(rec)
	default:
		d.skip(el)
	}
}

// component reads a component, and adds those inside it.
func (d *xmlDocument) component(el xml.StartElement) {
	if el.Name.Local != "component" {
		d.skip(el)
		return
	}
	rec := d.take()
	outer := d.wrong
	d.wrong = ""
	for _, a := range el.Attr {
		if a.Name.Local == "type" {
			rec.componentType([]byte(a.Value))
		}
	}
	d.componentFields(rec)
	d.addRecord(rec)
	d.wrong = outer
}

func (d *xmlDocument) addRecord(rec *record) {
	defer d.give(rec)
	switch {
	case d.err != nil:
	case d.wrong != "":
		d.refuse(d.position(), "%s. The record was left out; correct it where it was written.", d.wrong)
	default:
		if err := d.add(rec, d.position); err != nil {
			d.fail(err)
		}
	}
}

func (d *xmlDocument) componentFields(rec *record) {
	d.children(func(el xml.StartElement) {
		switch el.Name.Local {
		case "group":
			rec.group = d.text(rec.group)
		case "name":
			rec.name = d.text(rec.name)
		case "version":
			rec.version = d.text(rec.version)
		case "purl":
			rec.purl = d.text(rec.purl)
		case "properties":
			d.children(func(el xml.StartElement) {
				for _, a := range el.Attr {
					if a.Name.Local == "name" {
						rec.property([]byte(a.Value), d.text(nil))
						return
					}
				}
				d.skip(el)
			})
		case "evidence":
			d.children(func(el xml.StartElement) { d.occurrences(el, rec) })
		case "components":
			d.children(d.component)
		default:
			d.skip(el)
		}
	})
}

// occurrences takes the first place where a component was found.
func (d *xmlDocument) occurrences(el xml.StartElement, rec *record) {
	if el.Name.Local != "occurrences" {
		d.skip(el)
		return
	}
	d.children(func(xml.StartElement) {
		d.children(func(el xml.StartElement) {
			if el.Name.Local == "location" && len(rec.path) == 0 {
				rec.path = d.text(nil)
				return
			}
			d.skip(el)
		})
	})
}
