// Package inventory reads what runs where: CycloneDX and Trivy reports (JSON)
// and host lists (CSV) into campaign.Scan, and the CSV lists of campaigns that
// are not about packages into campaign.Row.
//
// The format is told by the content, never by the name. Documents are streamed:
// what is not needed is skipped unread, and size, nesting and the length of one
// element are bounded before anything is parsed (bounds.go). A JSON document
// counts whole or not at all; of a CSV file the bad rows are refused one by one.
package inventory

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/musterbot/muster/campaign"
)

// Bounds of one inventory file.
const (
	MaxFileBytes  = 1 << 30
	maxComponents = 2_000_000
)

// Reader is the campaign.ScanReader of this package. It has no state and is
// safe for concurrent use.
type Reader struct{}

var _ campaign.ScanReader = Reader{}

// ReadScans walks files and folders, folders in the order of their names, and
// yields every scan that could be read and every refusal or notice. In a folder
// hidden files are passed over, and files that are neither JSON nor CSV get a
// notice; a file that was named itself is read or refused.
func (Reader) ReadScans(ctx context.Context, paths []string) iter.Seq2[campaign.Scan, *campaign.Refusal] {
	return func(yield func(campaign.Scan, *campaign.Refusal) bool) {
		for _, path := range paths {
			if !walk(ctx, path, yield) {
				return
			}
		}
	}
}

type yieldFunc = func(campaign.Scan, *campaign.Refusal) bool

var errStopped = errors.New("stopped by the caller")

func walk(ctx context.Context, root string, yield yieldFunc) bool {
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			if !yield(campaign.Scan{}, &campaign.Refusal{File: path, Problem: "cannot be opened: " + reason(err) + ". It was left out; check the path and its permissions."}) {
				return errStopped
			}
			if entry != nil && entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if path != root && strings.HasPrefix(entry.Name(), ".") {
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if entry.IsDir() {
			return nil
		}
		if path != root && !inventoryName(path) {
			if !yield(campaign.Scan{}, &campaign.Refusal{File: path, Problem: "is neither JSON nor CSV by its name and was passed over.", Notice: true}) {
				return errStopped
			}
			return nil
		}
		if !readFile(path, yield) {
			return errStopped
		}
		return nil
	})
	if err != nil && !errors.Is(err, errStopped) {
		yield(campaign.Scan{}, &campaign.Refusal{File: root, Problem: "reading stopped before the end: " + reason(err) + ". Run it again."})
	}
	return err == nil
}

// unread are extensions of inventory formats that this version cannot read: to
// pass them over quietly would look like "not affected".
var unread = []string{".xml", ".gz", ".zst", ".spdx"}

func inventoryName(path string) bool {
	ext := strings.ToLower(filepath.Ext(path))
	return ext == ".json" || ext == ".csv" || slices.Contains(unread, ext)
}

func reason(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "there is no such file"
	case errors.Is(err, fs.ErrPermission):
		return "permission denied"
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return "it was interrupted"
	}
	return "the disk says " + errorText(err)
}

func errorText(err error) string {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err.Error()
	}
	return err.Error()
}

// readFile yields the scans of one file, or why it was refused.
func readFile(path string, yield yieldFunc) bool {
	f, err := os.Open(path)
	if err != nil {
		return yield(campaign.Scan{}, &campaign.Refusal{File: path, Problem: "cannot be opened: " + reason(err) + ". It was left out; check the path and its permissions."})
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return yield(campaign.Scan{}, &campaign.Refusal{File: path, Problem: "is not a regular file. It was left out."})
	}
	scans, remarks := Read(f, path)
	for _, r := range remarks {
		if !yield(campaign.Scan{}, &r) {
			return false
		}
	}
	for _, s := range scans {
		if !yield(s, nil) {
			return false
		}
	}
	return true
}

// Read reads one inventory from r. The name serves for messages, as the
// scans' File, and as the asset where the document names none.
func Read(r io.Reader, name string) (scans []campaign.Scan, remarks []campaign.Refusal) {
	limited := &bounds{r: r, max: MaxFileBytes}
	in := bufio.NewReaderSize(limited, sniffBytes)
	head, err := in.Peek(sniffBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, []campaign.Refusal{refusal(name, "", err)}
	}
	head = bytes.TrimLeftFunc(bytes.TrimPrefix(head, []byte(utf8BOM)), unicode.IsSpace)
	switch {
	case len(head) == 0:
		return nil, []campaign.Refusal{{File: name, Problem: "is empty. It was left out; run the scan again."}}
	case head[0] == '{' || head[0] == '[':
		limited.json = true
		if err := limited.nesting(); err != nil {
			return nil, []campaign.Refusal{refusal(name, "", err)}
		}
		return readJSON(in, limited, name)
	case head[0] == '<':
		return nil, []campaign.Refusal{{File: name, Problem: "is XML, which this version does not read. It was left out; export CycloneDX as JSON."}}
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		return nil, []campaign.Refusal{{File: name, Problem: "is compressed (gzip), which this version does not read. It was left out; unpack it first."}}
	}
	return readHosts(in, limited, name)
}

const (
	sniffBytes = 64 << 10
	utf8BOM    = "\uFEFF"
)

// problem is why a document cannot be read, in words for people.
type problem struct{ words string }

func (p problem) Error() string { return p.words }

func problemf(format string, args ...any) error { return problem{fmt.Sprintf(format, args...)} }

// stem is the file's name without the extensions that scanners give it.
func stem(path string) string {
	name := filepath.Base(path)
	for _, ext := range []string{".json", ".csv"} {
		name = strings.TrimSuffix(name, ext)
	}
	for _, ext := range []string{".cdx", ".bom", ".sbom", ".trivy"} {
		if short := strings.TrimSuffix(name, ext); short != "" {
			name = short
		}
	}
	return name
}
