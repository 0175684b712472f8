package configs

import (
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"

	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/rawbytes"
	"github.com/knadh/koanf/v2"
)

// maxFile bounds a configuration file, in bytes.
const maxFile = 1 << 20

// Load reads the file at path over the defaults, and the MUSTER_ variables of
// environ (in the form of os.Environ) over both. An empty path reads variables
// only; a variable that is empty counts as not set. The error is Problems when
// the file or a variable is wrong; the Config then holds what could be read, so
// that the caller can report what Validate finds as well.
func Load(path string, environ []string) (Config, error) {
	lookup := lookupIn(environ)
	k := koanf.New(".")
	doc := &document{name: path, lookup: lookup, origins: map[string]string{}}
	if path != "" {
		text, err := read(path)
		if err != nil {
			return Default(), err
		}
		if err := k.Load(rawbytes.Provider(text), doc); err != nil {
			return Default(), err
		}
	}
	if err := k.Load(doc.variables(environ), nil); err != nil {
		return Default(), fmt.Errorf("read variables: %w", err)
	}

	cfg := Default()
	if err := k.UnmarshalWithConf("", &cfg, koanf.UnmarshalConf{Tag: "yaml"}); err != nil {
		return Default(), fmt.Errorf("read configuration: %w", err)
	}
	for i := range cfg.Digests {
		if cfg.Digests[i].TimeZone == "" {
			cfg.Digests[i].TimeZone = cfg.TimeZone
		}
	}
	cfg.origins = doc.origins
	cfg.unread = map[string]bool{}
	for _, p := range doc.problems {
		cfg.unread[p.Path] = true
	}
	return cfg, doc.problems.asError()
}

func read(path string) ([]byte, error) {
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, Problems{{
			Where: path, What: "there is no such file",
			Do: "Name another with --config, or start from configs/muster.example.yaml.",
		}}
	}
	if err != nil {
		return nil, fmt.Errorf("open configuration: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	if len(text) > maxFile {
		return nil, Problems{{Where: path, What: "the file is larger than 1 MiB", Do: "Check that it is the right one."}}
	}
	return text, nil
}

// variables returns a provider of the MUSTER_ variables, and refuses those that
// cannot be read or are probably misspelt. Others are left alone: Kubernetes
// sets MUSTER_SERVICE_HOST and the like by itself.
func (d *document) variables(environ []string) koanf.Provider {
	known := map[string]string{} // variable -> path
	types := leaves(reflect.TypeFor[Config](), "")
	for path := range types {
		known[variable(path)] = path
	}
	names := sortedKeys(known)
	refuse := func(name, path, what, do string) {
		d.problems = append(d.problems, Problem{Where: name, Path: path, What: what, Do: do})
	}
	return env.Provider(".", env.Opt{
		Prefix:      "MUSTER_",
		EnvironFunc: func() []string { return environ },
		TransformFunc: func(name, text string) (string, any) {
			path, ok := known[name]
			if !ok {
				if near := nearVariable(name, names); near != "" {
					refuse(name, "", "there is no such variable", fmt.Sprintf("Did you mean %s?", near))
				}
				return "", nil
			}
			if text == "" {
				return "", nil
			}
			d.origins[path] = name
			if types[path].Kind() == reflect.Slice {
				return path, commaList(text)
			}
			v, expected := value(text, types[path])
			if expected != "" {
				refuse(name, path, "the value cannot be read", "Write "+expected+".")
				return "", nil
			}
			return path, v
		},
	})
}

// nearVariable returns the known variable that name is at most two changes
// away from; less alike ones are somebody else's.
func nearVariable(name string, known []string) string {
	near := Nearest(name, known)
	if near == "" || distance(name, near) > 2 {
		return ""
	}
	return near
}

func commaList(text string) []string {
	var list []string
	for entry := range strings.SplitSeq(text, ",") {
		if entry = strings.TrimSpace(entry); entry != "" {
			list = append(list, entry)
		}
	}
	return list
}

func lookupIn(environ []string) func(string) (string, bool) {
	values := map[string]string{}
	for _, entry := range environ {
		if name, text, ok := strings.Cut(entry, "="); ok {
			values[name] = text
		}
	}
	return func(name string) (string, bool) {
		text, ok := values[name]
		return text, ok
	}
}
