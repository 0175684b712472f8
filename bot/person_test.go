package bot

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAnEventOfAPersonIsReadWhateverElseItHolds(t *testing.T) {
	for name, more := range map[string]string{
		"a fraction":         `"updated":1700000000.5`,
		"text":               `"updated":"yesterday"`,
		"an odd status":      `"profile":{"display_name":"Mei","email":"mei@example.com","status_expiration":"0","start_date":5}`,
		"nothing but an ID":  `"tz":null`,
		"an offset in parts": `"tz_offset":3600.5`,
	} {
		t.Run(name, func(t *testing.T) {
			u, err := readPerson(json.RawMessage(`{"id":"U1","is_restricted":true,"deleted":true,` + more + `}`))
			require.NoError(t, err)
			require.Equal(t, "U1", u.ID)
			require.True(t, u.IsRestricted)
			require.True(t, u.Deleted)
		})
	}
	_, err := readPerson(json.RawMessage(`{"id":"U1","is_restricted":"perhaps"}`))
	require.Error(t, err, "a guest must not become one of us")
}
