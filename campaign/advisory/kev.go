package advisory

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/musterbot/muster/campaign"
)

// Exploited is an entry of CISA's catalogue of known exploited vulnerabilities.
// That one is missing says nothing: the catalogue lags.
type Exploited struct {
	CVE        string `json:"cveID"`
	Name       string `json:"vulnerabilityName"`
	Added      string `json:"dateAdded"` // 2021-12-10
	Due        string `json:"dueDate"`   // for US agencies
	Ransomware string `json:"knownRansomwareCampaignUse"`
}

// KEV is that catalogue by CVE.
type KEV map[string]Exploited

// ReadKEV reads the catalogue as CISA publishes it (JSON).
func ReadKEV(raw []byte) (KEV, error) {
	raw = bytes.TrimPrefix(raw, []byte("\uFEFF"))
	if len(raw) > MaxRecordBytes || depth(raw) > maxRecordDepth || bytes.Count(raw, []byte("{")) > maxRecordItems {
		return nil, refuse(nil, "The catalogue of exploited vulnerabilities is larger or nests deeper than it ever was. Nothing of it was used; fetch it again from CISA.")
	}
	var doc struct {
		Vulnerabilities []Exploited `json:"vulnerabilities"`
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, refuse(err, "The catalogue of exploited vulnerabilities is not readable JSON%s. Nothing of it was used; fetch it again from CISA.", where(err))
	}
	all := KEV{}
	for _, e := range doc.Vulnerabilities {
		if e.CVE != "" {
			all[strings.ToUpper(e.CVE)] = e
		}
	}
	if len(all) == 0 {
		return nil, refuse(nil, "The file lists no exploited vulnerability with a cveID, so it is not CISA's catalogue. Nothing of it was used.")
	}
	return all, nil
}

// Of returns the entry of an advisory, by its ID or any alias.
func (k KEV) Of(adv campaign.Advisory) (Exploited, bool) {
	for _, id := range append([]string{adv.ID}, adv.Aliases...) {
		if e, ok := k[strings.ToUpper(id)]; ok {
			return e, true
		}
	}
	return Exploited{}, false
}
