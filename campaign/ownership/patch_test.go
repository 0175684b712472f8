package ownership_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/ownership"
)

func TestAPatchIsWhatACatalogHolds(t *testing.T) {
	at := time.Date(2021, 12, 13, 9, 0, 0, 0, time.UTC)
	corrections := []campaign.Correction{
		{Service: "component:default/ledger", From: "group:default/ann", To: "group:default/eve", By: "T1/U1", At: at, Reason: "accepted\n- evil: yes", Campaign: "log4j-rce"},
		{Service: "component:shop/web", Layer: campaign.LayerHost, From: "group:default/ann", To: "group:default/platform", By: "T1/U1", At: at, Campaign: "log4j-rce"},
	}
	var out bytes.Buffer
	require.NoError(t, ownership.WritePatch(&out, corrections))
	require.Equal(t, 1, strings.Count(out.String(), "evil: yes"), "in the comment")
	catalog, remarks, err := ownership.ReadFrom(&out, "owners.yaml")
	require.NoError(t, err)
	for _, r := range remarks {
		require.True(t, r.Notice, "%+v", r)
	}
	require.Equal(t, "group:default/eve", catalog.Services["component:default/ledger"].Owner)
	require.Equal(t, "group:default/platform", catalog.Services["component:shop/web"].OwnerOf(campaign.LayerHost))

	var table bytes.Buffer
	require.NoError(t, ownership.WritePatchTable(&table, corrections))
	require.True(t, strings.HasPrefix(table.String(), "service,owner,layer,was,by,at,campaign,reason\ncomponent:default/ledger,group:default/eve,"))
}
