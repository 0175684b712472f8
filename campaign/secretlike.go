package campaign

import (
	"math"
	"regexp"
	"strings"
)

// secretForms are the shapes of secrets that can be told without knowing where
// they belong. Only the name is ever shown.
var secretForms = []struct {
	name string
	form *regexp.Regexp
}{
	{"a private key", regexp.MustCompile(`-----BEGIN [A-Z0-9 ]*PRIVATE KEY`)},
	{"an AWS access key", regexp.MustCompile(`\b(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}\b`)},
	{"a JSON web token", regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*`)},
	{"a Slack token", regexp.MustCompile(`\bxox[abceoprs]-[0-9A-Za-z-]{10,}|\bxapp-[0-9]-[0-9A-Za-z-]{10,}`)},
	{"a Slack webhook", regexp.MustCompile(`hooks\.slack\.com/(?:services|workflows|triggers)/[0-9A-Za-z/_-]{10,}`)},
	{"a GitHub token", regexp.MustCompile(`\bgh[pousr]_[0-9A-Za-z]{20,}|\bgithub_pat_[0-9A-Za-z_]{20,}`)},
	{"a GitLab token", regexp.MustCompile(`\bgl(?:pat|dt|rt|ptt|cbt|ft|soat|agent)-[0-9A-Za-z_-]{16,}`)},
	{"an npm token", regexp.MustCompile(`\bnpm_[0-9A-Za-z]{30,}`)},
	{"a PyPI token", regexp.MustCompile(`\bpypi-[0-9A-Za-z_-]{30,}`)},
	{"a Stripe key", regexp.MustCompile(`\b[rs]k_(?:live|test)_[0-9A-Za-z]{16,}`)},
	{"a Google key", regexp.MustCompile(`\bAIza[0-9A-Za-z_-]{30,}|\bya29\.[0-9A-Za-z_-]{20,}`)},
	{"an OpenAI or Anthropic key", regexp.MustCompile(`\bsk-[0-9A-Za-z_-]{32,}`)},
	{"a SendGrid key", regexp.MustCompile(`\bSG\.[0-9A-Za-z_-]{16,}\.[0-9A-Za-z_-]{16,}`)},
	{"a HashiCorp Vault token", regexp.MustCompile(`\bhv[sbr]\.[0-9A-Za-z_-]{20,}`)},
	{"a password in a web address", regexp.MustCompile(`://[^\s/:@]+:[^\s/@]{3,}@`)},
	{"a bearer token", regexp.MustCompile(`(?i)\bbearer\s+[0-9A-Za-z._~+/-]{20,}`)},
}

// assignment is a word that announces a secret, and what follows it.
var assignment = regexp.MustCompile(`(?i)(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[-_ ]?key|access[-_ ]?key|credentials?)["']?\s*[:=]\s*["']?([^\s"',;]+)`)

// minAssignedEntropy is, in bits a character, what tells a generated value
// from a word or a path. English words stay below 3; 20 random characters of
// base 64 reach about 4.
const (
	minAssignedEntropy = 3.0
	minAssignedLength  = 8
)

// SecretLike returns what the text seems to give away, in words that do not
// repeat it ("an AWS access key"); false when nothing. It serves wherever
// people could paste a secret by mistake; finding none is no proof.
func SecretLike(text string) (what string, found bool) {
	for _, s := range secretForms {
		if s.form.MatchString(text) {
			return s.name, true
		}
	}
	for _, m := range assignment.FindAllStringSubmatch(text, -1) {
		if len(m[1]) >= minAssignedLength && !placeholder(m[1]) && entropy(m[1]) >= minAssignedEntropy {
			return "a password or token", true
		}
	}
	return "", false
}

// placeholder returns whether a value only stands for a secret: a variable, a
// mask, a reference to where it is kept.
func placeholder(value string) bool {
	return strings.HasPrefix(value, "$") || strings.HasPrefix(value, "<") || strings.HasPrefix(value, "{{") ||
		strings.HasPrefix(value, "vault:") || strings.Contains(value, "***") || strings.Contains(value, "://")
}

// entropy returns Shannon's entropy of the text's bytes, in bits a character.
func entropy(text string) float64 {
	var count [256]int
	for i := range len(text) {
		count[text[i]]++
	}
	bits := 0.0
	for _, n := range count {
		if n > 0 {
			share := float64(n) / float64(len(text))
			bits -= share * math.Log2(share)
		}
	}
	return bits
}
