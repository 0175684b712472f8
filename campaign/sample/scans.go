package sample

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"time"

	"github.com/musterbot/muster/campaign"
)

// Scans yields the scans of a round at a time: what each scanned asset ran
// then. Services that are never scanned are left out, and so is what a company's
// trouble keeps from being seen that day.
func (c *Company) Scans(at time.Time) iter.Seq[campaign.Scan] {
	return func(yield func(campaign.Scan) bool) {
		for i, s := range c.services {
			for n, asset := range c.assets(i) {
				if c.seen(i, n, at) && !yield(c.scan(i, n, asset, at)) {
					return
				}
			}
			if s.ownScan && c.seen(i, 0, at) && !yield(c.ownScan(i, at)) {
				return
			}
		}
	}
}

var sourceNames = map[source]string{byCycloneDX: "cyclonedx", byTrivy: "trivy", byHostList: "csv"}

// scan is what a round sees of a service's n-th asset.
func (c *Company) scan(i, n int, asset string, at time.Time) campaign.Scan {
	s := c.services[i]
	scan := campaign.Scan{Asset: asset, Source: sourceNames[s.how], At: at.UTC().Truncate(time.Second)}
	if !c.blind(i, at) {
		scan.Components = c.components(i, n, at)
	}
	if s.how == byHostList {
		scan.Service, scan.Exposure, scan.Environment, scan.Tier = c.name(i), s.exposure, "production", fmt.Sprint(s.tier)
	}
	if c.opts.Trouble != nil {
		scan.Components = append(scan.Components, c.packages(i, n, at)...)
	}
	return scan
}

// ownScan is what a team sees of a service that Trivy scans as well.
func (c *Company) ownScan(i int, at time.Time) campaign.Scan {
	return campaign.Scan{Asset: c.name(i), Source: "cyclonedx", At: at.UTC().Truncate(time.Second), Components: c.components(i, 0, at)}
}

// packages are the distribution's, on a host or in an image.
func (c *Company) packages(i, n int, at time.Time) []campaign.Component {
	if c.services[i].how == byCycloneDX {
		return nil
	}
	deb := func(purl string) campaign.Component {
		return campaign.Component{PURL: "pkg:deb/debian/" + purl, Layer: campaign.LayerHost}
	}
	out := []campaign.Component{deb("bash@5.1-2?arch=amd64&distro=debian-11"), deb("libssl1.1@1.1.1k-1?arch=amd64&distro=debian-11&upstream=openssl")}
	if version := c.versionAt(i, campaign.LayerHost, n, at); version != "" {
		out = append(out, deb("liblog4j2-java@"+version+"?arch=all&distro=debian-11&upstream=apache-log4j2"))
	}
	return out
}

// filler are libraries that none of the sample's advisories concern.
var filler = []string{
	"org.springframework/spring-web", "com.google.guava/guava", "io.netty/netty-handler", "com.fasterxml.jackson.core/jackson-core",
	"org.slf4j/slf4j-api", "org.apache.commons/commons-lang3", "commons-io/commons-io", "org.hibernate/hibernate-core", "com.zaxxer/HikariCP",
	"org.postgresql/postgresql", "io.micrometer/micrometer-core", "org.yaml/snakeyaml", "com.squareup.okhttp3/okhttp", "joda-time/joda-time",
	"org.apache.kafka/kafka-clients", "io.grpc/grpc-core", "org.eclipse.jetty/jetty-server", "com.h2database/h2", "org.jboss/jboss-common",
}

// components returns what a service runs at a time: libraries that only its
// number decides, log4j-api with or without log4j-core.
func (c *Company) components(i, asset int, at time.Time) []campaign.Component {
	rng := c.random(uint64(i) + 1)
	version := c.versionAt(i, campaign.LayerApplication, asset, at)
	lib := "/opt/" + c.name(i) + "/lib/"
	count := max(1, c.opts.Components/2+rng.IntN(c.opts.Components))
	out := make([]campaign.Component, 0, count+2)
	for n := range count {
		name := filler[n%len(filler)]
		if n >= len(filler) {
			name += fmt.Sprintf("-module%d", n/len(filler))
		}
		out = append(out, maven(name, fmt.Sprintf("%d.%d.%d", 1+rng.IntN(4), rng.IntN(20), rng.IntN(9)), lib))
	}
	switch near := c.services[i].near; {
	case near == nearHarmless:
		out = append(out, maven("com.acme.tools/log4j-core", "2.1.0", lib))
	case near == nearAffected:
		out = append(out, maven("com.acme.repackaged/log4j-core", version, lib))
	case version != "":
		out = append(out, maven("org.apache.logging.log4j/log4j-api", version, lib))
		out = append(out, maven("org.apache.logging.log4j/log4j-core", version, lib))
	case i%3 == 0: // the interface alone: a name that frightens, and nothing more
		out = append(out, maven("org.apache.logging.log4j/log4j-api", "2.14.1", lib))
	}
	return out
}

func maven(name, version, lib string) campaign.Component {
	return campaign.Component{
		PURL: "pkg:maven/" + name + "@" + version + "?type=jar",
		Path: lib + filepath.Base(name) + "-" + version + ".jar",
	}
}

