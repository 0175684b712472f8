package webhook

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whoever follows the documentation can check their own code with its example.
func TestTheDocumentationsExampleIsTrue(t *testing.T) {
	page, err := os.ReadFile("../../../docs/paging.md")
	require.NoError(t, err)
	require.Contains(t, string(page), "Muster-Signature: "+sign("s3cret", "1639386000", []byte(`{"event":"page.resolve"}`)))
}
