package campaign

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"
	"unicode"
)

// opaqueID returns the 16-character ID of a target or effect: base32 of SHA-256
// over the campaign and the reference as first seen. Those of targets and tickets
// are stored, never recomputed, and the keys to the outside, so that a name never
// leaks by them.
func opaqueID(campaignID string, ref ...string) string {
	sum := sha256.Sum256([]byte(campaignID + "\x00" + strings.Join(ref, "\x00")))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:10]))
}

// nearBy is how much of an ID it shares with those that it is to stand beside.
const nearBy = 4

// opaqueNear is opaqueID for something that is written together with what has the
// ID near: it begins alike, so that a store, which keeps records in the order of
// their IDs, has both in one place.
func opaqueNear(near, campaignID string, ref ...string) string {
	return near[:min(nearBy, len(near))] + opaqueID(campaignID, ref...)[nearBy:]
}

// maxSlug leaves room for "help-" and a number in Slack's 80 characters.
const maxSlug = 40

// Slug turns a title into a campaign ID: lower case, digits and hyphens, at
// most 40 characters. It returns "campaign" when nothing is left.
func Slug(title string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(title) {
		switch {
		case r < unicode.MaxASCII && (unicode.IsLower(r) || unicode.IsDigit(r)):
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
		if b.Len() >= maxSlug {
			break
		}
	}
	if s := strings.Trim(b.String(), "-"); s != "" {
		return s
	}
	return "campaign"
}
