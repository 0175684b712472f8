package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/advisory"
)

// matchInput is what inventories are compared with.
type matchInput struct {
	criteria   campaign.Criteria
	statements []campaign.Statement
	exploited  map[string]advisory.Exploited // by advisory ID

	judges map[string]campaign.Judge // by inventory document, of those with statements of their own
	common campaign.Judge
}

func (f matchFlags) input(c campaign.Criteria, std streams) (*matchInput, error) {
	in := &matchInput{criteria: c, exploited: map[string]advisory.Exploited{}, judges: map[string]campaign.Judge{}}
	for _, name := range f.vex {
		raw, err := readWhole(name)
		if err != nil {
			return nil, err
		}
		statements, notices, err := advisory.ReadVEX(raw, name)
		if err != nil {
			return nil, saidPlainly(err)
		}
		for _, n := range notices {
			fmt.Fprintln(std.err, describeRefusal(n))
		}
		in.statements = append(in.statements, statements...)
	}
	if err := in.signal(f.kev, std); err != nil {
		return nil, err
	}
	judge, err := in.compile("")
	in.common = judge
	return in, err
}

// signal says which advisories are known to be exploited.
func (in *matchInput) signal(file string, std streams) error {
	if file == "" {
		return nil
	}
	raw, err := readWhole(file)
	if err != nil {
		return err
	}
	kev, err := advisory.ReadKEV(raw)
	if err != nil {
		return saidPlainly(err)
	}
	for _, adv := range in.criteria.Advisories {
		if e, ok := kev.Of(adv); ok {
			in.exploited[adv.ID] = e
			fmt.Fprintln(std.err, cells(fmt.Sprintf("%s (%s) is known to be exploited, says CISA since %s.", adv.ID, e.CVE, e.Added))[0])
		}
	}
	return nil
}

func (in *matchInput) compile(document string) (campaign.Judge, error) {
	c := in.criteria
	c.Statements = advisory.Within(in.statements, document)
	judge, err := advisory.Matcher{}.Compile(c)
	if err != nil {
		return nil, saidPlainly(err)
	}
	return judge, nil
}

// judge returns the judge of a scan: with the statements that are made for its
// document, if there are any.
func (in *matchInput) judge(scan campaign.Scan) (campaign.Judge, error) {
	own := func(s campaign.Statement) bool { return s.Within != "" && strings.EqualFold(s.Within, scan.Document) }
	if scan.Document == "" || !slices.ContainsFunc(in.statements, own) {
		return in.common, nil
	}
	key := strings.ToLower(scan.Document)
	if in.judges[key] == nil {
		judge, err := in.compile(scan.Document)
		if err != nil {
			return nil, err
		}
		in.judges[key] = judge
	}
	return in.judges[key], nil
}

// readWhole reads a file of at most the size of a record, and one byte more, so
// that its reader sees that it is too large.
func readWhole(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, badInput(fmt.Errorf("%s cannot be opened: %w. Nothing was compared; check the path", name, err))
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, advisory.MaxRecordBytes+1))
	if err != nil {
		return nil, badInput(fmt.Errorf("%s cannot be read: %w. Nothing was compared", name, err))
	}
	return raw, nil
}

// advisoryFiles replaces each folder by the records in it.
func advisoryFiles(names []string) ([]string, error) {
	var files []string
	for _, name := range names {
		if info, err := os.Stat(name); err != nil || !info.IsDir() {
			files = append(files, name)
			continue
		}
		before := len(files)
		err := filepath.WalkDir(name, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() && slices.Contains([]string{".json", ".yaml", ".yml"}, strings.ToLower(filepath.Ext(path))) {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			return nil, badInput(fmt.Errorf("the folder %s cannot be read: %w. Nothing was compared", name, err))
		}
		if len(files) == before {
			return nil, badInput(errors.New("the folder " + name + " holds no advisory (.json, .yaml). Nothing was compared"))
		}
	}
	return files, nil
}