// hostsPerFile bounds a host list, and so what its reader holds.
const hostsPerFile = 1000

// compressFrom is the number of services from which files are compressed.
const compressFrom = 1000

// WriteInventory writes a round of scans at a time in the formats of real
// scanners: CycloneDX and Trivy files, one for each service, host lists, and in
// "teams" what teams scanned themselves. The folder is made; files of the same
// name are replaced. It holds one scan in memory at a time.
func (c *Company) WriteInventory(dir string, at time.Time) error {
	for _, sub := range []string{"cyclonedx", "trivy", "teams", "hosts"} {
		if c.opts.Trouble == nil && sub != "cyclonedx" && sub != "trivy" {
			continue
		}
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return fmt.Errorf("make inventory folder: %w", err)
		}
	}
	ending := ""
	if c.opts.Services >= compressFrom {
		ending = ".gz"
	}
	write := func(sub string, i int, document object) error {
		path := filepath.Join(dir, sub, c.name(i)+".json"+ending)
		return writeFile(path, func(w io.Writer) error { return json.NewEncoder(w).Encode(document) })
	}
	for i, s := range c.services {
		if !c.seen(i, 0, at) {
			continue
		}
		var err error
		switch s.how {
		case byCycloneDX:
			err = write("cyclonedx", i, cyclonedxOf(c.scan(i, 0, c.assets(i)[0], at)))
		case byTrivy:
			err = write("trivy", i, trivyOf(c.scan(i, 0, c.assets(i)[0], at)))
		}
		if err == nil && s.ownScan {
			err = write("teams", i, cyclonedxOf(c.ownScan(i, at)))
		}
		if err != nil {
			return err
		}
	}
	next, stop := iter.Pull(c.hostScans(at))
	defer stop()
	hosts := max(c.opts.Hosts, c.byHost)
	if c.opts.Trouble == nil {
		return writeFile(filepath.Join(dir, "hosts.csv"), func(w io.Writer) error { return writeHosts(w, next, hosts) })
	}
	for file := range (hosts + hostsPerFile - 1) / hostsPerFile {
		path := filepath.Join(dir, "hosts", fmt.Sprintf("%04d.csv%s", file+1, ending))
		if err := writeFile(path, func(w io.Writer) error { return writeHosts(w, next, hostsPerFile) }); err != nil {
			return err
		}
	}
	return nil
}

// hostScans yields the scans of hosts alone.
func (c *Company) hostScans(at time.Time) iter.Seq[campaign.Scan] {
	return func(yield func(campaign.Scan) bool) {
		for i, s := range c.services {
			if s.how != byHostList {
				continue
			}
			for n, asset := range c.assets(i) {
				if c.seen(i, n, at) && !yield(c.scan(i, n, asset, at)) {
					return
				}
			}
		}
	}
}

// writeHosts writes at most so many of the next hosts as a list.
func writeHosts(w io.Writer, next func() (campaign.Scan, bool), most int) error {
	rows := csv.NewWriter(w)
	if err := rows.Write([]string{"asset", "service", "purl", "scanned_at", "path", "exposure", "environment", "tier"}); err != nil {
		return err
	}
	for range most {
		scan, ok := next()
		if !ok {
			break
		}
		for _, component := range scan.Components {
			err := rows.Write([]string{
				scan.Asset, scan.Service, component.PURL, scan.At.Format(time.RFC3339), component.Path, string(scan.Exposure), scan.Environment, scan.Tier,
			})
			if err != nil {
				return err
			}
		}
	}
	rows.Flush()
	return rows.Error()
}

type object = map[string]any

func cyclonedxOf(s campaign.Scan) object {
	components := make([]object, 0, len(s.Components))
	for _, c := range s.Components {
		components = append(components, object{
			"type": "library", "purl": c.PURL, "name": filepath.Base(c.Path),
			"evidence": object{"occurrences": []object{{"location": c.Path}}},
		})
	}
	return object{
		"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
		"metadata": object{
			"timestamp": s.At.Format(time.RFC3339),
			"component": object{"type": "application", "name": s.Asset},
		},
		"components": components,
	}
}

func trivyOf(s campaign.Scan) object {
	packages, system := make([]object, 0, len(s.Components)), []object{}
	for _, c := range s.Components {
		if c.Layer == campaign.LayerHost {
			system = append(system, object{"Identifier": object{"PURL": c.PURL}})
			continue
		}
		packages = append(packages, object{"Name": filepath.Base(c.Path), "Identifier": object{"PURL": c.PURL}, "FilePath": c.Path})
	}
	results := []object{{"Target": "Java", "Class": "lang-pkgs", "Type": "jar", "Packages": packages}}
	if len(system) > 0 {
		results = append(results, object{"Target": s.Asset + " (debian 11.2)", "Class": "os-pkgs", "Type": "debian", "Packages": system})
	}
	return object{
		"SchemaVersion": 2, "CreatedAt": s.At.Format(time.RFC3339), "ArtifactName": s.Asset, "ArtifactType": "container_image",
		"Results": results,
	}
}
