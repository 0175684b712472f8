package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// lockedPackage is an entry of npm's package-lock.json, in all three versions of
// its format: docs.npmjs.com/cli/v11/configuring-npm/package-lock-json.
type lockedPackage struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Link    bool   `json:"link"`
}

// readPackageLock reads what npm would install: "packages" of the versions 2 and
// 3, and where there are none, the nested "dependencies" of version 1.
func readPackageLock(_ string, raw []byte) ([]Dependency, error) {
	if err := bounded(raw); err != nil {
		return nil, err
	}
	l := lock{decoder: json.NewDecoder(bytes.NewReader(raw)), raw: raw}
	var packages, dependencies []Dependency
	known := false
	err := l.object(func(key string) (err error) {
		switch key {
		case "lockfileVersion":
			known = true
			return l.decoder.Decode(new(json.Number))
		case "packages":
			packages, err = l.packages()
			return err
		case "dependencies":
			dependencies, err = l.dependencies()
			return err
		}
		return l.decoder.Decode(new(json.RawMessage))
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("cannot be read at line %d: %w", l.line(), err)
	case !known:
		return nil, errors.New("has no lockfileVersion, so it is not npm's package-lock.json")
	case len(packages) > 0:
		return packages, nil
	}
	return dependencies, nil
}

// lock walks a document and knows the line it is at.
type lock struct {
	decoder *json.Decoder
	raw     []byte
	counted int64 // bytes whose line ends are in lines
	lines   int
}

func (l *lock) line() int {
	at := min(l.decoder.InputOffset(), int64(len(l.raw)))
	l.lines += bytes.Count(l.raw[l.counted:at], []byte{'\n'})
	l.counted = at
	return l.lines + 1
}

// object calls visit with each key of the object that comes next.
func (l *lock) object(visit func(key string) error) error {
	t, err := l.decoder.Token()
	if err != nil {
		return broken(err)
	}
	if t != json.Delim('{') {
		return errors.New("something else stands where an object should")
	}
	for l.decoder.More() {
		key, err := l.decoder.Token()
		if err != nil {
			return broken(err)
		}
		name, _ := key.(string)
		if err := visit(name); err != nil {
			return broken(err)
		}
	}
	_, err = l.decoder.Token()
	return broken(err)
}

func broken(err error) error {
	if errors.Is(err, io.EOF) {
		return errors.New("it breaks off")
	}
	return err
}

// packages reads the entries of versions 2 and 3: their keys are folders, the
// root's is "".
func (l *lock) packages() (found []Dependency, err error) {
	err = l.object(func(folder string) error {
		line := l.line()
		var p lockedPackage
		if err := l.decoder.Decode(&p); err != nil {
			return err
		}
		_, name, installed := strings.Cut(folder, "node_modules/")
		for rest, ok := name, true; ok; _, rest, ok = strings.Cut(rest, "node_modules/") {
			name = rest
		}
		if !installed || p.Link {
			return nil // the project itself, or a part of it
		}
		if p.Name != "" {
			name = p.Name // installed under another name
		}
		found = append(found, npm(name, p.Version, line))
		return nil
	})
	return found, err
}

// dependencies reads the entries of version 1, which nest.
func (l *lock) dependencies() (found []Dependency, err error) {
	err = l.object(func(name string) error {
		line, version := l.line(), ""
		var nested []Dependency
		err := l.object(func(key string) (err error) {
			switch key {
			case "version":
				return l.decoder.Decode(&version)
			case "dependencies":
				nested, err = l.dependencies()
				return err
			}
			return l.decoder.Decode(new(json.RawMessage))
		})
		if alias, ok := strings.CutPrefix(version, "npm:"); ok {
			if i := strings.LastIndexByte(alias, '@'); i > 0 {
				name, version = alias[:i], alias[i+1:]
			}
		}
		if strings.ContainsAny(version, ":/") {
			version = "" // a file, a repository
		}
		found = append(append(found, npm(name, version, line)), nested...)
		return err
	})
	return found, err
}

func npm(name, version string, line int) Dependency {
	scope, short := cutLast(name)
	return Dependency{Component: component("npm", scope, short, version), Line: line}
}

// bounded refuses a document that nests too deep before it is decoded.
func bounded(raw []byte) error {
	depth, inString, escaped := 0, false, false
	for _, c := range raw {
		switch {
		case escaped:
			escaped = false
		case inString && c == '\\':
			escaped = true
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return fmt.Errorf("nests deeper than %d levels", maxDepth)
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return nil
}
