package redis

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/configs/secret"

	"github.com/musterbot/muster/campaign"
)

func TestAddressIsRead(t *testing.T) {
	tests := map[string]Address{
		"redis://localhost":                   {Scheme: "redis", Hosts: []string{"localhost:6379"}, Prefix: DefaultPrefix},
		"redis://u:p%40ss@[::1]:7/3?prefix=a": {Scheme: "redis", Hosts: []string{"[::1]:7"}, DB: 3, Prefix: "a", user: "u", password: secret.New("p@ss")},
		"rediss://:p@h/?ca=/ca.pem&db=2":      {Scheme: "rediss", Hosts: []string{"h:6379"}, DB: 2, Prefix: DefaultPrefix, TLS: true, CA: "/ca.pem", password: secret.New("p")},
		"redis+sentinel://u:p@a:1,b/main?db=4&sentinel_password=s&tls=true": {
			Scheme: "redis+sentinel", Hosts: []string{"a:1", "b:26379"}, Master: "main", DB: 4, Prefix: DefaultPrefix, TLS: true,
			user: "u", password: secret.New("p"), sentinelPassword: secret.New("s"),
		},
		"redis+cluster://a,b:2": {Scheme: "redis+cluster", Hosts: []string{"a:6379", "b:2"}, Prefix: DefaultPrefix},
	}
	for address, want := range tests {
		t.Run(address, func(t *testing.T) {
			got, err := Parse(address)
			require.NoError(t, err)
			require.True(t, fmt.Sprint(want.Hosts) == fmt.Sprint(got.Hosts) && want.password.Reveal() == got.password.Reveal(), "%#v", got)
			require.Equal(t, want, got)
		})
	}
}

func TestWrongAddressIsRefusedWithoutItsPassword(t *testing.T) {
	tests := map[string]string{
		"another scheme":       "http://u:hunter2@h",
		"no host":              "redis://u:hunter2@/0",
		"several hosts":        "redis://u:hunter2@a,b",
		"a bad port":           "redis://u:hunter2@a:99999",
		"a slash in it":        "redis://u:hunter2/x@a",
		"a fragment":           "redis://u:hunter2#@a",
		"an unknown parameter": "redis://u:hunter2@a?hunter2=1",
		"a parameter twice":    "redis://u:hunter2@a?db=1&db=2",
		"no master":            "redis+sentinel://u:hunter2@a",
		"a cluster with a db":  "redis+cluster://u:hunter2@a?db=1",
		"a path of a cluster":  "redis+cluster://u:hunter2@a/1",
		"a bad db":             "redis://u:hunter2@a/hunter2",
		"a prefix with braces": "redis://u:hunter2@a?prefix={x}",
		"a CA without TLS":     "redis://u:hunter2@a?ca=x",
		"TLS taken off":        "rediss://u:hunter2@a?tls=false",
		"bad escapes":          "redis://u:hunter2%zz@a",
	}
	for name, address := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Parse(address)
			require.Equal(t, campaign.Invalid, campaign.KindOf(err), "%v", err)
			require.NotContains(t, err.Error(), "hunter2")
		})
	}
}

func FuzzAddressNeverShowsItsPassword(f *testing.F) {
	f.Add("redis", "h", "db=1")
	f.Add("redis+sentinel", "a,b:1/m", "")
	f.Fuzz(func(t *testing.T, scheme, rest, query string) {
		const password = "q7hunter2q7"
		a, err := Parse(scheme + "://u:" + password + "@" + rest + "?" + query)
		if strings.Contains(scheme+rest+query, password) {
			t.Skip("written twice")
		}
		require.NotContains(t, fmt.Sprintf("%v %+v %#v %s", a, a, a, a), password)
		if err != nil {
			require.Equal(t, campaign.Invalid, campaign.KindOf(err))
			require.NotContains(t, err.Error(), password)
		}
	})
}

func TestAnAddressPrintsNoPassword(t *testing.T) {
	a, err := Parse("redis+sentinel://ann:hunter2@a,b/main?sentinel_password=hunter2")
	require.NoError(t, err)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%q", "%x"} {
		require.NotContains(t, fmt.Sprintf(verb, a), "hunter2", verb)
		require.NotContains(t, fmt.Sprintf(verb, struct{ a Address }{a}), "hunter2", verb)
	}
}
