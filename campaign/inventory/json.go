package inventory

import (
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/musterbot/muster/campaign"
)

// jsonDocument is an inventory in JSON while it is read. The fields of all
// formats are known at once, so that their order in the file does not matter.
type jsonDocument struct {
	*lexer
	document
	scratch []byte // for a text that is looked at and dropped

	declared string // CycloneDX or SPDX: what the document says it is
	title    string // SPDX: the document's name
	created  string // a time that may not count
	listed   bool   // Trivy: some result lists its packages
}

// partial says why a report of vulnerable packages is a find and not a scan.
const partial = "lists vulnerable packages only, so it cannot show that something is gone: it counts as a find, not as a fresh scan. %s"

func (r Reader) readJSON(in io.Reader, file string) ([]campaign.Scan, []campaign.Refusal) {
	d := &jsonDocument{lexer: newLexer(in), document: newDocument(file)}
	if d.peek() == '[' {
		d.fail(problemf("is a list, and an inventory is one JSON object"))
	}
	d.object(d.topField)
	if d.lexer.close(); d.err == nil {
		d.fail(d.conclude())
	}
	if d.err != nil {
		return nil, []campaign.Refusal{refusal(file, bytePosition(d.offset()), d.err)}
	}
	return d.finish(r.ScannedAt)
}

func bytePosition(offset int64) string { return "byte " + strconv.FormatInt(offset, 10) }

// object gives each field of the object that begins next to read, which
// consumes the value. What is wrong there refuses the document.
func (d *jsonDocument) object(read func(key string)) {
	if !d.begin('{') {
		return
	}
	for d.field() {
		read(string(d.key))
		if d.wrong != "" {
			d.fail(problem{d.wrong})
		}
	}
}

// records gives each element of the list that begins next to read. What is
// wrong in one refuses that record only.
func (d *jsonDocument) records(read func(*record)) {
	if !d.begin('[') {
		return
	}
	outer := d.wrong
	for d.element() {
		start := d.offset()
		rec := d.take()
		d.wrong = ""
		read(rec)
		if d.err != nil {
			return
		}
		if d.wrong != "" {
			d.refuse(bytePosition(start), "%s. The record was left out; correct it where it was written.", d.wrong)
		} else if err := d.add(rec, func() string { return bytePosition(start) }); err != nil {
			d.fail(err)
		}
		d.give(rec)
	}
	d.wrong = outer
}

// topField reads a top-level field of any format.
func (d *jsonDocument) topField(key string) {
	switch key {
	case "bomFormat":
		d.declare("cyclonedx", "CycloneDX")
	case "serialNumber", "documentNamespace":
		d.scan.Document = d.textValue()
	case "metadata":
		d.object(d.cdxMetadata)
	case "components":
		d.settle("cyclonedx")
		d.records(d.cdxComponent)
	case "spdxVersion":
		d.spdxVersion()
	case "name":
		d.title = d.textValue()
	case "creationInfo":
		d.object(d.spdxCreation)
	case "packages":
		d.spdxPackages()
	case "sbom": // GitHub's dependency graph wraps SPDX
		d.object(d.topField)
	case "artifacts":
		d.settle("syft")
		d.records(d.artifact)
	case "matches":
		d.settle("grype")
		d.records(d.match)
	case "source":
		d.anchoreSource()
	case "descriptor":
		d.anchoreDescriptor()
	case "ArtifactName":
		d.settle("trivy")
		d.scan.Asset = d.textValue()
	case "CreatedAt":
		d.created = d.textValue()
	case "Results":
		d.settle("trivy")
		d.trivyResults()
	case "@graph", "@context":
		d.fail(problemf("is SPDX 3 (JSON-LD), which is not read; export SPDX 2.3 or CycloneDX"))
	case "affected":
		d.fail(problemf("is an advisory (OSV), not an inventory"))
	default:
		d.skip()
	}
}

// settle settles the format, or refuses the document.
func (d *jsonDocument) settle(format string) {
	if err := d.is(format); err != nil {
		d.fail(err)
	}
}

// declare reads the field by which a document says what it is.
func (d *jsonDocument) declare(format, want string) {
	d.declared = d.textValue()
	if d.declared != want && d.wrong == "" && d.err == nil {
		d.fail(problemf("says that its format is %.40q, not %s", d.declared, want))
	}
	d.settle(format)
}

func (d *jsonDocument) textValue() string {
	d.scratch = d.str(d.scratch)
	return string(d.scratch)
}

// conclude checks that the document is one that it claims to be.
func (d *jsonDocument) conclude() error {
	switch d.format {
	case "":
		return problemf("is JSON, but none of CycloneDX, SPDX, Syft, Grype or Trivy")
	case "cyclonedx":
		if d.declared == "" {
			return problemf("has components but no bomFormat, so it is not CycloneDX")
		}
	case "spdx":
		d.scan.Asset = d.title
	case "trivy":
		d.finishTrivy()
	case "grype":
		d.partly("Import the SBOM that Grype looked at, or Syft's own report.")
	case "syft":
		if d.created != "" {
			d.stamp(d.created)
		}
	}
	return nil
}

// partly marks a report that lists vulnerable packages only.
func (d *jsonDocument) partly(advice string) {
	d.partial = true
	d.notice("", partial, advice)
}

// refusal puts an error that ends a document into words for people.
func refusal(file, position string, err error) campaign.Refusal {
	words := "cannot be read"
	if p, ok := errors.AsType[problem](err); ok {
		words = p.words
	} else if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		words = "breaks off before its end"
	} else if err != nil {
		words = fmt.Sprintf("cannot be read: %s", errorText(err))
	}
	return campaign.Refusal{File: file, Position: position, Problem: words + ". Nothing of it was used; run the scan again, or repair the file."}
}
