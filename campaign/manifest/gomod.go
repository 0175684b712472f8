package manifest

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/modfile"
)

// readGoMod reads the modules that a build uses: what is required, as it is
// replaced. A module that is replaced by a folder has no version to compare. The
// toolchain, or else the go line, is the standard library's version.
func readGoMod(file string, raw []byte) ([]Dependency, error) {
	parsed, err := modfile.Parse(file, raw, nil)
	if err != nil {
		var problems modfile.ErrorList
		if errors.As(err, &problems) && len(problems) > 0 {
			return nil, fmt.Errorf("is no go.mod: line %d: %w", problems[0].Pos.Line, problems[0].Err)
		}
		return nil, errors.New("is no go.mod")
	}
	var found []Dependency
	if parsed.Go != nil {
		version, line := parsed.Go.Version, parsed.Go.Syntax.Start.Line
		if parsed.Toolchain != nil {
			version, line = strings.TrimPrefix(parsed.Toolchain.Name, "go"), parsed.Toolchain.Syntax.Start.Line
		}
		found = append(found, Dependency{Component: component("golang", "", "stdlib", version), Line: line})
	}
	for _, require := range parsed.Require {
		path, version, line := require.Mod.Path, require.Mod.Version, require.Syntax.Start.Line
		for _, r := range parsed.Replace {
			if r.Old.Path == path && (r.Old.Version == "" || r.Old.Version == version) {
				path, version, line = r.New.Path, r.New.Version, r.Syntax.Start.Line
			}
		}
		if modfile.IsDirectoryPath(path) {
			continue
		}
		namespace, name := cutLast(path)
		found = append(found, Dependency{Component: component("golang", namespace, name, version), Line: line})
	}
	return found, nil
}

// cutLast splits a name at its last slash.
func cutLast(path string) (namespace, name string) {
	i := strings.LastIndexByte(path, '/')
	return path[:max(i, 0)], path[i+1:]
}
