package configs

import (
	"fmt"
	"strings"
)

// Problem is one thing that is wrong with a configuration. It never holds a
// secret value.
type Problem struct {
	Where string // file and line, or the variable; empty when nothing set the key
	Path  string // such as slack.mode or digests[0].schedule
	What  string // what is wrong
	Do    string // what to do about it, as a full sentence
}

// String returns the problem on one line.
func (p Problem) String() string {
	var b strings.Builder
	if p.Where != "" {
		b.WriteString(p.Where + ": ")
	}
	if p.Path != "" {
		b.WriteString(p.Path + ": ")
	}
	b.WriteString(p.What + ".")
	if p.Do != "" {
		b.WriteString(" " + p.Do)
	}
	return b.String()
}

// Problems is everything that is wrong, as one error.
type Problems []Problem

// Error returns one line for each problem.
func (ps Problems) Error() string {
	if len(ps) == 1 {
		return "the configuration has a problem:\n  " + ps[0].String()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "the configuration has %d problems:", len(ps))
	for _, p := range ps {
		b.WriteString("\n  " + p.String())
	}
	return b.String()
}

// asError returns ps as an error, and nil when there is none.
func (ps Problems) asError() error {
	if len(ps) == 0 {
		return nil
	}
	return ps
}
