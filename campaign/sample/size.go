package sample

import (
	"fmt"
	"strconv"

	"github.com/musterbot/muster/campaign"
)

// Size returns the options of a company by a word: demo (84 services, no
// trouble), small (120), medium (1,000), full (10,000 services of 1,000 teams on
// 100,000 hosts), or by a number of services. All but the demo's have the trouble
// of a real company.
func Size(word string) (Options, error) {
	switch word {
	case "demo":
		return Options{}, nil
	case "small":
		return scaled(120), nil
	case "medium":
		return scaled(1000), nil
	case "full":
		return scaled(10_000), nil
	}
	n, err := strconv.Atoi(word)
	if err != nil || n < minScaled || n > maxScaled {
		return Options{}, campaign.Refuse(campaign.Invalid, fmt.Sprintf("The size %.20q is unknown. Use demo, small, medium, full, or a number of services from %d to %d.", word, minScaled, maxScaled))
	}
	return scaled(n), nil
}

// The bounds of companies by number.
const (
	minScaled = 60
	maxScaled = 100_000
)

// scaled returns a company of so many services, in the proportions of the full one.
func scaled(services int) Options {
	vps := min(8, max(2, services/60))
	directors := max(vps, services*60/10_000)
	trouble := RealTrouble()
	return Options{
		Services: services, VPs: vps, Directors: directors, Teams: max(directors, services/10), Hosts: 10 * services,
		Components: 6, Affected: 0.35, Trouble: &trouble,
	}
}
