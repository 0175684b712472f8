package inventory

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/musterbot/muster/campaign"
)

// maxColumns bounds the header: each unknown column is told.
const maxColumns = 200

// maxRows bounds the rows of one CSV file, which are grouped in memory.
const maxRows = 500_000

// table reads a CSV file by the names of its columns: their order is free,
// their case and surrounding spaces do not count.
type table struct {
	file   string
	rows   *csv.Reader
	bounds *bounds
	column map[string]int
	record []string
	read   int
}

// openTable reads the header. Unknown columns are ignored with a notice; a
// missing required one refuses the file.
func openTable(in *bufio.Reader, limited *bounds, file string, required, known []string) (*table, []campaign.Refusal, error) {
	if mark, err := in.Peek(len(utf8BOM)); err == nil && string(mark) == utf8BOM {
		_, _ = in.Discard(len(utf8BOM))
	}
	t := &table{file: file, rows: csv.NewReader(in), bounds: limited, column: map[string]int{}}
	t.rows.ReuseRecord, t.rows.FieldsPerRecord, t.rows.TrimLeadingSpace = true, -1, true
	if semicolons(in) {
		t.rows.Comma = ';'
	}
	if err := t.next(); err != nil {
		return nil, nil, fmt.Errorf("read header: %w", err)
	}
	if len(t.record) > maxColumns {
		return nil, nil, problemf("has more than %d columns", maxColumns)
	}
	var remarks []campaign.Refusal
	for i, name := range t.record {
		name = strings.ToLower(strings.TrimSpace(name))
		if !slices.Contains(known, name) {
			if name != "" {
				remarks = append(remarks, campaign.Refusal{File: file, Position: "line 1", Problem: fmt.Sprintf("has a column %.60q that is not known; it was ignored.", name), Notice: true})
			}
			continue
		}
		if _, twice := t.column[name]; twice {
			return nil, nil, problemf("has the column %q twice", name)
		}
		t.column[name] = i
	}
	for _, name := range required {
		if _, ok := t.column[name]; !ok {
			return nil, nil, problemf("has no column %q; the columns are %s, of which %s must be there", name, strings.Join(known, ", "), strings.Join(required, ", "))
		}
	}
	return t, remarks, nil
}

// semicolons returns whether the header is separated by them, as spreadsheets
// do where the comma is the decimal sign.
func semicolons(in *bufio.Reader) bool {
	head, _ := in.Peek(in.Size())
	line, _, _ := bytes.Cut(head, []byte("\n"))
	return bytes.Count(line, []byte(";")) > bytes.Count(line, []byte(","))
}

// next reads one record, io.EOF after the last.
func (t *table) next() error {
	t.bounds.until = t.rows.InputOffset() + maxElement
	record, err := t.rows.Read()
	t.bounds.until = 0
	if err != nil {
		return err
	}
	if t.read++; t.read > maxRows+1 {
		return problemf("has more than %d rows; split it", maxRows)
	}
	t.record = record
	return nil
}

// field returns a column of the current record, blank when it is not there.
func (t *table) field(name string) string {
	i, ok := t.column[name]
	if !ok || i >= len(t.record) {
		return ""
	}
	return strings.Clone(strings.TrimSpace(t.record[i]))
}

func (t *table) position() string {
	line, _ := t.rows.FieldPos(0)
	return fmt.Sprintf("line %d", line)
}

func (t *table) refuse(format string, args ...any) campaign.Refusal {
	return campaign.Refusal{File: t.file, Position: t.position(), Problem: fmt.Sprintf(format, args...)}
}

// each calls visit for every record. A record that is broken is refused by
// itself while the reader can find the next one; what breaks the file as a
// whole is returned. Of many refusals the first are listed.
func (t *table) each(visit func() *campaign.Refusal) (refused []campaign.Refusal, err error) {
	unsaid := 0
	refuse := func(r campaign.Refusal) {
		if len(refused) < maxRemarks {
			refused = append(refused, r)
		} else {
			unsaid++
		}
	}
	for {
		switch err := t.next(); {
		case errors.Is(err, io.EOF):
			if unsaid > 0 {
				refused = append(refused, campaign.Refusal{File: t.file, Problem: fmt.Sprintf("has %d more rows that were left out, which are not listed.", unsaid)})
			}
			return refused, nil
		case errors.Is(err, csv.ErrBareQuote):
			e, _ := errors.AsType[*csv.ParseError](err)
			refuse(campaign.Refusal{
				File: t.file, Position: fmt.Sprintf("line %d", e.Line),
				Problem: "has a quotation mark in the middle of a field. The row was left out; double the mark and quote the whole field.",
			})
			continue
		case err != nil:
			return nil, err
		}
		if slices.ContainsFunc(t.record, func(s string) bool { return !utf8.ValidString(s) }) {
			refuse(t.refuse("is not UTF-8 text. The row was left out; save the file as UTF-8."))
			continue
		}
		if r := visit(); r != nil {
			refuse(*r)
		}
	}
}

// csvRefusal puts an error that ends a CSV file into words for people.
func csvRefusal(file string, err error) campaign.Refusal {
	if e, ok := errors.AsType[*csv.ParseError](err); ok {
		return campaign.Refusal{
			File: file, Position: fmt.Sprintf("line %d", e.Line),
			Problem: "is not valid CSV: a quoted field is not closed. Nothing of the file was used; repair the quotation marks.",
		}
	}
	r := refusal(file, "line 1", err)
	r.Problem = strings.Replace(r.Problem, "run the scan again, or repair the file.", "repair the file, or write it again.", 1)
	return r
}
