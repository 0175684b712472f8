package ownership

import (
	"fmt"
	"io"
	"maps"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/hmarr/codeowners"
)

// ruleFile is a CODEOWNERS file, and the folder of the repository that it stands
// in.
type ruleFile struct {
	file   string
	folder string
	rules  codeowners.Ruleset
}

const maxRuleBytes = 3 << 20 // GitHub ignores larger ones

// isRules returns whether a file is a CODEOWNERS file, by its name as GitHub,
// GitLab and others look for it.
func isRules(file string) bool { return filepath.Base(file) == "CODEOWNERS" }

// hostFolder returns whether a folder is the one in which a host keeps its own
// files of a repository, hidden as it is.
func hostFolder(name string) bool { return name == ".github" || name == ".gitlab" }

// readRuleFile reads a CODEOWNERS file. A broken one leaves the other sources
// standing: it owns nothing by itself.
func (m *merger) readRuleFile(r io.Reader, file string) {
	limited := &io.LimitedReader{R: r, N: maxRuleBytes + 1}
	rules, err := codeowners.ParseFile(limited)
	switch {
	case limited.N <= 0:
		m.refuse(file, "", "is larger than 3 MB, and counts for nothing. Split the repository's rules.")
	case err != nil:
		m.refuse(file, lineInError.FindString(err.Error()), "is not a CODEOWNERS file that can be read, and counts for nothing. Repair it.")
	default:
		folder := path.Dir(filepath.ToSlash(file))
		if hostFolder(path.Base(folder)) || path.Base(folder) == "docs" {
			folder = path.Dir(folder)
		}
		rules = slices.DeleteFunc(rules, fitsNothing)
		m.rules = append(m.rules, ruleFile{file: file, folder: folder, rules: rules})
	}
}

// fitsNothing returns whether a rule is the lone slash, which fits no file, and
// on which the library panics when it is matched.
func fitsNothing(rule codeowners.Rule) bool { return rule.RawPattern() == "/" }

// readRules lets each CODEOWNERS file speak of the services whose source is in
// its repository: the one whose address the file's folder ends in, such as
// export/github.com/acme/shop or acme/shop.
func (m *merger) readRules() {
	places := map[string]place{}
	for ref, s := range m.catalog.Services {
		if p := placeOf(s.Repository); p.repository != "" {
			places[ref] = p
		}
	}
	for _, f := range m.rules {
		repository, err := f.repository(places)
		if err != nil {
			m.refuse(f.file, "", err.Error())
			continue
		}
		for _, ref := range slices.Sorted(maps.Keys(places)) {
			if p := places[ref]; p.repository == repository {
				m.claimByRules(ref, p, f)
			}
		}
	}
}

// claimByRules takes the last rule that fits the service's folder, as the hosts
// do; of its owners the first whom the catalog knows.
func (m *merger) claimByRules(ref string, p place, f ruleFile) {
	rule, err := f.rules.Match(path.Join(p.folder, "any-file"))
	if err != nil || rule == nil {
		return
	}
	for _, owner := range rule.Owners {
		if known, ok := m.named(owner.String()); ok {
			m.claim(ref, SourceCodeowners, known, f.file)
			return
		}
	}
}

// place is where in which repository the source of a service is.
type place struct {
	repository string // github.com/acme/shop, lower case
	folder     string // "" for the whole of it
}

// treePath is how the hosts write a folder on a branch: /tree/main/services/shop.
var treePath = regexp.MustCompile(`^(.*?)(?:/-)?/(?:tree|blob|src)/[^/]+(?:/(.*))?$`)

// placeOf reads a repository's address with or without a folder in it.
func placeOf(address string) place {
	address = strings.TrimSuffix(strings.TrimSpace(address), "/")
	if _, rest, ok := strings.Cut(address, "://"); ok {
		address = rest
	}
	p := place{repository: address}
	if parts := treePath.FindStringSubmatch(address); parts != nil {
		p = place{repository: parts[1], folder: strings.Trim(parts[2], "/")}
	}
	p.repository = strings.ToLower(strings.TrimSuffix(p.repository, ".git"))
	return p
}

// repository returns the repository that a file's folder ends in: the one that
// shares most of its end, if there is one such.
func (f ruleFile) repository(places map[string]place) (string, error) {
	folder := strings.Split(strings.ToLower(f.folder), "/")
	best, shared, tie := "", 0, false
	for _, p := range places {
		parts := strings.Split(p.repository, "/")
		n := 0
		for n < min(len(parts), len(folder)) && parts[len(parts)-1-n] == folder[len(folder)-1-n] {
			n++
		}
		switch {
		case n > shared:
			best, shared, tie = p.repository, n, false
		case n == shared && n > 0 && p.repository != best:
			tie = true
		}
	}
	switch {
	case shared == 0:
		return "", problem("is of a repository that no service in the catalog names, and counts for nothing. Keep it in a folder named like the repository, such as github.com/acme/shop.")
	case tie:
		return "", problem(fmt.Sprintf("could be that of several repositories, such as %s, and counts for nothing. Keep it in a folder with the repository's whole name, such as github.com/acme/shop.", best))
	}
	return best, nil
}
