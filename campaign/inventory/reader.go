// Package inventory reads what runs where: CycloneDX (JSON and XML), SPDX, Syft,
// Grype and Trivy (JSON) and host lists (CSV), each also compressed with gzip,
// into campaign.Scan, and the CSV lists of campaigns that are not about packages
// into campaign.Row.
//
// The format is told by the content, never by the name (reader.go). Documents
// are streamed: lexer.go reads JSON without keeping more than a window of it, and
// size, nesting and the length of one element are bounded before they take
// memory (bounds.go). A document that breaks off or is malformed counts not at
// all; in a whole one a bad record is refused by itself, with its position.
package inventory

import (
	"bufio"
	"bytes"
	"compress/gzip"
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
	"time"
	"unicode"

	"github.com/musterbot/muster/campaign"
)

// Reader is the campaign.ScanReader of this package. It has no state and is
// safe for concurrent use.
type Reader struct {
	// ScannedAt is when documents were made that do not tell it, as Syft's do
	// not; zero: not known, and then their scans prove nothing.
	ScannedAt time.Time
}

var _ campaign.ScanReader = Reader{}

// ReadScans walks files and folders, folders in the order of their names, and
// yields every scan that could be read and every refusal or notice. In a folder
// hidden files are passed over, and files that are no inventory by their name
// get a notice; a file that was named itself is read or refused.
func (r Reader) ReadScans(ctx context.Context, paths []string) iter.Seq2[campaign.Scan, *campaign.Refusal] {
	return func(yield func(campaign.Scan, *campaign.Refusal) bool) {
		for _, path := range paths {
			if !r.walk(ctx, path, yield) {
				return
			}
		}
	}
}

type yieldFunc = func(campaign.Scan, *campaign.Refusal) bool

var errStopped = errors.New("stopped by the caller")

func (r Reader) walk(ctx context.Context, root string, yield yieldFunc) bool {
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
			if !yield(campaign.Scan{}, &campaign.Refusal{File: path, Problem: "is no inventory by its name (.json, .xml, .csv, or one of them with .gz) and was passed over.", Notice: true}) {
				return errStopped
			}
			return nil
		}
		if !r.readFile(path, yield) {
			return errStopped
		}
		return nil
	})
	if err != nil && !errors.Is(err, errStopped) {
		yield(campaign.Scan{}, &campaign.Refusal{File: root, Problem: "reading stopped before the end: " + reason(err) + ". Run it again."})
	}
	return err == nil
}

// extensions are those of inventories, also in forms that are refused: to pass
// such over quietly would look like "not affected".
var extensions = []string{".json", ".csv", ".xml", ".gz", ".spdx", ".zst", ".zip", ".bz2", ".xz"}

func inventoryName(path string) bool {
	return slices.Contains(extensions, strings.ToLower(filepath.Ext(path)))
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
func (r Reader) readFile(path string, yield yieldFunc) bool {
	f, err := os.Open(path)
	if err != nil {
		return yield(campaign.Scan{}, &campaign.Refusal{File: path, Problem: "cannot be opened: " + reason(err) + ". It was left out; check the path and its permissions."})
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return yield(campaign.Scan{}, &campaign.Refusal{File: path, Problem: "is not a regular file. It was left out."})
	}
	scans, remarks := r.Read(f, path)
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

// Read is Reader.Read without a time for documents that tell none.
func Read(r io.Reader, name string) (scans []campaign.Scan, remarks []campaign.Refusal) {
	return Reader{}.Read(r, name)
}

// Read reads one inventory from in, which may be compressed. The name serves for
// messages, as the scans' File, and as the asset where the document names none.
func (r Reader) Read(in io.Reader, name string) (scans []campaign.Scan, remarks []campaign.Refusal) {
	packed := bufio.NewReaderSize(in, sniffBytes)
	if head, _ := packed.Peek(2); !bytes.Equal(head, gzipMagic) {
		return r.readPlain(packed, name)
	}
	unpacked, err := gzip.NewReader(packed)
	if err != nil {
		return nil, []campaign.Refusal{refusal(name, "", problemf("begins as gzip and is not"))}
	}
	return r.readPlain(bufio.NewReaderSize(unpacked, sniffBytes), name)
}

func (r Reader) readPlain(raw *bufio.Reader, name string) ([]campaign.Scan, []campaign.Refusal) {
	limited := &bounds{r: raw, max: MaxFileBytes}
	in := bufio.NewReaderSize(limited, sniffBytes)
	head, err := in.Peek(sniffBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, []campaign.Refusal{refusal(name, "", err)}
	}
	if bytes.HasPrefix(head, []byte(utf8BOM)) {
		_, _ = in.Discard(len(utf8BOM))
		head = head[len(utf8BOM):]
	}
	text := bytes.TrimLeftFunc(head, unicode.IsSpace)
	if words := unreadable(text, head); words != "" {
		return nil, []campaign.Refusal{{File: name, Problem: words}}
	}
	switch text[0] {
	case '{', '[':
		return r.readJSON(in, name)
	case '<':
		return r.readXML(in, limited, name)
	}
	return r.readHosts(in, limited, name)
}

// unreadable says what a file is that cannot be an inventory, by how it begins;
// "" when it may be one.
func unreadable(text, head []byte) string {
	begins := func(marks ...string) bool {
		return slices.ContainsFunc(marks, func(mark string) bool { return bytes.HasPrefix(head, []byte(mark)) })
	}
	switch {
	case len(text) == 0:
		return "is empty. It was left out; run the scan again."
	case begins("\xff\xfe", "\xfe\xff", "<\x00", "\x00<", "{\x00", "\x00{"):
		return "is UTF-16 text, which is not read. It was left out; save it as UTF-8."
	case begins(string(gzipMagic)):
		return "is compressed twice. It was left out; unpack it once."
	case begins("PK\x03\x04", "\x28\xb5\x2f\xfd", "BZh", "\xfd7zXZ"):
		return "is an archive (zip, zstd, bzip2 or xz), which is not read. It was left out; unpack it, or compress it with gzip."
	case begins("SPDXVersion:", "spdxVersion:"):
		return "is SPDX in its tag-value or YAML form, which is not read. It was left out; export SPDX 2.3 or CycloneDX as JSON."
	case begins("---", "id:", "schema_version:"):
		return "is YAML, which no inventory is. It was left out; give advisories to --advisory, and export SBOMs as JSON."
	}
	return ""
}

const (
	sniffBytes = 64 << 10
	utf8BOM    = "\uFEFF"
)

var gzipMagic = []byte{0x1f, 0x8b}

// problem is why a document cannot be read, in words for people.
type problem struct{ words string }

func (p problem) Error() string { return p.words }

func problemf(format string, args ...any) error { return problem{fmt.Sprintf(format, args...)} }

// stem is the file's name without the extensions that scanners give it.
func stem(path string) string {
	name := filepath.Base(path)
	for _, ext := range []string{".gz", ".json", ".xml", ".csv"} {
		if short := strings.TrimSuffix(name, ext); short != "" {
			name = short
		}
	}
	for _, ext := range []string{".cdx", ".bom", ".sbom", ".spdx", ".syft", ".grype", ".trivy"} {
		if short := strings.TrimSuffix(name, ext); short != "" {
			name = short
		}
	}
	return name
}
