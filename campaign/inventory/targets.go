package inventory

import (
	"bufio"
	"io"
	"os"

	"github.com/musterbot/muster/campaign"
)

// The columns of a target list, for campaigns that are not about packages.
var (
	targetColumns  = []string{"target", "kind", "owner", "detail", "exposure"}
	targetRequired = []string{"target"}
)

// ReadTargetFile opens and reads a target list.
func ReadTargetFile(path string) ([]campaign.Row, []campaign.Refusal) {
	f, err := os.Open(path)
	if err != nil {
		return nil, []campaign.Refusal{{File: path, Problem: "cannot be opened: " + reason(err) + ". It was left out; check the path and its permissions."}}
	}
	defer f.Close()
	return ReadTargets(f, path)
}

// ReadTargets reads a CSV list of targets. Rows are refused one by one: one
// without a target, one that repeats a target of the same kind, and one that
// seems to hold a secret, whose value is not repeated. A missing column refuses
// the file.
func ReadTargets(r io.Reader, file string) ([]campaign.Row, []campaign.Refusal) {
	limited := &bounds{r: r, max: MaxFileBytes}
	t, remarks, err := openTable(bufio.NewReaderSize(limited, sniffBytes), limited, file, targetRequired, targetColumns)
	if err != nil {
		return nil, []campaign.Refusal{csvRefusal(file, err)}
	}
	var rows []campaign.Row
	seen := map[[2]string]bool{}
	refused, err := t.each(func() *campaign.Refusal {
		row, r := t.target()
		if r != nil {
			return r
		}
		if key := [2]string{row.Kind, row.Target}; seen[key] {
			r := t.refuse("repeats a target of a row before. The row was left out.")
			return &r
		} else {
			seen[key] = true
		}
		rows = append(rows, row)
		return nil
	})
	if err != nil {
		return nil, []campaign.Refusal{csvRefusal(file, err)}
	}
	return rows, append(remarks, refused...)
}

func (t *table) target() (campaign.Row, *campaign.Refusal) {
	// Every field is looked at, the unknown columns too: the row is on its way
	// into messages and logs.
	for _, field := range t.record {
		if what, found := campaign.SecretLike(field); found {
			r := t.refuse("seems to hold %s. The row was left out and its value is not kept; name where the secret is, never the secret, and rotate it if the file was shared.", what)
			return campaign.Row{}, &r
		}
	}
	exposure, ok := campaign.ParseExposure(t.field("exposure"))
	if !ok {
		r := t.refuse("has an unknown exposure. The row was left out; use exposed, internal, isolated, or leave it blank.")
		return campaign.Row{}, &r
	}
	row := campaign.Row{Target: t.field("target"), Kind: t.field("kind"), Owner: t.field("owner"), Detail: t.field("detail"), Exposure: exposure}
	if row.Target == "" {
		r := t.refuse("names no target. The row was left out.")
		return campaign.Row{}, &r
	}
	return row, nil
}
