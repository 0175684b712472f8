package command

import (
	"context"
	"slices"
	"strings"

	"github.com/musterbot/muster/campaign"
)

// override reads "PACKAGE fixed VERSION… reason": the last word is the reason.
func (c commands) override(ctx context.Context, call Call) (campaign.Message, error) {
	if len(call.Words) < 4 || !strings.EqualFold(call.Words[1], "fixed") {
		return campaign.Message{}, campaign.Refuse(campaign.Invalid, "An override names a package, the versions that are fixed and a reason in quotes, for example `/campaign override pkg:deb/debian/log4j fixed 2.14.1-2+deb11u1 \"our backport\"`. Nothing was changed.")
	}
	last := len(call.Words) - 1
	return c.Engine.Override(ctx, call.Request, call.Campaign.ID, campaign.Override{
		Kind: campaign.OverrideFixed, Package: call.Words[0], Versions: slices.Clone(call.Words[2:last]), Reason: call.Words[last],
	})
}

// alias reads "PACKAGE = PACKAGE reason"; the sign may be left out.
func (c commands) alias(ctx context.Context, call Call) (campaign.Message, error) {
	words := slices.DeleteFunc(slices.Clone(call.Words), func(w string) bool { return w == "=" })
	if len(words) < 3 {
		return campaign.Message{}, campaign.Refuse(campaign.Invalid, "An alias names the package here, the package of the record, and a reason, for example `/campaign alias pkg:maven/com.acme/log4j-core = pkg:maven/org.apache.logging.log4j/log4j-core \"our rebuild\"`. Nothing was changed.")
	}
	return c.Engine.Override(ctx, call.Request, call.Campaign.ID, campaign.Override{
		Kind: campaign.OverrideAlias, Package: words[0], As: words[1], Reason: strings.Join(words[2:], " "),
	})
}
