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

// binaryEndings are what distributions put behind a source package's name to
// call a part of it.
var binaryEndings = []string{
	"-bin", "-utils", "-tools", "-common", "-data", "-dev", "-devel", "-doc", "-dbg", "-libs", "-static", "-server", "-client", "-java", "-core", "-base",
}

// binaryRoot guesses the source package of a binary one that does not name it:
// libssh2-1 comes of ssh2, xz-utils of xz. When nothing is to be taken off, it is a
// name that no package has.
func binaryRoot(name string) string {
	root := name
	for _, ending := range binaryEndings {
		root = strings.TrimSuffix(root, ending)
	}
	root = strings.TrimSuffix(root, "t64")
	if dash := strings.LastIndexByte(root, '-'); dash > 0 && strings.Trim(root[dash+1:], "0123456789.") == "" {
		root = root[:dash] // libssh2-1: the number behind the dash is the library's
	} else {
		root = strings.TrimRight(root, "0123456789.")
	}
	if short := strings.TrimPrefix(root, "lib"); len(short) > 1 {
		root = short
	}
	if root == name || len(root) < 2 {
		return "\x00" // no record's name
	}
	return root
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
