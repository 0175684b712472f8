package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Each library that is required directly has its reason written down, and no
// reason outlives its library.
func TestEveryDependencyIsExplained(t *testing.T) {
	edit := exec.CommandContext(t.Context(), "go", "mod", "edit", "-json")
	edit.Dir = "../.."
	out, err := edit.Output()
	require.NoError(t, err)
	var mod struct {
		Require []struct {
			Path     string
			Indirect bool
		}
	}
	require.NoError(t, json.Unmarshal(out, &mod))
	page, err := os.ReadFile("../../docs/dependencies.md")
	require.NoError(t, err)

	var direct []string
	for _, r := range mod.Require {
		if !r.Indirect {
			direct = append(direct, r.Path)
		}
	}
	require.ElementsMatch(t, direct, explained(string(page)))
}

// explained returns the module of each row of the page's tables.
func explained(page string) []string {
	var modules []string
	for line := range strings.SplitSeq(page, "\n") {
		cells := strings.Split(line, "|")
		if len(cells) < 3 {
			continue
		}
		module := strings.TrimSpace(cells[1])
		if strings.Contains(module, ".") {
			modules = append(modules, module)
		}
	}
	return modules
}
