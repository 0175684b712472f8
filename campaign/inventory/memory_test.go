package inventory

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const hostileBytes = 10 << 20

// fillUp repeats numbered pieces up to 10 MB.
func fillUp(begin, piece, end string) []byte {
	var b bytes.Buffer
	b.WriteString(begin)
	for i := 0; b.Len() < hostileBytes-len(end)-len(piece)-20; i++ {
		b.WriteString(strings.ReplaceAll(piece, "#", strconv.FormatInt(int64(i), 36)))
	}
	b.WriteString(end)
	return b.Bytes()
}

// hostile are inputs of 10 MB, each the worst for one part of a reader.
var hostile = map[string]func() []byte{
	"the smallest components": func() []byte {
		return fillUp(`{"bomFormat":"CycloneDX","components":[`, `{"name":"#"},`, `{}]}`)
	},
	"components with package URLs": func() []byte {
		return fillUp(`{"bomFormat":"CycloneDX","components":[`, `{"purl":"pkg:a/#"},`, `{}]}`)
	},
	"bad components": func() []byte { return fillUp(`{"bomFormat":"CycloneDX","components":[`, `{"name":#},`, `{}]}`) },
	"one endless text": func() []byte {
		return fillUp(`{"bomFormat":"CycloneDX","serialNumber":"`, `xxxxxxxxxxxxxxxxxxxxxxx`, `"}`)
	},
	"many references": func() []byte {
		return fillUp(`{"spdxVersion":"SPDX-2.3","packages":[{"externalRefs":[`, `{"referenceType":"purl","referenceLocator":"pkg:a/#"},`, `{}]}]}`)
	},
	"trivy packages": func() []byte {
		return fillUp(`{"ArtifactName":"a","Results":[{"Packages":[`, `{"Name":"#"},`, `{}]}]}`)
	},
	"many results": func() []byte {
		return fillUp(`{"ArtifactName":"a","Results":[`, `{"Packages":[{"Name":"#"}]},`, `{}]}`)
	},
	"brackets":          func() []byte { return fillUp(`{"x":`, `[[[[[[[[[[[[[[[[[`, ``) },
	"assets of a CSV":   func() []byte { return fillUp("asset,purl\n", "#,\n", "") },
	"rows of an asset":  func() []byte { return fillUp("asset,purl\n", "a,pkg:a/#\n", "") },
	"bad rows":          func() []byte { return fillUp("asset,purl\n", ",#\n", "") },
	"one row of commas": func() []byte { return fillUp("asset,purl\n", ",,,,,,,,,,,,,,,,,,", "") },
	"columns":           func() []byte { return fillUp("asset,purl", ",#", "\n") },
	"XML components": func() []byte {
		return fillUp(`<bom xmlns="http://cyclonedx.org/schema/bom/1.4"><components>`, `<component><name>#</name></component>`, `</components></bom>`)
	},
	"XML attributes": func() []byte {
		return fillUp(`<bom xmlns="http://cyclonedx.org/schema/bom/1.4"><components `, `a#="" `, `/></bom>`)
	},
	"XML namespaces": func() []byte {
		return fillUp(`<bom xmlns="http://cyclonedx.org/schema/bom/1.4"><a `, `xmlns:a#="b" `, `/></bom>`)
	},
	"XML text": func() []byte {
		return fillUp(`<bom xmlns="http://cyclonedx.org/schema/bom/1.4">`, `xxxxxxxxxxxxxxxxxxxx`, `</bom>`)
	},
}

// TestMemoryOfHostileInput reads each in a process of its own, whose memory
// shows the most that it ever had.
func TestMemoryOfHostileInput(t *testing.T) {
	if name := os.Getenv("MUSTER_HOSTILE"); name != "" {
		input := hostile[name]()
		_, remarks := Read(bytes.NewReader(input), "hostile")
		var after runtime.MemStats
		runtime.ReadMemStats(&after)
		fmt.Printf("peak %d remarks %d\n", after.Sys-uint64(len(input)), len(remarks))
		return
	}
	if testing.Short() {
		t.Skip("starts a process for each input")
	}
	for name := range hostile {
		t.Run(name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMemoryOfHostileInput$")
			cmd.Env = append(os.Environ(), "MUSTER_HOSTILE="+name)
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, string(out))
			var peak, remarks int
			_, err = fmt.Sscanf(string(out), "peak %d remarks %d", &peak, &remarks)
			require.NoError(t, err, string(out))
			require.Less(t, peak, 256<<20, "%d MB", peak>>20)
			require.LessOrEqual(t, remarks, 2*maxColumns)
			t.Logf("%d MB", peak>>20)
		})
	}
}
