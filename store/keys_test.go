package store_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/store"
)

func FuzzKeysSortAsTheirParts(f *testing.F) {
	f.Add("a", "b", "a\x00", "b")
	f.Add("a", "z", "a\x00", "")
	f.Add("\x00\x01", "", "\x00", "\xff")
	f.Fuzz(func(t *testing.T, a1, a2, b1, b2 string) {
		a, b := store.Key(a1, a2), store.Key(b1, b2)
		require.Equal(t, slices.Compare([]string{a1, a2}, []string{b1, b2}), bytes.Compare(a, b))
		part, rest, err := store.CutPart(a)
		require.NoError(t, err)
		require.Equal(t, a1, part)
		require.Equal(t, store.Key(a2), rest)
		hit, err := store.ParseIndexRow(store.IndexRow(campaign.IndexHit{Key: b1, ID: b2}))
		require.NoError(t, err)
		require.Equal(t, campaign.IndexHit{Key: b1, ID: b2}, hit)
	})
}

func TestKeyWithoutAnEndIsRefused(t *testing.T) {
	for name, key := range map[string]string{"empty": "", "no end": "a", "half an end": "a\x00", "not an end": "a\x00\x02"} {
		t.Run(name, func(t *testing.T) {
			_, _, err := store.CutPart([]byte(key))
			require.Error(t, err)
		})
	}
}

func TestAfterPassesAllWithThePrefix(t *testing.T) {
	tests := map[string]struct{ key, want []byte }{
		"plain":       {[]byte("ab"), []byte("ac")},
		"a last byte": {[]byte("a\xff"), []byte("b")},
		"the last":    {[]byte("\xff\xff"), nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { require.Equal(t, tt.want, store.After(tt.key)) })
	}
}

func TestRecordThatIsNoneIsRefused(t *testing.T) {
	version, data, err := store.DecodeRecord(store.EncodeRecord(12, []byte("a\nb")))
	require.NoError(t, err)
	require.Equal(t, uint64(12), version)
	require.Equal(t, "a\nb", string(data))
	for _, value := range []string{"", "12", "x\n", "-1\n"} {
		_, _, err := store.DecodeRecord([]byte(value))
		require.Error(t, err)
	}
}
