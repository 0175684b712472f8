package redis

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEveryKeyStandsInThePackageComment(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	k := keys{prefix: DefaultPrefix}
	built := append(k.due("log4j"), k.numbers("log4j"), k.counters("log4j"), k.audit("log4j"),
		k.records("log4j", "KIND"), k.index("log4j", "NAME"), k.tokens("log4j", "PROCESS"),
		k.scopes(), k.channel(), k.limits())
	for _, key := range built {
		key = strings.Replace(key, "muster:{log4j}1", ", …1", 1)
		require.Contains(t, string(doc), key)
	}
}
