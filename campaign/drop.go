package campaign

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

// Files fetches what people dropped into a channel. bot/slackapi does.
type Files interface {
	// Fetch returns the content of a file by the address that came with it. It
	// refuses what is longer than limit (Invalid), and what lies elsewhere than
	// with the workspace (Forbidden). It may be repeated.
	Fetch(ctx context.Context, url string, limit int64) ([]byte, error)
}

// Documents reads what a dropped file holds. campaign/inventory and
// campaign/advisory do.
type Documents interface {
	// Scans reads a file of scans.
	Scans(raw []byte, name string) ([]Scan, []Refusal)
	// Statements reads a VEX document; Invalid says why it cannot be used.
	Statements(raw []byte, name string) ([]Statement, []Refusal, error)
}

const (
	dropPrefix = "drop/"
	// KindDrop is a file that was dropped into a channel and is still to be read.
	KindDrop RecordKind = "drop"
	// MaxDropped bounds a dropped file.
	MaxDropped = 32 << 20
)

// Dropped is a file that somebody dropped into a channel or a direct message.
type Dropped struct {
	File    string `json:"file"` // Slack's ID
	Name    string `json:"name"`
	URL     string `json:"url"`
	Size    int64  `json:"size"`
	Channel string `json:"channel"`
	Thread  string `json:"thread"` // where to answer
	By      Person `json:"by"`
	Direct  bool   `json:"direct,omitempty"` // in a direct message to Muster
	// Campaign is the one whose channel it was dropped into; "" for none.
	Campaign string `json:"campaign,omitempty"`
	Steers   bool   `json:"steers,omitempty"` // the channel is one to steer from
}

// TakeDrop keeps a dropped file for reading. In a channel that is no business of
// ours nothing happens, nor where dropped files are not read.
func (g *Engine) TakeDrop(ctx context.Context, r Request, d Dropped) error {
	if g.opts.Files == nil || g.opts.Documents == nil {
		return nil
	}
	c, err := g.CampaignOfChannel(ctx, d.Channel)
	if err != nil && KindOf(err) != NotFound {
		return err
	}
	if err == nil {
		d.Campaign, d.Steers = c.ID, c.CommandRef.ID == d.Channel
	}
	d.Steers = d.Steers || d.Channel == g.opts.CommandChannel.ID && d.Channel != ""
	if d.Campaign == "" && !d.Steers && !d.Direct {
		return nil
	}
	d.By, d.Name = r.Actor, path.Base("/"+d.Name)
	return g.atomically(ctx, Sys, Request{Actor: r.Actor}, func(tx *transaction) error {
		id := opaqueID("drop", d.File, d.Channel, d.Thread)
		if _, found, err := find[Dropped](tx, KindDrop, id); err != nil || found {
			return err
		}
		tx.due(DueEntry{ID: dropPrefix + id, Lane: Interactive, At: tx.now})
		return save(tx, KindDrop, id, d)
	})
}

// maxDropTries is how often a dropped file is tried before its person is told.
const maxDropTries = 5

// readDrop reads a dropped file, does what it is good for, and answers in its
// thread.
func (g *Engine) readDrop(ctx context.Context, claimed Claimed) error {
	id := strings.TrimPrefix(claimed.ID, dropPrefix)
	d, _, err := Load[Dropped](ctx, g.opts.Store, Sys, KindDrop, id)
	if KindOf(err) == NotFound && err != nil {
		return Done(ctx, g.opts.Store, claimed)
	}
	if err != nil {
		return err
	}
	m, err := g.useDrop(ctx, Request{Key: dropPrefix + id, Actor: d.By, Reason: "dropped file " + d.Name}, d)
	if kind := KindOf(err); err != nil && (kind == Unavailable || kind == Uncertain || kind == Internal) && claimed.Attempts < maxDropTries {
		return err
	}
	if err != nil {
		g.opts.Log.WithError(err).Info("dropped file not used")
		m = Message{Text: fmt.Sprintf("*%s was not used.* %s", Escape(d.Name), PublicMessage(err))}
	}
	m.Ephemeral = false
	return g.atomically(ctx, Sys, Request{Actor: d.By}, func(tx *transaction) error {
		if _, _, err := find[Dropped](tx, KindDrop, id); err != nil {
			return err
		}
		to, thread := d.Channel, d.Thread
		if d.Direct {
			to, thread = d.By.User(), ""
		}
		tx.finish(claimed, time.Time{})
		return tx.post(dropPrefix+id, Interactive, postPayload{To: to, Thread: thread, Message: m})
	})
}

func (g *Engine) useDrop(ctx context.Context, r Request, d Dropped) (Message, error) {
	if d.Size > MaxDropped {
		return Message{}, Refuse(Invalid, "It is larger than 32 MiB. Nothing was imported; send it by `POST /v1/scans` or `muster import inventory`.")
	}
	steers, err := g.maySteer(ctx, d)
	if err != nil {
		return Message{}, err
	}
	raw, err := g.opts.Files.Fetch(ctx, d.URL, MaxDropped)
	if err != nil {
		return Message{}, err
	}
	kind := sniff(raw)
	switch {
	case steers && kind != droppedScan && d.Campaign == "":
		return Message{}, Refuse(Invalid, "It is about a vulnerability, and this channel steers no one campaign. Nothing was changed; drop it in the campaign's own channel, or paste it with `/campaign attach`.")
	case steers && kind == droppedAdvisory:
		return g.Attach(ctx, r, d.Campaign, raw)
	case steers && kind == droppedVEX:
		return g.AttachVEX(ctx, r, d.Campaign, d.Name, raw)
	case kind != droppedScan:
		return Message{}, Refuse(Forbidden, "Advisories and VEX are attached by those who steer a campaign, in its command channel. Nothing was changed.")
	case steers:
		return g.importDrop(ctx, r, d, raw)
	}
	return g.ownScan(ctx, r, d, raw)
}

