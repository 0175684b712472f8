package inventory

// artifact reads a package as Syft writes it, and Grype after it.
func (d *jsonDocument) artifact(rec *record) {
	if !d.begin('{') {
		return
	}
	for d.field() {
		switch string(d.key) {
		case "name":
			rec.name = d.str(rec.name)
		case "version":
			rec.version = d.str(rec.version)
		case "purl":
			rec.purl = d.str(rec.purl)
		case "locations":
			if d.begin('[') {
				for d.element() {
					d.location(rec, "path")
				}
			}
		case "metadata":
			d.syftMetadata(rec)
		case "upstreams":
			d.grypeUpstreams(rec)
		default:
			d.skip()
		}
	}
}

// syftMetadata takes the source package of a distribution's package. What else
// metadata holds, and of which type it is, depends on the kind of package.
func (d *jsonDocument) syftMetadata(rec *record) {
	if d.peek() != '{' {
		d.skip()
		return
	}
	wrong := d.wrong
	d.begin('{')
	for d.field() {
		switch string(d.key) {
		case "source", "originPackage":
			rec.src.name = d.str(rec.src.name)
		case "sourceVersion":
			rec.src.version = d.str(rec.src.version)
		case "sourceRpm":
			rec.src.sourceRPM(d.textValue())
		default:
			d.skip()
		}
	}
	d.wrong = wrong // a "source" of another kind of package is none of ours
}

func (d *jsonDocument) grypeUpstreams(rec *record) {
	if !d.begin('[') {
		return
	}
	for d.element() {
		if !d.begin('{') {
			continue
		}
		for d.field() {
			switch string(d.key) {
			case "name":
				rec.src.name = d.str(rec.src.name)
			case "version":
				rec.src.version = d.str(rec.src.version)
			default:
				d.skip()
			}
		}
	}
}

// match reads a match of Grype, of which only the package counts: Muster
// matches by its own advisories.
func (d *jsonDocument) match(rec *record) {
	if !d.begin('{') {
		return
	}
	for d.field() {
		if string(d.key) == "artifact" {
			d.artifact(rec)
		} else {
			d.skip()
		}
	}
}

// anchoreSource takes the asset's name from what Syft or Grype was asked to
// scan. Its form changed over the years: target was a text or an object, and
// is metadata today.
func (d *jsonDocument) anchoreSource() {
	if d.peek() != '{' {
		d.skip()
		return
	}
	name := ""
	d.object(func(key string) {
		switch key {
		case "name":
			if text := d.textValue(); name == "" {
				name = text
			}
		case "target", "metadata":
			if text := d.anchoreTarget(); text != "" {
				name = text
			}
		default:
			d.skip()
		}
	})
	if name != "" {
		d.scan.Asset = name
	}
}

func (d *jsonDocument) anchoreTarget() string {
	switch d.peek() {
	case '"':
		return d.textValue()
	case '{':
	default:
		d.skip()
		return ""
	}
	input := ""
	d.object(func(key string) {
		if key == "userInput" {
			input = d.textValue()
		} else {
			d.skip()
		}
	})
	return input
}

// anchoreDescriptor takes the time of the scan, which Grype tells and Syft
// does not.
func (d *jsonDocument) anchoreDescriptor() {
	if d.peek() != '{' {
		d.skip()
		return
	}
	d.object(func(key string) {
		if key == "timestamp" {
			d.created = d.textValue()
		} else {
			d.skip()
		}
	})
}
