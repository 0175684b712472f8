package campaign_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

// The samples are put together here, so that no scanner of this repository
// takes them for the real thing.
func TestSecretLike(t *testing.T) {
	noise := strings.Repeat("aB3dE5gH7j", 4)
	tests := map[string]string{
		"private key":     "-----BEGIN RSA " + "PRIVATE KEY-----",
		"AWS":             "key AKIA" + "ABCDEFGHIJKLMNOP in CI",
		"web token":       "eyJ" + "hbGciOiJIUzI1NiJ9.eyJ" + "zdWIiOiIxMjM0In0.sig",
		"Slack bot":       "xoxb-" + "1234567890-abcdef",
		"GitHub":          "ghp_" + noise,
		"GitLab":          "glpat-" + noise[:20],
		"npm":             "npm_" + noise,
		"web address":     "postgres://app:" + "hunter22@db/prod",
		"password":        "password=" + "Xk29vQ!m3Lz8",
		"token in quotes": `token: "` + noise[:24] + `"`,
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			what, found := campaign.SecretLike(text)
			require.True(t, found)
			require.NotEmpty(t, what)
			require.NotContains(t, text, what, "the words must not repeat the value")
		})
	}
}

func TestOrdinaryTextIsNoSecret(t *testing.T) {
	for _, text := range []string{
		"", "rotate the database password of ledger", "token: rotate", "password=changeme", "secret=${DB_PASSWORD}",
		"certificate CN=api.example.com expires 2026-12-01", "https://wiki.example.com/tokens:how-to", "arn:aws:iam::123456789012:user/ci",
		"sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
	} {
		what, found := campaign.SecretLike(text)
		require.False(t, found, "%q seems to be %s", text, what)
	}
}

func FuzzSecretLike(f *testing.F) {
	f.Add("password=Xk29vQ!m3Lz8")
	f.Add("://a:b@")
	f.Fuzz(func(t *testing.T, text string) {
		what, found := campaign.SecretLike(text)
		require.Equal(t, found, what != "")
	})
}
