package inventory

import (
	"bytes"
	"strings"

	"github.com/musterbot/muster/campaign"
)

// hostTypes are the package URL types of operating systems' packages.
var hostTypes = []string{"pkg:deb/", "pkg:rpm/", "pkg:apk/", "pkg:alpm/"}

// runtimeTypes are the package URL types under which scanners name a program that
// they recognise by itself, outside of any package manager.
var runtimeTypes = []string{"pkg:generic/", "pkg:bitnami/"}

// runtimes are the names of language runtimes among those programs, as Syft's
// binary and JVM catalogers, Bitnami's images and CycloneDX generators write them.
// A runtime that the operating system packages stays with the host, whose people
// update it; what is linked into a program, as Go's standard library, stays with
// the application, whose people build it.
var runtimes = map[string]bool{
	"java": true, "jre": true, "jdk": true, "openjdk": true, "openjdk-jre": true, "openjdk-jdk": true, "temurin": true,
	"corretto": true, "zulu": true, "graalvm": true, "semeru": true,
	"node": true, "nodejs": true, "node.js": true, "deno": true, "bun": true,
	"python": true, "cpython": true, "pypy": true,
	"ruby": true, "jruby": true, "perl": true, "erlang": true,
	"php": true, "php-cli": true, "php-fpm": true, "libphp": true,
	"dotnet": true, "dotnet-runtime": true, "aspnetcore-runtime": true, "mono": true,
}

// layerOf returns the layer that a package URL tells, "" for the application's.
func layerOf(purl string) campaign.Layer {
	switch {
	case hasAnyPrefix(purl, hostTypes):
		return campaign.LayerHost
	case hasAnyPrefix(purl, runtimeTypes) && runtimes[lastName(purl)]:
		return campaign.LayerRuntime
	}
	return ""
}

func hasAnyPrefix(purl string, prefixes []string) bool {
	for _, prefix := range prefixes {
		if strings.HasPrefix(purl, prefix) {
			return true
		}
	}
	return false
}

// lastName returns the name in a package URL, without namespace and version.
func lastName(purl string) string {
	if end := strings.IndexAny(purl, "@?#"); end >= 0 {
		purl = purl[:end]
	}
	return strings.ToLower(purl[strings.LastIndexByte(purl, '/')+1:])
}

// componentType takes over what CycloneDX says a component is
// (https://cyclonedx.org/docs/1.6/json/#components_items_type).
func (r *record) componentType(kind []byte) {
	switch {
	case bytes.Equal(kind, []byte("platform")):
		r.layer = campaign.LayerRuntime
	case bytes.Equal(kind, []byte("operating-system")):
		r.layer = campaign.LayerHost
	}
}
