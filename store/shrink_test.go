package store_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/store"
)

// Whoever changes a dictionary makes everything unreadable that was stored with it.
func TestDictionaryNeverChanges(t *testing.T) {
	text, err := os.ReadFile("dictionary1.txt")
	require.NoError(t, err)
	sum := sha256.Sum256(text)
	require.Equal(t, "5c0768089d81fc50cbe2f5b6acef9d40c48cc58ad24fab6653fd2cf84c504653", hex.EncodeToString(sum[:]), "add a dictionary with a mark of its own instead")
}

func TestStoredByEarlierVersionIsRead(t *testing.T) {
	for name, value := range map[string]string{
		"a record": "7\n" + `{"v":1,"d":{"id":"25ux7b4gavumf2zm.mitigate","target":"25ux7b4gavumf2zm"}}`,
		"gzip":     "7\n\x1f\x8b and the rest",
		"empty":    "7\n",
	} {
		t.Run(name, func(t *testing.T) {
			version, data, err := store.DecodeRecord([]byte(value))
			require.NoError(t, err)
			require.Equal(t, uint64(7), version)
			require.Equal(t, value[2:], string(data))
		})
	}
	rec, err := store.DecodeAudit(3, []byte(`{"seq":0,"at":"2026-01-01T09:00:00Z","actor":"muster","action":"task.add","subject":"task/x"}`))
	require.NoError(t, err)
	require.Equal(t, campaign.AuditRecord{Seq: 3, At: time.Date(2026, 1, 1, 9, 0, 0, 0, time.UTC), Actor: "muster", Action: "task.add", Subject: "task/x"}, rec)
}

func TestRecordTakesAFractionOfItsText(t *testing.T) {
	task := []byte(`{"v":1,"d":{"id":"25ux7b4gavumf2zm.mitigate","target":"25ux7b4gavumf2zm","track":"mitigate","name":"service-000603","status":"open","owner":"group:default/team-00024","exposed":true,"ticket":"rtbycrfzqy6how2p","contact":"T1/ULEADTEAM00024","due":"2021-12-13T18:00:00Z","updated_at":"2021-12-13T09:10:00Z"}}`)
	require.Less(t, len(store.EncodeRecord(1, task)), len(task)/2)
}

func TestDamagedRecordIsRefused(t *testing.T) {
	for name, value := range map[string]string{
		"a mark of later":    "1\n\x02abc",
		"nothing behind it":  "1\n\x01",
		"a block that lies":  "1\n\x01\xff\xff\xff\xff\x0f",
		"half a block":       "1\n\x01\xf0\x01\x05",
		"far before a start": "1\n\x01\x10\xfe\xff\xff\xff\xff",
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := store.DecodeRecord([]byte(value))
			require.Error(t, err)
		})
	}
}

func FuzzRecordComesBackAsItWas(f *testing.F) {
	f.Add(uint64(1), []byte(`{"v":1,"d":{"id":"25ux7b4gavumf2zm","service":"component:default/service-000603","name":"service-000603","layer":"application"}}`))
	f.Add(uint64(0), []byte("\x01\x02"))
	f.Add(uint64(9), []byte("{"))
	f.Add(uint64(9), bytes.Repeat([]byte("{\x00\xff"), 50))
	f.Fuzz(func(t *testing.T, version uint64, data []byte) {
		value := store.EncodeRecord(version, data)
		got, back, err := store.DecodeRecord(value)
		require.NoError(t, err)
		require.Equal(t, version, got)
		require.True(t, bytes.Equal(data, back))
		_, _, _ = store.DecodeRecord(append([]byte("1\n\x01"), data...)) // does not panic
	})
}
