package inventory

import "github.com/musterbot/muster/campaign"

// cdxMetadata reads the metadata of a CycloneDX document. The main component is
// one of the components too: it may be the affected one.
func (d *jsonDocument) cdxMetadata(key string) {
	switch key {
	case "timestamp":
		d.stamp(d.textValue())
	case "component":
		start := d.offset()
		rec := d.take()
		d.cdxComponent(rec)
		d.main(rec)
		if err := d.add(rec, func() string { return bytePosition(start) }); err != nil {
			d.fail(err)
		}
		d.give(rec)
	default:
		d.skip()
	}
}

// main takes the asset's name from the main component. Without a package URL
// it is an image or a host: a name for the asset, and no software.
func (d *document) main(rec *record) {
	d.scan.Asset = string(rec.name)
	if len(rec.purl) == 0 {
		rec.name = rec.name[:0]
	}
}

// cdxComponent reads a component, and adds those inside it.
func (d *jsonDocument) cdxComponent(rec *record) {
	if !d.begin('{') {
		return
	}
	for d.field() {
		switch string(d.key) {
		case "type":
			d.scratch = d.str(d.scratch)
			rec.componentType(d.scratch)
		case "group":
			rec.group = d.str(rec.group)
		case "name":
			rec.name = d.str(rec.name)
		case "version":
			rec.version = d.str(rec.version)
		case "purl":
			rec.purl = d.str(rec.purl)
		case "properties":
			d.cdxProperties(rec)
		case "evidence":
			d.cdxEvidence(rec)
		case "components":
			d.records(d.cdxComponent)
		default:
			d.skip()
		}
	}
}

func (d *jsonDocument) cdxProperties(rec *record) {
	if !d.begin('[') {
		return
	}
	prop := d.take()
	for d.element() {
		prop.reset()
		if !d.begin('{') {
			continue
		}
		for d.field() {
			switch string(d.key) {
			case "name":
				prop.name = d.str(prop.name)
			case "value":
				prop.version = d.str(prop.version)
			default:
				d.skip()
			}
		}
		rec.property(prop.name, prop.version)
	}
	d.give(prop)
}

// property takes what scanners say beside the standard's fields.
func (r *record) property(name, value []byte) {
	switch string(name) {
	case "syft:location:0:path", "aquasecurity:trivy:FilePath":
		if len(r.path) == 0 {
			r.path = append(r.path, value...)
		}
	case "aquasecurity:trivy:SrcName", "syft:metadata:source":
		r.src.name = append(r.src.name[:0], value...)
	case "aquasecurity:trivy:SrcVersion", "syft:metadata:sourceVersion":
		r.src.version = append(r.src.version[:0], value...)
	case "aquasecurity:trivy:SrcRelease":
		r.src.release = append(r.src.release[:0], value...)
	case "aquasecurity:trivy:SrcEpoch":
		r.src.epoch = append(r.src.epoch[:0], value...)
	case "syft:metadata:originPackage":
		r.src.name = append(r.src.name[:0], value...)
	case "syft:metadata:sourceRpm":
		r.src.sourceRPM(string(value))
	case "aquasecurity:trivy:Class":
		if string(value) == "os-pkgs" {
			r.layer = campaign.LayerHost
		}
	}
}

func (d *jsonDocument) cdxEvidence(rec *record) {
	if !d.begin('{') {
		return
	}
	for d.field() {
		if string(d.key) != "occurrences" {
			d.skip()
			continue
		}
		if !d.begin('[') {
			continue
		}
		for d.element() {
			d.location(rec, "location")
		}
	}
}

// location reads an object that tells a path, of which the first counts.
func (d *jsonDocument) location(rec *record, field string) {
	if !d.begin('{') {
		return
	}
	for d.field() {
		if string(d.key) == field && len(rec.path) == 0 {
			rec.path = d.str(rec.path)
		} else {
			d.skip()
		}
	}
}