// maySteer returns whether the person may import for everybody, which only the
// channel to steer from is the place for.
func (g *Engine) maySteer(ctx context.Context, d Dropped) (bool, error) {
	if !d.Steers {
		return false, nil
	}
	if d.Campaign != "" {
		c, err := g.Campaign(ctx, d.Campaign)
		if err != nil || c.Commands(d.By) {
			return err == nil, err
		}
	}
	for _, role := range []Role{Commander, Operator} {
		if has, err := g.opts.Roles.Has(ctx, d.By, role); err != nil || has {
			return has, err
		}
	}
	return false, nil
}

func (g *Engine) importDrop(ctx context.Context, r Request, d Dropped, raw []byte) (Message, error) {
	sum := sha256.Sum256(raw)
	report, already, err := g.TakeIn(ctx, r, Intake{Name: d.Name, Hash: hex.EncodeToString(sum[:]), Read: func() ([]Scan, []Refusal) {
		return g.opts.Documents.Scans(raw, d.Name)
	}})
	if err != nil {
		return Message{}, err
	}
	return reportMessage(d.Name, report, already), nil
}

// reportMessage says what an import did.
func reportMessage(name string, report ImportReport, already bool) Message {
	if already {
		return say("*%s was imported before.* It has the same content, so nothing changed.", name)
	}
	refused := slices.DeleteFunc(slices.Clone(report.Refused), func(r Refusal) bool { return r.Notice })
	if !report.Kept() && len(refused) > 0 {
		return Message{Text: refusalsText(name, refused, false)}
	}
	text := fmt.Sprintf("*%s: %d new, %d changed, %d unchanged.*", Escape(name), report.New, report.Changed, report.Unchanged)
	for _, m := range report.Moved {
		text += fmt.Sprintf("\n%s: %d verified, %d reopened, %d opened, %d not affected, %d joined, %d waiting.",
			Escape(m.Campaign), m.Verified, m.Reopened, m.Opened, m.Cleared, m.Joined, m.Waiting)
		if m.Held {
			text += " So much would change at once that a second person has to agree."
		}
	}
	if len(refused) > 0 {
		text += "\n" + refusalsText(name, refused, report.Kept())
	}
	return Message{Text: text}
}

// ownScan takes what an owner scanned as instant proof, for services of their
// own alone: it counts as a scan by the owner.
func (g *Engine) ownScan(ctx context.Context, r Request, d Dropped, raw []byte) (Message, error) {
	scans, refused := g.opts.Documents.Scans(raw, d.Name)
	m, err := g.membershipOf(ctx, d.By)
	if err != nil {
		return Message{}, err
	}
	services := NewAssetIndex(m.catalog)
	now := g.opts.Clock.Now()
	var mine []Scan
	for _, s := range scans {
		service, ok := services.Service(s)
		problem := ""
		switch {
		case !ok:
			problem = "no service in the catalog has this asset, so nobody can vouch for it."
		case !m.belongs(service.Owner):
			problem = "it belongs to another team. Only owners vouch for a service; ask them, or drop it in the command channel."
		case s.At.IsZero():
			problem = "the file does not say when it was scanned, so it proves nothing. Use a format that does, such as CycloneDX."
		case s.At.After(now):
			problem = "it says that it was scanned in the future."
		}
		if problem != "" {
			refused = append(refused, Refusal{File: d.Name, Position: s.Asset, Problem: problem})
			continue
		}
		s.Source = SourceOwner
		mine = append(mine, s)
	}
	if len(mine) == 0 {
		if len(refused) == 0 {
			refused = append(refused, Refusal{File: d.Name, Problem: "it holds no scan."})
		}
		return Message{Text: refusalsText(d.Name, refused, false)}, nil
	}
	report, err := g.ImportScans(ctx, r, func(yield func(Scan, *Refusal) bool) {
		for _, s := range mine {
			if !yield(s, nil) {
				return
			}
		}
	})
	if err != nil {
		return Message{}, err
	}
	report.Refused, report.Moved = refused, nil // what campaigns there are is not everybody's business
	out := reportMessage(d.Name, report, false)
	out.Text += fmt.Sprintf("\nIt counts as your own scan of %s. It settles a claim only if it was started 5 minutes after it or later, and until the regular scanner looks again.", count(len(mine), "asset"))
	return out, nil
}

// What a dropped file may be.
const (
	droppedScan     = "scan"
	droppedAdvisory = "advisory"
	droppedVEX      = "vex"
)

// sniff tells an advisory and a VEX document from everything else, which is for
// the readers of scans to judge.
func sniff(raw []byte) string {
	if !bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) {
		return droppedScan
	}
	var head struct {
		ID              json.RawMessage `json:"id"`
		Affected        json.RawMessage `json:"affected"`
		Context         json.RawMessage `json:"@context"`
		Statements      json.RawMessage `json:"statements"`
		Components      json.RawMessage `json:"components"`
		Vulnerabilities json.RawMessage `json:"vulnerabilities"`
	}
	if json.Unmarshal(raw, &head) != nil {
		return droppedScan
	}
	switch {
	case head.ID != nil && head.Affected != nil:
		return droppedAdvisory
	case head.Context != nil && head.Statements != nil, head.Vulnerabilities != nil && head.Components == nil:
		return droppedVEX
	}
	return droppedScan
}
