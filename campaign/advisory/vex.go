package advisory

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/musterbot/muster/campaign"
)

// vexDocument is the part of a VEX document that matching needs: CycloneDX's
// vulnerabilities, or OpenVEX's statements.
type vexDocument struct {
	BOMFormat       string             `json:"bomFormat"`
	Components      []vexComponent     `json:"components"`
	Vulnerabilities []cdxVulnerability `json:"vulnerabilities"`

	Context    string             `json:"@context"`
	Statements []openVEXStatement `json:"statements"`
}

type vexComponent struct {
	Ref  string `json:"bom-ref"`
	PURL string `json:"purl"`
}

type cdxVulnerability struct {
	ID         string `json:"id"`
	References []struct {
		ID string `json:"id"`
	} `json:"references"`
	Analysis struct {
		State         string `json:"state"`
		Justification string `json:"justification"`
		Detail        string `json:"detail"`
	} `json:"analysis"`
	Affects []struct {
		Ref      string `json:"ref"`
		Versions []struct {
			Version string `json:"version"`
			Status  string `json:"status"`
		} `json:"versions"`
	} `json:"affects"`
}

type openVEXStatement struct {
	Vulnerability   json.RawMessage `json:"vulnerability"` // a name in old versions, an object today
	Products        []openVEXProduct
	Status          string `json:"status"`
	Justification   string `json:"justification"`
	ImpactStatement string `json:"impact_statement"`
}

type openVEXProduct struct {
	ID            string            `json:"@id"`
	Identifiers   map[string]string `json:"identifiers"`
	Subcomponents []json.RawMessage `json:"subcomponents"`
}

// settled are the states that say that a product is not, or no longer, affected.
var settled = []string{"not_affected", "false_positive", "resolved", "resolved_with_pedigree", "fixed"}

// ReadVEX reads a VEX document, CycloneDX or OpenVEX (JSON), and keeps what it
// says is not affected or fixed. What speaks of a product that no package URL
// names, or of a part inside of another product, is left out with a notice: it
// must not excuse the same part elsewhere.
func ReadVEX(raw []byte, file string) ([]campaign.Statement, []campaign.Refusal, error) {
	raw = bytes.TrimPrefix(raw, []byte("\uFEFF"))
	switch {
	case len(raw) > MaxRecordBytes || bytes.Count(raw, []byte("{")) > maxRecordItems || bytes.Count(raw, []byte(",")) > maxRecordItems:
		return nil, nil, refuse(nil, "The VEX document %s is larger than any should be. Nothing of it was used; split it.", file)
	case depth(raw) > maxRecordDepth:
		return nil, nil, refuse(nil, "The VEX document %s nests deeper than %d levels. Nothing of it was used.", file, maxRecordDepth)
	}
	var doc vexDocument
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, nil, refuse(err, "The VEX document %s is not readable JSON%s. Nothing of it was used; fetch it again.", file, where(err))
	}
	v := vex{file: file}
	switch {
	case doc.BOMFormat == "CycloneDX":
		v.cyclonedx(doc)
	case strings.Contains(doc.Context, "openvex"):
		v.openvex(doc)
	default:
		return nil, nil, refuse(nil, "%s is neither CycloneDX nor OpenVEX. Nothing of it was used; CSAF is not read, so export one of the two.", file)
	}
	return v.kept, v.notices, nil
}

type vex struct {
	file    string
	kept    []campaign.Statement
	notices []campaign.Refusal
}

// maxNotices bounds what is told of one document.
const maxNotices = 50

func (v *vex) notice(id, words string) {
	if len(v.notices) < maxNotices {
		v.notices = append(v.notices, campaign.Refusal{File: v.file, Position: id, Problem: words, Notice: true})
	}
}

func (v *vex) cyclonedx(doc vexDocument) {
	purls := map[string]string{}
	for _, c := range doc.Components {
		purls[c.Ref] = c.PURL
	}
	for _, vuln := range doc.Vulnerabilities {
		if vuln.ID == "" || !slices.Contains(settled, vuln.Analysis.State) {
			continue
		}
		for _, a := range vuln.Affects {
			within, ref := bomLink(a.Ref)
			purl := purls[ref]
			if purl == "" && strings.HasPrefix(ref, "pkg:") {
				purl = ref
			}
			if purl == "" {
				v.notice(vuln.ID, "speaks of a product that no package URL names. The statement was left out.")
				continue
			}
			s := campaign.Statement{
				Vulnerability: vuln.ID, Products: []string{purl}, Within: within,
				Justification: vuln.Analysis.Justification, Detail: vuln.Analysis.Detail, File: v.file,
			}
			for _, r := range vuln.References {
				s.Aliases = append(s.Aliases, r.ID)
			}
			if len(a.Versions) > 0 {
				s.Products = nil
				bare, _, _ := strings.Cut(purl, "@")
				for _, version := range a.Versions {
					if version.Status == "unaffected" && version.Version != "" {
						s.Products = append(s.Products, bare+"@"+version.Version)
					}
				}
			}
			if len(s.Products) > 0 {
				v.kept = append(v.kept, s)
			}
		}
	}
}

// bomLink reads urn:cdx:SERIAL/VERSION#REF into the serial number as documents
// write it, and the reference. Another reference is of this document itself.
func bomLink(ref string) (serial, inner string) {
	link, ok := strings.CutPrefix(ref, "urn:cdx:")
	if !ok {
		return "", ref
	}
	link, inner, _ = strings.Cut(link, "#")
	serial, _, _ = strings.Cut(link, "/")
	return "urn:uuid:" + serial, inner
}

func (v *vex) openvex(doc vexDocument) {
	for _, st := range doc.Statements {
		if !slices.Contains(settled, st.Status) {
			continue
		}
		s := campaign.Statement{Justification: st.Justification, Detail: st.ImpactStatement, File: v.file}
		var named struct {
			Name    string   `json:"name"`
			Aliases []string `json:"aliases"`
		}
		if json.Unmarshal(st.Vulnerability, &s.Vulnerability) != nil && json.Unmarshal(st.Vulnerability, &named) == nil {
			s.Vulnerability, s.Aliases = named.Name, named.Aliases
		}
		for _, p := range st.Products {
			purl := p.Identifiers["purl"]
			if strings.HasPrefix(p.ID, "pkg:") {
				purl = p.ID
			}
			if purl == "" || len(p.Subcomponents) > 0 {
				v.notice(s.Vulnerability, "speaks of a product that no package URL names, or of a part inside of a product. The statement was left out.")
				continue
			}
			s.Products = append(s.Products, purl)
		}
		if s.Vulnerability != "" && len(s.Products) > 0 {
			v.kept = append(v.kept, s)
		}
	}
}

// Within gives the statements that count for the inventory document of a serial
// number: those without a limit, and those limited to it.
func Within(statements []campaign.Statement, document string) []campaign.Statement {
	var kept []campaign.Statement
	for _, s := range statements {
		if s.Within == "" || document != "" && strings.EqualFold(s.Within, document) {
			s.Within = ""
			kept = append(kept, s)
		}
	}
	return kept
}
