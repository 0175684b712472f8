package advisory

import (
	"slices"
	"strings"
)

// minDistinctive is the shortest artifact name that may match across groups.
const minDistinctive = 5

// genericWords are parts of artifact names that say nothing about whose
// artifact it is. An artifact made of nothing else never matches across groups.
var genericWords = []string{
	"all", "annotations", "api", "app", "base", "bom", "bundle", "cli", "client", "common", "commons", "config",
	"core", "data", "dependencies", "engine", "ext", "extension", "extensions", "framework", "http", "impl",
	"integration", "interface", "io", "java", "jar", "json", "lang", "launcher", "lib", "library", "logging",
	"main", "model", "module", "parent", "parser", "platform", "plugin", "project", "provider", "rest",
	"runtime", "sdk", "server", "service", "services", "shared", "spi", "starter", "support", "test",
	"tests", "tools", "util", "utilities", "utils", "web", "xml",
}

// distinctive returns whether an artifact name alone points at one project, so
// that the same name under another group deserves a person's look: log4j-core
// does, core and client-api do not.
func distinctive(artifact string) bool {
	if len(artifact) < minDistinctive {
		return false
	}
	for word := range strings.FieldsFuncSeq(strings.ToLower(artifact), func(r rune) bool { return r == '-' || r == '_' || r == '.' }) {
		if !slices.Contains(genericWords, word) && strings.Trim(word, "0123456789") != "" {
			return true
		}
	}
	return false
}
