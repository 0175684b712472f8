package main

import (
	"context"
	"os"
	"sync"
	"time"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/advisory"
)

var _ campaign.Exploits = (*kevFile)(nil)

// kevFile is CISA's catalogue of exploited vulnerabilities in a file that somebody
// else keeps fresh. It is read anew when its time of change is another.
type kevFile struct {
	path string

	mu      sync.Mutex
	changed time.Time
	kev     advisory.KEV
}

// Exploited implements campaign.Exploits.
func (f *kevFile) Exploited(_ context.Context, a campaign.Advisory) (campaign.KnownExploit, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	info, err := os.Stat(f.path)
	if err != nil {
		return campaign.KnownExploit{}, false, err
	}
	if !info.ModTime().Equal(f.changed) {
		raw, err := readWhole(f.path)
		if err != nil {
			return campaign.KnownExploit{}, false, err
		}
		kev, err := advisory.ReadKEV(raw)
		if err != nil {
			return campaign.KnownExploit{}, false, err
		}
		f.kev, f.changed = kev, info.ModTime()
	}
	e, found := f.kev.Of(a)
	return campaign.KnownExploit{By: "CISA", Name: e.CVE, Since: e.Added, Due: e.Due}, found, nil
}
