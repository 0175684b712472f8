package inventory

import "github.com/musterbot/muster/campaign"

// trivyResults reads the results of a Trivy report, each of which is a list of
// packages: of the operating system, of a lock file, of the jars.
func (d *jsonDocument) trivyResults() {
	if !d.begin('[') {
		return
	}
	for d.element() {
		d.trivyResult()
		if d.wrong != "" {
			d.fail(problem{d.wrong})
		}
	}
}

// trivyResult reads one result. What holds for all of its packages may stand
// behind them, so they are completed at its end.
func (d *jsonDocument) trivyResult() {
	if !d.begin('{') {
		return
	}
	begin := len(d.scan.Components)
	var target, class string
	for d.field() {
		switch string(d.key) {
		case "Target":
			target = d.textValue()
		case "Class":
			class = d.textValue()
		case "Packages":
			d.listed = true
			d.trivyPackages(d.trivyPackage)
		case "Vulnerabilities":
			d.trivyPackages(d.trivyVulnerability)
		default:
			d.skip()
		}
	}
	if d.err == nil {
		d.completeResult(begin, target, class)
	}
}

// completeResult gives the packages from begin on what their result says of
// them all, and collapses duplicates.
func (d *jsonDocument) completeResult(begin int, target, class string) {
	all := d.scan.Components
	kept := begin
	for _, c := range all[begin:] {
		if class == "lang-pkgs" && c.Path == "" {
			c.Path = target
		}
		if class == "os-pkgs" {
			c.Layer = campaign.LayerHost
		}
		if !d.isNew(c, kept) {
			continue
		}
		all[kept] = c
		kept++
	}
	clear(all[kept:])
	d.scan.Components = all[:kept]
}

// trivyPackages reads a list of packages without collapsing duplicates.
func (d *jsonDocument) trivyPackages(read func(*record)) {
	if !d.begin('[') {
		return
	}
	outer := d.wrong
	rec := d.take()
	for d.element() {
		start := d.offset()
		rec.reset()
		d.wrong = ""
		read(rec)
		if d.err != nil {
			return
		}
		if d.wrong != "" {
			d.refuse(bytePosition(start), "%s. The record was left out; run the scan again.", d.wrong)
			continue
		}
		if c := rec.component(); c.PURL != "" || c.Name != "" {
			if err := d.append(c); err != nil {
				d.fail(err)
			}
		}
	}
	d.give(rec)
	d.wrong = outer
}

func (d *jsonDocument) trivyPackage(rec *record) {
	if !d.begin('{') {
		return
	}
	for d.field() {
		switch string(d.key) {
		case "Name":
			rec.name = d.str(rec.name)
		case "Version":
			rec.version = d.str(rec.version)
		case "Identifier":
			d.trivyIdentifier(rec)
		case "FilePath":
			rec.path = d.str(rec.path)
		case "SrcName":
			rec.src.name = d.str(rec.src.name)
		case "SrcVersion":
			rec.src.version = d.str(rec.src.version)
		case "SrcRelease":
			rec.src.release = d.str(rec.src.release)
		case "SrcEpoch":
			rec.src.epoch = d.scalar(rec.src.epoch)
		default:
			d.skip()
		}
	}
}

// trivyVulnerability reads a vulnerability, of which only the package counts:
// Muster matches by its own advisories.
func (d *jsonDocument) trivyVulnerability(rec *record) {
	if !d.begin('{') {
		return
	}
	for d.field() {
		switch string(d.key) {
		case "PkgName":
			rec.name = d.str(rec.name)
		case "InstalledVersion":
			rec.version = d.str(rec.version)
		case "PkgIdentifier":
			d.trivyIdentifier(rec)
		case "PkgPath":
			rec.path = d.str(rec.path)
		default:
			d.skip()
		}
	}
}

func (d *jsonDocument) trivyIdentifier(rec *record) {
	if !d.begin('{') {
		return
	}
	for d.field() {
		if string(d.key) == "PURL" {
			rec.purl = d.str(rec.purl)
		} else {
			d.skip()
		}
	}
}

// finishTrivy stamps the scan. A report without its packages names what Trivy
// itself held for vulnerable that day; it keeps no time, so that it never
// verifies anything.
func (d *jsonDocument) finishTrivy() {
	if !d.listed {
		d.partly("Run trivy with --list-all-pkgs.")
		return
	}
	d.stamp(d.created)
}
