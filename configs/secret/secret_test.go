package secret_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/musterbot/muster/configs/secret"
)

const hidden = "hunter2"

// holder has secrets in every place a struct can have them.
type holder struct {
	Token   secret.Secret
	Store   secret.URL
	Pointer *secret.Secret
	List    []secret.Secret
	Map     map[string]secret.Secret
	Any     any
	inner   secret.Secret
	address secret.URL
}

func newHolder() holder {
	s := secret.New(hidden)
	u := secret.NewURL("redis://app:" + hidden + "@cache:6379/0?password=" + hidden)
	return holder{
		Token: s, Store: u, Pointer: &s, List: []secret.Secret{s},
		Map: map[string]secret.Secret{"k": s}, Any: s, inner: s, address: u,
	}
}

func TestNoVerbPrintsASecret(t *testing.T) {
	h := newHolder()
	values := map[string]any{
		"secret": h.Token, "pointer": h.Pointer, "url": h.Store, "struct": h, "struct pointer": &h,
		"unexported": []any{h.inner, h.address},
	}
	for name, value := range values {
		for _, verb := range "vTtbcdoOqxXUeEfFgGspw" {
			for _, flags := range []string{"", "+", "#", "-20", "020", "+#"} {
				format := "%" + flags + string(verb)
				out := fmt.Sprintf(format, value)
				require.NotContains(t, out, hidden, "%s of %s", format, name)
				require.NotContains(t, out, fmt.Sprintf("%x", hidden), "%s of %s", format, name)
			}
		}
		require.NotContains(t, fmt.Sprint(value)+fmt.Sprintln(value), hidden, name)
	}
}

func TestNoEncoderPrintsASecret(t *testing.T) {
	h := newHolder()
	encoders := map[string]func(any) ([]byte, error){
		"json": json.Marshal,
		"yaml": yaml.Marshal,
	}
	for name, encode := range encoders {
		t.Run(name, func(t *testing.T) {
			out, err := encode(h)
			require.NoError(t, err)
			require.Contains(t, string(out), "[redacted]")
			require.Contains(t, string(out), "redis://cache:6379/0")
			require.NotContains(t, string(out), hidden)
		})
	}
}

func TestNoLogLinePrintsASecret(t *testing.T) {
	formatters := map[string]logrus.Formatter{
		"text": &logrus.TextFormatter{},
		"json": &logrus.JSONFormatter{},
	}
	for name, formatter := range formatters {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			log := logrus.New()
			log.SetOutput(&out)
			log.SetFormatter(formatter)
			h := newHolder()
			log.WithFields(logrus.Fields{"token": h.Token, "store": h.Store, "config": h}).
				WithError(fmt.Errorf("open store: %w", fmt.Errorf("dial %v with %s", h.Store, h.Token))).
				Infof("started with %v", h)
			require.Contains(t, out.String(), "redacted")
			require.NotContains(t, out.String(), hidden)
		})
	}
}

func TestNoErrorPrintsASecret(t *testing.T) {
	h := newHolder()
	err := errors.Join(fmt.Errorf("post as %v", h.Token), fmt.Errorf("open %q: %+v", h.Store, h))
	require.NotContains(t, err.Error(), hidden)
	require.NotContains(t, fmt.Sprintf("%+v %#v", err, err), hidden)
}

func TestRevealGivesTheValue(t *testing.T) {
	require.Equal(t, hidden, secret.New(hidden).Reveal())
	require.Equal(t, "bolt://./muster.db", secret.NewURL("bolt://./muster.db").Reveal())
	require.True(t, secret.Secret{}.IsZero())
	require.True(t, secret.New("").IsZero())
	require.True(t, secret.URL{}.IsZero())

	var s secret.Secret
	require.NoError(t, s.UnmarshalText([]byte(hidden)))
	require.Equal(t, hidden, s.Reveal())
	require.False(t, s.IsZero())
}

func TestURLShowsWhatIsNoSecret(t *testing.T) {
	tests := map[string]struct{ address, want string }{
		"file":                {"bolt://./muster.db", "bolt://./muster.db"},
		"absolute file":       {"bolt:///var/lib/muster.db", "bolt:///var/lib/muster.db"},
		"password":            {"rediss://app:hunter2@cache:6380/1", "rediss://cache:6380/1"},
		"password in a query": {"redis://cache?password=hunter2", "redis://cache"},
		"unparsable":          {"redis://app:hun ter2@cache", "[redacted]"},
		"not an address":      {"hunter2:secret", "[redacted]"},
		"a password alone":    {"hunter2", "[redacted]"},
		"nothing":             {"", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tt.want, secret.NewURL(tt.address).String())
		})
	}
}
