package inventory

import (
	"encoding/json"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// FuzzLexer compares what is taken for JSON, and its texts, with the standard
// library, whatever the pieces are in which the input arrives.
func FuzzLexer(f *testing.F) {
	for _, text := range []string{
		`{"a":[1,-2.5e+3,null,true,false,{}],"b":"\u00e9\n\\"}`, `"a","\ud83d\ude00"`, `"a\nb"`, `[1,]`, `[01]`, `"a` + "\x01" + `"`, ` [ ] `, `[-]`, `{"a" 1}`, `{"a":1}}`,
		"\"\xff\"", `tru`, `[1e]`, `"\x"`, `0`, `""`, `{,}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Count(text, "[")+strings.Count(text, "{") >= maxDepth || len(text) > maxText {
			return
		}
		text = "[" + text + "]" // documents are never a bare number, which would end with its input
		for name, in := range map[string]io.Reader{"at once": strings.NewReader(text), "byte by byte": iotest.OneByteReader(strings.NewReader(text))} {
			l := newLexer(in)
			l.skip()
			l.close()
			require.Equal(t, json.Valid([]byte(text)), l.err == nil, "%s: %q: %v", name, text, l.err)
		}
		var want []string
		if json.Unmarshal([]byte(text), &want) != nil || strings.Contains(strings.ToLower(text), `\ud`) {
			return
		}
		l := newLexer(iotest.OneByteReader(strings.NewReader(text)))
		if l.begin('[') {
			for i := 0; l.element(); i++ {
				require.Equal(t, want[i], string(l.str(nil)))
			}
		}
		l.close()
		require.NoError(t, l.err)
	})
}
