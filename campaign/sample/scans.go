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
// then. Services that are never scanned are left out.
func (c *Company) Scans(at time.Time) iter.Seq[campaign.Scan] {
	return func(yield func(campaign.Scan) bool) {
		for i, s := range c.services {
			if s.how == never {
				continue
			}
			for _, asset := range c.assets(i) {
				if !yield(c.scan(i, asset, at)) {
					return
				}
			}
		}
	}
}

var sourceNames = map[source]string{byCycloneDX: "cyclonedx", byTrivy: "trivy", byHostList: "csv"}

func (c *Company) scan(i int, asset string, at time.Time) campaign.Scan {
	s := c.services[i]
	scan := campaign.Scan{Asset: asset, Source: sourceNames[s.how], At: at.UTC().Truncate(time.Second), Components: c.components(i, at)}
	if s.how == byHostList {
		scan.Service, scan.Exposure, scan.Environment, scan.Tier = c.name(i), s.exposure, "production", fmt.Sprint(s.tier)
	}
	return scan
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
func (c *Company) components(i int, at time.Time) []campaign.Component {
	rng := c.random(uint64(i) + 1)
	version := c.versionAt(i, at)
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
	switch {
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

// WriteInventory writes a round of scans at a time in the formats of real
// scanners: CycloneDX and Trivy files, one for each service, and one host
// list. The folder is made; files of an earlier round are replaced.
func (c *Company) WriteInventory(dir string, at time.Time) error {
	for _, sub := range []string{"cyclonedx", "trivy"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return fmt.Errorf("make inventory folder: %w", err)
		}
	}
	for i, s := range c.services {
		var document any
		switch s.how {
		case byCycloneDX:
			document = cyclonedxOf(c.scan(i, c.assets(i)[0], at))
		case byTrivy:
			document = trivyOf(c.scan(i, c.assets(i)[0], at))
		default:
			continue
		}
		path := filepath.Join(dir, sourceNames[s.how], c.name(i)+".json")
		if err := writeFile(path, func(w io.Writer) error { return json.NewEncoder(w).Encode(document) }); err != nil {
			return err
		}
	}
	return writeFile(filepath.Join(dir, "hosts.csv"), func(w io.Writer) error { return c.writeHosts(w, at) })
}

func (c *Company) writeHosts(w io.Writer, at time.Time) error {
	rows := csv.NewWriter(w)
	if err := rows.Write([]string{"asset", "service", "purl", "scanned_at", "path", "exposure", "environment", "tier"}); err != nil {
		return err
	}
	for i, s := range c.services {
		if s.how != byHostList {
			continue
		}
		for _, asset := range c.assets(i) {
			scan := c.scan(i, asset, at)
			for _, component := range scan.Components {
				err := rows.Write([]string{
					scan.Asset, scan.Service, component.PURL, scan.At.Format(time.RFC3339), component.Path, string(scan.Exposure), scan.Environment, scan.Tier,
				})
				if err != nil {
					return err
				}
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
	packages := make([]object, 0, len(s.Components))
	for _, c := range s.Components {
		packages = append(packages, object{"Name": filepath.Base(c.Path), "Identifier": object{"PURL": c.PURL}, "FilePath": c.Path})
	}
	return object{
		"SchemaVersion": 2, "CreatedAt": s.At.Format(time.RFC3339), "ArtifactName": s.Asset, "ArtifactType": "container_image",
		"Results": []object{{"Target": "Java", "Class": "lang-pkgs", "Type": "jar", "Packages": packages}},
	}
}
