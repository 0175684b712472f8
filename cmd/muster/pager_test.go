package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign/paging/pagingtest"
	"github.com/musterbot/muster/configs"
	"github.com/musterbot/muster/configs/secret"
)

// Each kind that the configuration knows pages somewhere, at the address given.
func TestEveryKindOfPagingIsBuilt(t *testing.T) {
	pager, err := newPager(configs.Paging{})
	require.NoError(t, err)
	require.Nil(t, pager, "nobody is paged unless it is set")
	for _, kind := range []string{"pagerduty", "opsgenie", "webhook"} {
		t.Run(kind, func(t *testing.T) {
			called, address := pagingtest.Listen(t)
			c := configs.Default()
			c.Paging = configs.Paging{Kind: kind, URL: secret.NewURL(address), Key: secret.New("0123456789abcdef0123456789abcdef")}
			require.NoError(t, c.Validate())
			pager, err := newPager(c.Paging)
			require.NoError(t, err)
			require.NoError(t, pager.Trigger(t.Context(), pagingtest.Page("k1")))
			require.Positive(t, called())
		})
	}
}
