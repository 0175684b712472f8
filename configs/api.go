package configs

import (
	"fmt"
	"regexp"
)

// API says which programs may speak to Muster. The tokens themselves are not
// kept: `muster token` makes one and prints the entry for this list.
type API struct {
	Tokens []Token `yaml:"tokens"`
}

// Token is a program's right to call.
type Token struct {
	Name   string   `yaml:"name"`   // of the program, for the log
	SHA256 string   `yaml:"sha256"` // of the token, 64 hexadecimal digits
	May    []string `yaml:"may"`    // check, scans
}

// TokenRights are what a token may be good for: check reads what campaigns
// block, scans brings scans in.
var TokenRights = []string{"check", "scans"}

var sha256Hex = regexp.MustCompile(`^[0-9a-f]{64}$`)

func checkAPI(c Config) []Problem {
	var found []Problem
	names := map[string]bool{}
	for i, token := range c.API.Tokens {
		path := fmt.Sprintf("api.tokens[%d]", i)
		var entry []Problem
		if token.Name == "" || names[token.Name] {
			entry = append(entry, Problem{Path: path + ".name", What: "it is empty, or another token has it", Do: "Name the program that uses the token, such as ci."})
		}
		names[token.Name] = true
		if !sha256Hex.MatchString(token.SHA256) {
			entry = append(entry, Problem{
				Path: path + ".sha256", What: "it is not the SHA-256 of a token",
				Do: "Run `muster token`, and copy the line that it prints; the token itself is not written here.",
			})
		}
		if len(token.May) == 0 {
			entry = append(entry, Problem{Path: path + ".may", What: "it is empty", Do: "Write check, scans or both."})
		}
		for _, right := range token.May {
			entry = append(entry, oneOf(path+".may", right, TokenRights...)...)
		}
		for _, p := range entry {
			if c.origins[p.Path] == "" {
				p.Where = c.origins[path]
			}
			found = append(found, p)
		}
	}
	return found
}
