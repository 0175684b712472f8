// Package manifest reads the files in which a source tree names its
// dependencies, for the check of a build before it is merged: go.mod,
// package-lock.json, pom.xml (its direct dependencies) and requirements.txt.
// What is installed in the end is for campaign/inventory to tell.
//
// The format is told by the file's name, as the tools themselves do. A file
// counts whole or not at all; a line that names something without a version is
// kept without one, so that it is doubtful and not silently fine.
package manifest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"github.com/package-url/packageurl-go"

	"github.com/musterbot/muster/campaign"
)

// Manifest is a file and what it names.
type Manifest struct {
	File         string
	Dependencies []Dependency
}

// Dependency is a component and the line that names it, from 1; 0 when the file
// has no lines to speak of.
type Dependency struct {
	campaign.Component
	Line int
}

// The bounds of a file.
const (
	maxBytes        = 64 << 20
	maxDependencies = 200_000
	maxDepth        = 64
)

// read is how a file of one name is read.
type read func(file string, raw []byte) ([]Dependency, error)

// reader returns how a file is read; nil when its name is not that of a manifest.
func reader(path string) read {
	name := strings.ToLower(filepath.Base(path))
	switch {
	case name == "go.mod":
		return readGoMod
	case name == "package-lock.json" || name == "npm-shrinkwrap.json":
		return readPackageLock
	case name == "pom.xml" || strings.HasSuffix(name, ".pom"):
		return readPOM
	case strings.HasPrefix(name, "requirements") && strings.HasSuffix(name, ".txt"):
		return readRequirements
	}
	return nil
}

// Is returns whether a file's name is that of a manifest.
func Is(path string) bool { return reader(path) != nil }

// skipped are folders that hold other people's manifests, or none.
var skipped = map[string]bool{".git": true, "node_modules": true, "vendor": true, "testdata": true}

// Read yields the manifests under the paths (files and folders), each whole, or
// what was refused of them. Files of other names are passed over in folders and
// refused where they are named themselves.
func Read(ctx context.Context, paths []string) iter.Seq2[Manifest, *campaign.Refusal] {
	return func(yield func(Manifest, *campaign.Refusal) bool) {
		for _, root := range paths {
			err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
				switch {
				case ctx.Err() != nil:
					return context.Cause(ctx)
				case err != nil:
					return tell(yield, path, "cannot be opened: "+errors.Unwrap(err).Error())
				case entry.IsDir() && path != root && skipped[entry.Name()]:
					return fs.SkipDir
				case entry.IsDir() || !Is(path) && path != root:
					return nil
				}
				m, err := readFile(path)
				if err != nil {
					return tell(yield, path, err.Error())
				}
				if !yield(m, nil) {
					return fs.SkipAll
				}
				return nil
			})
			if err != nil {
				return
			}
		}
	}
}

func tell(yield func(Manifest, *campaign.Refusal) bool, file, problem string) error {
	if !yield(Manifest{}, &campaign.Refusal{File: file, Problem: problem + ". Nothing of it was checked."}) {
		return fs.SkipAll
	}
	return nil
}

func readFile(path string) (Manifest, error) {
	parse := reader(path)
	if parse == nil {
		return Manifest{}, errors.New("is not a manifest that can be read: go.mod, package-lock.json, pom.xml or requirements.txt")
	}
	f, err := os.Open(path)
	if err != nil {
		return Manifest{}, fmt.Errorf("cannot be opened: %w", errors.Unwrap(err))
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	switch {
	case err != nil:
		return Manifest{}, fmt.Errorf("cannot be read: %w", err)
	case len(raw) > maxBytes:
		return Manifest{}, fmt.Errorf("is larger than %d MB", maxBytes>>20)
	}
	found, err := parse(path, bytes.TrimPrefix(raw, []byte("\ufeff")))
	if err == nil && len(found) > maxDependencies {
		err = fmt.Errorf("names more than %d dependencies", maxDependencies)
	}
	return Manifest{File: path, Dependencies: found}, err
}

// component writes a dependency as a package URL. A version that is not known is
// left out.
func component(kind, namespace, name, version string) campaign.Component {
	return campaign.Component{PURL: packageurl.NewPackageURL(kind, namespace, name, version, nil, "").ToString()}
}
