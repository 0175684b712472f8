package campaign

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// SourceOwner is the source of scans that owners bring themselves. Where an
// owner's scan is newer than what others saw on the asset, it counts instead of
// theirs, until theirs is newer again.
const SourceOwner = "owner"

// Look is what one fresh scan saw of a target: one source, on one asset.
type Look struct {
	Asset  string
	Source string
	File   string
	At     time.Time
	Found  []Finding
	// Now lists what the scan sees, clean by now, of the packages that were found
	// on the target before: "log4j-core 2.17.1".
	Now []string
}

// layerLook is a Look while its scan is read: on one layer of a service.
type layerLook struct {
	Look
	target string
	before []Finding // on the target
	// reads says that packages of the layer are listed. The name of a file or of an
	// operating system beside the packages of another layer is none.
	reads bool
}

// layerMemory tells on which layer of an asset packages were found before.
type layerMemory map[string]Layer

// foundBefore returns where a scan's source found packages on its asset when the
// targets were planned. There they stay, whatever layer it gives them by now: else
// another word for the same package would count as fixed on one layer and as new on
// the other. What was found on two layers stays where the scanner has it.
func (b *targetBuilder) foundBefore(ref string, s Scan) layerMemory {
	if len(b.in.Before) == 0 {
		return nil
	}
	var memory layerMemory
	for _, layer := range layers {
		for _, was := range b.in.Before[b.id(ref, layer)] {
			if was.Asset != s.Asset || was.Source != s.Source {
				continue
			}
			if memory == nil {
				memory = layerMemory{}
			}
			name := was.Component.packageName()
			if at, ok := memory[name]; ok && at != layer {
				memory[name] = ""
			} else {
				memory[name] = layer
			}
		}
	}
	return memory
}

func (m layerMemory) layer(c Component) Layer {
	if len(m) == 0 {
		return ""
	}
	return m[c.packageName()]
}

func (b *targetBuilder) newLook(ref string, layer Layer, s Scan) *layerLook {
	id := b.id(ref, layer)
	return &layerLook{Look: Look{Asset: s.Asset, Source: s.Source, File: s.File, At: s.At}, target: id, before: b.in.Before[id]}
}

// sees returns what a look holds against a target: what is certain, or all
// where a person or the campaign itself decided that a near match counts.
func (l Look) sees(t Target) (Finding, bool) {
	for _, f := range l.Found {
		if f.Verdict == Affected || t.Doubt == "" && t.Knowledge != KnownSafe {
			return f, true
		}
	}
	return Finding{}, false
}

// name says which scan it was.
func (l Look) name() string {
	name := "the scan of " + l.Asset + " by " + cmp.Or(l.Source, "an unnamed source") + " of " + l.At.UTC().Format("2006-01-02 15:04") + " UTC"
	if l.File != "" {
		name += " (" + l.File + ")"
	}
	return name
}

// still is the evidence that a target is affected: scan, file, host and version.
func (l Look) still(sees string, f Finding) string {
	out := l.name() + " " + sees + " " + f.Component.spoken()
	if f.Component.Path != "" {
		out += " at " + f.Component.Path
	}
	return out
}

// gone is the evidence that it is not affected any more.
func (l Look) gone(was []Finding) string {
	if len(l.Now) > 0 {
		return l.name() + " sees " + strings.Join(l.Now, ", ")
	}
	if len(was) > 0 {
		return l.name() + " does not see " + was[0].Component.spoken() + " any more"
	}
	return l.name() + " found nothing"
}

// speaksOf returns whether a look can say anything of an earlier finding: the
// same source on the same asset, or an owner's own scan of it.
func (l Look) speaksOf(was Finding) bool {
	return l.Asset == was.Asset && (was.Source == "" || l.Source == was.Source || l.Source == SourceOwner)
}

// layerOf is a layer of an asset.
type layerOf struct {
	asset string
	layer Layer
}

// maxNoted bounds what one look tells of the packages that were found before.
const maxNoted = 3

// note keeps the version of a package that was found on the target before.
func (l *layerLook) note(c Component) {
	if len(l.Now) >= maxNoted {
		return
	}
	for _, was := range l.before {
		if was.Component.packageName() == c.packageName() {
			l.Now = append(l.Now, c.spoken())
			return
		}
	}
}

// believeOwners takes out what others saw on a layer of an asset before its
// owner looked at it.
func (b *targetBuilder) believeOwners() {
	if len(b.owners) == 0 {
		return
	}
	outdated := func(asset, source string, layer Layer, at time.Time) bool {
		return source != SourceOwner && b.owners[layerOf{asset, layer}].After(at)
	}
	for id, t := range b.found {
		t.Findings = slices.DeleteFunc(t.Findings, func(f Finding) bool { return outdated(f.Asset, f.Source, t.Layer, f.At) })
		if len(t.Findings) == 0 {
			delete(b.found, id)
		} else if !slices.ContainsFunc(t.Findings, func(f Finding) bool { return f.Verdict == Affected }) {
			t.Knowledge = KnownPossible
		}
		b.looks[id] = slices.DeleteFunc(b.looks[id], func(l Look) bool { return outdated(l.Asset, l.Source, t.Layer, l.At) })
	}
}

// sortLooks puts the newest first.
func (b *targetBuilder) sortLooks() {
	for _, looks := range b.looks {
		slices.SortFunc(looks, func(a, b Look) int {
			return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.Asset, b.Asset), cmp.Compare(a.Source, b.Source))
		})
	}
}
