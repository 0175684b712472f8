package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/musterbot/muster/campaign"
)

// The part of SARIF 2.1.0 that code review shows:
// docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool    sarifTool     `json:"tool"`
		Results []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version,omitempty"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID               string       `json:"id"`
		ShortDescription sarifMessage `json:"shortDescription"`
		HelpURI          string       `json:"helpUri,omitempty"`
	}
	sarifResult struct {
		RuleID              string            `json:"ruleId"`
		Level               string            `json:"level"`
		Message             sarifMessage      `json:"message"`
		Locations           []sarifLocation   `json:"locations"`
		PartialFingerprints map[string]string `json:"partialFingerprints"`
	}
	sarifMessage struct {
		Text string `json:"text"`
	}
	sarifLocation struct {
		Physical sarifPhysical `json:"physicalLocation"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine int `json:"startLine"`
	}
)

const sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

// printSARIF prints the warnings for code review: one rule for each campaign and
// advisory, an error where a component is affected, a warning where it may be.
func printSARIF(w io.Writer, found []located) error {
	run := sarifRun{
		Tool:    sarifTool{Driver: sarifDriver{Name: "muster", Version: version(), Rules: []sarifRule{}}},
		Results: []sarifResult{},
	}
	for _, l := range found {
		rule := l.Campaign + "/" + l.Advisory
		if !slices.ContainsFunc(run.Tool.Driver.Rules, func(r sarifRule) bool { return r.ID == rule }) {
			described := sarifRule{ID: rule, ShortDescription: sarifMessage{Text: "Blocked by the campaign " + l.Title}}
			if isAdvisoryID(l.Advisory) {
				described.HelpURI = "https://osv.dev/vulnerability/" + url.PathEscape(l.Advisory)
			}
			run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, described)
		}
		level := "error"
		if l.Verdict == campaign.Possible {
			level = "warning"
		}
		result := sarifResult{
			RuleID: rule, Level: level, Message: sarifMessage{Text: l.words()},
			Locations: []sarifLocation{{Physical: sarifPhysical{Artifact: sarifArtifact{URI: sarifURI(l.File)}}}},
			// Not the line: a result stays the same when lines above it move.
			PartialFingerprints: map[string]string{
				"muster/v1": fmt.Sprintf("%x", sha256.Sum256([]byte(rule+"\x00"+l.PURL+"\x00"+filepath.ToSlash(l.File))))[:32],
			},
		}
		if l.Line > 0 {
			result.Locations[0].Physical.Region = &sarifRegion{StartLine: l.Line}
		}
		run.Results = append(run.Results, result)
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(sarifLog{Schema: sarifSchema, Version: "2.1.0", Runs: []sarifRun{run}})
}

// isAdvisoryID tells the ID of a record from a name pattern.
func isAdvisoryID(id string) bool { return strings.Contains(id, "-") && !strings.ContainsAny(id, "* ") }

// sarifURI writes a path as code review looks it up: relative to the tree, with
// slashes.
func sarifURI(path string) string {
	return (&url.URL{Path: strings.TrimPrefix(filepath.ToSlash(filepath.Clean(path)), "./")}).EscapedPath()
}
