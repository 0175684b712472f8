package configs_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/configs"
)

func TestNearest(t *testing.T) {
	known := []string{"store", "listen", "roles", "time_zone", "log"}
	tests := map[string]struct{ text, want string }{
		"swapped letters":  {"stoer", "store"},
		"singular":         {"role", "roles"},
		"another spelling": {"timezone", "time_zone"},
		"itself":           {"store", "store"},
		"nothing alike":    {"webhook", ""},
		"too short to say": {"ab", ""},
		"empty":            {"", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tt.want, configs.Nearest(tt.text, known))
		})
	}
}
