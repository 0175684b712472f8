package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime/metrics"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// smallest is the smallest struct into which a CycloneDX document can be
// decoded and still be matched.
type smallest struct {
	Components []struct {
		PURL string `json:"purl"`
	} `json:"components"`
}

// BenchmarkMatchCommand runs the whole command over a folder of generated SBOMs,
// and then decodes the same files with encoding/json into the smallest struct.
// MUSTER_BENCH_MB sets the size of the folder (64).
func BenchmarkMatchCommand(b *testing.B) {
	megabytes := 64
	if text := os.Getenv("MUSTER_BENCH_MB"); text != "" {
		n, err := strconv.Atoi(text)
		require.NoError(b, err)
		megabytes = n
	}
	dir := b.TempDir()
	record := filepath.Join(dir, "record.json")
	require.NoError(b, os.WriteFile(record, []byte(matchRecord), 0o600))
	folder := filepath.Join(dir, "sboms")
	files := generateSBOMs(b, folder, megabytes<<20)
	var command, plain time.Duration
	var peak uint64
	for b.Loop() {
		stop := watchMemory()
		start := time.Now()
		var out, errs bytes.Buffer
		code := run(b.Context(), streams{out: &out, err: &errs}, []string{"match", "--advisory", record, "--inventory", folder, "--format", "json"})
		command += time.Since(start)
		peak = max(peak, stop())
		require.Equal(b, exitAffected, code, errs.String())

		start = time.Now()
		for _, file := range files {
			f, err := os.Open(file)
			require.NoError(b, err)
			var doc smallest
			require.NoError(b, json.NewDecoder(f).Decode(&doc))
			require.NoError(b, f.Close())
		}
		plain += time.Since(start)
	}
	b.ReportMetric(float64(megabytes)*float64(b.N)/command.Seconds(), "MB/s")
	b.ReportMetric(plain.Seconds()/command.Seconds(), "times-encoding/json")
	b.ReportMetric(float64(peak>>20), "peak-MB")
}

// generateSBOMs writes files of about 3 MB, like those of scanners.
func generateSBOMs(b *testing.B, folder string, size int) (files []string) {
	b.Helper()
	require.NoError(b, os.MkdirAll(folder, 0o700))
	for total := 0; total < size; {
		var doc bytes.Buffer
		fmt.Fprintf(&doc, `{"bomFormat":"CycloneDX","specVersion":"1.5","metadata":{"timestamp":"2021-12-10T12:00:00Z","component":{"type":"container","name":"service-%d"}},"components":[`, len(files))
		for i := 0; doc.Len() < 3<<20; i++ {
			if i > 0 {
				doc.WriteByte(',')
			}
			name, version := fmt.Sprintf("library-%d", i), fmt.Sprintf("1.%d.%d", i%17, len(files)%9)
			group := "com.example"
			if i == 500 {
				group, name, version = "org.apache.logging.log4j", "log4j-core", "2.14.1"
			}
			fmt.Fprintf(&doc, `{"bom-ref":"%d","type":"library","group":%q,"name":%q,"version":%q,"description":"A library that does one thing well, and says so in a sentence.",`+
				`"hashes":[{"alg":"SHA-1","content":"da39a3ee5e6b4b0d3255bfef95601890afd80709"}],"licenses":[{"license":{"id":"Apache-2.0"}}],"purl":"pkg:maven/%s/%s@%s?type=jar",`+
				`"properties":[{"name":"syft:package:foundBy","value":"java-archive-cataloger"},{"name":"syft:location:0:path","value":"/app/lib/%s.jar"}]}`, i, group, name, version, group, name, version, name)
		}
		doc.WriteString("]}")
		file := filepath.Join(folder, fmt.Sprintf("service-%d.cdx.json", len(files)))
		require.NoError(b, os.WriteFile(file, doc.Bytes(), 0o600))
		files, total = append(files, file), total+doc.Len()
	}
	return files
}

// watchMemory samples what the process has of the system until the function
// that it returns is called, which gives the most that was seen.
func watchMemory() (stop func() uint64) {
	done, result := make(chan struct{}), make(chan uint64)
	go func() {
		samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
		var most uint64
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			metrics.Read(samples)
			most = max(most, samples[0].Value.Uint64()-samples[1].Value.Uint64())
			select {
			case <-tick.C:
			case <-done:
				result <- most
				return
			}
		}
	}()
	return func() uint64 {
		close(done)
		return <-result
	}
}
