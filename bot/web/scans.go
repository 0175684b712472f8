package web

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"path"
	"strings"
	"time"
	"unicode"

	"github.com/sirupsen/logrus"

	"github.com/musterbot/muster/campaign"
)

// MaxScanBytes bounds the body of one POST /v1/scans, packed or not.
const MaxScanBytes = 64 << 20

// scansFor is how long one upload and its import may take.
const scansFor = 5 * time.Minute

// Uploads that run at once, in one process, and what becomes of those beyond: each
// holds its components in memory.
const (
	scansAtOnce   = 4
	scansWaiting  = 64
	scansPatience = 15 * time.Second // of who waits; shorter than the time for a whole request
	scansAgain    = 30 * time.Second
)

// TakeScans imports one file of scans. Already says that this content was
// imported before.
type TakeScans func(ctx context.Context, name string, body io.Reader) (report campaign.ImportReport, already bool, err error)

// imported answers POST /v1/scans. What followed in campaigns is not in it: a
// program that brings scans is not told what campaigns there are.
type imported struct {
	Already   bool               `json:"already"` // the same content was imported before
	New       int                `json:"new"`
	Changed   int                `json:"changed"`
	Unchanged int                `json:"unchanged"`
	Refused   []campaign.Refusal `json:"refused"`
	Note      string             `json:"note,omitempty"`
}

// Scans answers POST /v1/scans: the body is one file of any format that `muster
// import inventory` reads, gzip or not, and the query parameter name says what to
// call it. A few are taken at once; who waits in vain for a turn gets 503 with
// Retry-After before the body is read. 200 says that it was imported, 202 that it was kept and campaigns are
// looked at later, 400 that nothing of it could be used.
func Scans(take TakeScans, log logrus.FieldLogger) http.Handler {
	return fewAtOnce(scansAtOnce, scansWaiting, scansPatience, func(w http.ResponseWriter, r *http.Request) {
		deadline := time.Now().Add(scansFor)
		control := http.NewResponseController(w)
		_ = control.SetReadDeadline(deadline) // a recorder in tests has none
		_ = control.SetWriteDeadline(deadline.Add(writeAll))
		ctx, cancel := context.WithDeadline(r.Context(), deadline)
		defer cancel()
		body, err := unpacked(http.MaxBytesReader(w, r.Body, MaxScanBytes), r.Header.Get("Content-Encoding"))
		if err != nil {
			refuse(w, http.StatusBadRequest, "The body cannot be unpacked. Nothing was imported; send it plain or with Content-Encoding: gzip.")
			return
		}
		report, already, err := take(ctx, fileName(r.URL.Query().Get("name")), body)
		out := imported{Already: already, New: report.New, Changed: report.Changed, Unchanged: report.Unchanged, Refused: append([]campaign.Refusal{}, report.Refused...)}
		kept := report.Kept()
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok || errors.Is(err, errTooLong) {
			refuse(w, http.StatusRequestEntityTooLarge, "The body is larger than 64 MiB. Nothing was imported; send it in parts.")
			return
		}
		switch {
		case err != nil && kept:
			log.WithError(err).Warn("scans kept, campaigns not all looked at")
			out.Note = "Everything was kept. Not all campaigns could be looked at yet; that is done within minutes."
			answer(w, http.StatusAccepted, out)
		case err != nil:
			log.WithError(err).Error("import scans")
			refuse(w, statusOf(err), campaign.PublicMessage(err))
		case !kept && !already:
			out.Note = "Nothing of it could be imported."
			answer(w, http.StatusBadRequest, out)
		default:
			answer(w, http.StatusOK, out)
		}
	})
}

var errTooLong = errors.New("the unpacked body is too long")

// unpacked returns the body as it was before its encoding, bounded as well.
func unpacked(body io.Reader, encoding string) (io.Reader, error) {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "identity":
		return body, nil
	case "gzip", "x-gzip":
		zipped, err := gzip.NewReader(body)
		if err != nil {
			return nil, err
		}
		return &bounded{from: zipped, left: 8 * MaxScanBytes}, nil
	}
	return nil, errors.New("unknown encoding")
}

// bounded fails where a LimitedReader would silently end.
type bounded struct {
	from io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, errTooLong
	}
	return n, err
}

// fileName is what a caller calls its file, without folders and control
// characters.
func fileName(name string) string {
	name = path.Base("/" + strings.ReplaceAll(name, `\`, "/"))
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, name)
	if name == "/" || name == "." || name == "" {
		return "scans"
	}
	return name[:min(len(name), 200)]
}
