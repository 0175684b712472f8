package campaign

import (
	"maps"
	"slices"
	"strings"
)

// AssetIndex tells which service an asset belongs to. It is made once for a
// catalog and not changed; safe for concurrent use.
type AssetIndex struct {
	catalog Catalog
	byAsset map[string][]string // annotation muster/assets, lower case -> refs
	byName  map[string][]string // metadata.name, lower case -> refs
}

// NewAssetIndex prepares a catalog for many look-ups.
func NewAssetIndex(c Catalog) AssetIndex {
	x := AssetIndex{catalog: c, byAsset: map[string][]string{}, byName: map[string][]string{}}
	for _, ref := range slices.Sorted(maps.Keys(c.Services)) {
		s := c.Services[ref]
		x.byName[strings.ToLower(s.Name)] = append(x.byName[strings.ToLower(s.Name)], ref)
		for _, asset := range s.Assets {
			x.byAsset[strings.ToLower(asset)] = append(x.byAsset[strings.ToLower(asset)], ref)
		}
	}
	return x
}

// Service returns the service of a scan: the one that the inventory names, else
// the one whose annotation lists the asset, else the one of that name; an
// image is also known without its registry and tag. False when there is none or
// more than one: that is for triage.
func (x AssetIndex) Service(s Scan) (Service, bool) {
	if s.Service != "" {
		if found, ok := x.catalog.Services[strings.ToLower(s.Service)]; ok {
			return found, true
		}
		return x.only(x.byName[strings.ToLower(s.Service)])
	}
	asset := strings.ToLower(s.Asset)
	for _, name := range []string{asset, imageName(asset)} {
		if refs := x.byAsset[name]; len(refs) > 0 {
			return x.only(refs)
		}
		if refs := x.byName[name]; len(refs) > 0 {
			return x.only(refs)
		}
	}
	return Service{}, false
}

func (x AssetIndex) only(refs []string) (Service, bool) {
	if len(refs) != 1 {
		return Service{}, false
	}
	return x.catalog.Services[refs[0]], true
}

// imageName is the last part of an image's name, without tag and digest:
// ghcr.io/acme/checkout-api:1.2 is checkout-api.
func imageName(asset string) string {
	asset, _, _ = strings.Cut(asset, "@")
	asset = asset[strings.LastIndexByte(asset, '/')+1:]
	name, _, _ := strings.Cut(asset, ":")
	return name
}
