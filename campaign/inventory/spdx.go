package inventory

import "strings"

// spdxVersion reads the field by which an SPDX document says what it is.
func (d *jsonDocument) spdxVersion() {
	d.declared = d.textValue()
	if !strings.HasPrefix(d.declared, "SPDX-2.") && d.wrong == "" && d.err == nil {
		d.fail(problemf("says that it is %.40q, and SPDX-2.2 and SPDX-2.3 are read", d.declared))
	}
	d.settle("spdx")
}

func (d *jsonDocument) spdxCreation(key string) {
	if key != "created" {
		d.skip()
		return
	}
	d.stamp(d.textValue())
}

// spdxPackages reads the packages. An object of the same name is npm's
// package-lock.json, which is no inventory of what runs.
func (d *jsonDocument) spdxPackages() {
	if d.peek() != '[' {
		d.skip()
		return
	}
	d.records(d.spdxPackage)
}

func (d *jsonDocument) spdxPackage(rec *record) {
	if !d.begin('{') {
		return
	}
	for d.field() {
		switch string(d.key) {
		case "name":
			rec.name = d.str(rec.name)
		case "versionInfo":
			rec.version = d.str(rec.version)
		case "externalRefs":
			if !d.begin('[') {
				continue
			}
			for d.element() {
				d.spdxReference(rec)
			}
		default:
			d.skip()
		}
	}
}

// spdxReference keeps the reference if it is a package URL. A package may have
// several.
func (d *jsonDocument) spdxReference(rec *record) {
	if !d.begin('{') {
		return
	}
	ref := d.take()
	for d.field() {
		switch string(d.key) {
		case "referenceType":
			ref.name = d.str(ref.name)
		case "referenceLocator":
			ref.purl = d.str(ref.purl)
		default:
			d.skip()
		}
	}
	switch {
	case string(ref.name) != "purl" && !strings.HasSuffix(string(ref.name), "/purl"):
	case len(rec.purl) == 0:
		rec.purl = append(rec.purl, ref.purl...)
	case len(rec.more) < maxRemarks && string(ref.purl) != string(rec.purl):
		rec.more = append(rec.more, string(ref.purl))
	}
	d.give(ref)
}
