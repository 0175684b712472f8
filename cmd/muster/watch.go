package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/campaign/inventory"
)

// watchEvery is how often the watched folder is looked at. A file is taken when
// two looks in a row find it with the same size and time of change.
const watchEvery = 10 * time.Second

// The bounds of the watched folder: its files, and how often and how long apart one
// is tried that cannot be taken in, until it changes.
const (
	watchFiles   = 10_000
	watchTries   = 5
	watchLongest = 10 * time.Minute
)

// watcher takes in what is put into a folder. Files stay where they are; which
// were taken in is known to the store by their content, so that several replicas
// may watch one folder and a restart imports nothing again.
type watcher struct {
	app    *app
	dir    string
	seen   map[string]stamp // as the last look found them
	done   map[string]stamp // that were taken in, or refused and told
	failed map[string]failure
	warned bool
	full   bool
}

// failure is a file that could not be taken in.
type failure struct {
	is    stamp
	tries int
	again time.Time
}

func newWatcher(a *app, dir string) *watcher {
	return &watcher{app: a, dir: dir, seen: map[string]stamp{}, done: map[string]stamp{}, failed: map[string]failure{}}
}

// stamp is what a file looks like from outside.
type stamp struct {
	size int64
	at   time.Time
}

// startWatch looks at the folder of inventory.watch, if there is one.
func (a *app) startWatch(ctx context.Context) error {
	dir := a.opts.Config.Inventory.Watch
	if dir == "" {
		return nil
	}
	w := newWatcher(a, dir)
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(watchEvery)
		defer ticker.Stop()
		for {
			w.look(ctx)
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
		}
	}()
	a.onStop("watched folder", func(until context.Context) error {
		cancel()
		select {
		case <-ended:
			return nil
		case <-until.Done():
			return context.Cause(until)
		}
	})
	return nil
}

// look takes in every file that has not changed since the last look.
func (w *watcher) look(ctx context.Context) {
	now, all, err := w.list(ctx)
	if err != nil && ctx.Err() == nil && !w.warned {
		w.app.log.WithError(err).Warn("the watched folder cannot be read; trying again")
	}
	w.warned = err != nil
	if !all && !w.full {
		w.app.log.WithField("files", watchFiles).Warn("the watched folder holds more files than are looked at; move those away that were taken in")
	}
	w.full = !all
	for path, is := range now {
		if ctx.Err() != nil {
			return
		}
		if w.done[path] == is || w.seen[path] != is || w.failed[path].is == is && time.Now().Before(w.failed[path].again) {
			continue
		}
		if err := w.take(ctx, path, is); err != nil {
			w.fail(ctx, path, is, err)
			continue
		}
		w.done[path] = is
		delete(w.failed, path)
	}
	gone := func(path string, _ stamp) bool { _, ok := now[path]; return !ok }
	maps.DeleteFunc(w.done, gone)
	maps.DeleteFunc(w.failed, func(path string, f failure) bool { return gone(path, f.is) })
	w.seen = now
}

// list returns the files that are there, and whether these are all.
func (w *watcher) list(ctx context.Context) (map[string]stamp, bool, error) {
	now, all := map[string]stamp{}, true
	err := filepath.WalkDir(w.dir, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil || ctx.Err() != nil:
			return err
		case strings.HasPrefix(entry.Name(), ".") && path != w.dir:
			if entry.IsDir() {
				return fs.SkipDir
			}
		case entry.Type().IsRegular() && len(now) >= watchFiles:
			all = false
			return fs.SkipAll
		case entry.Type().IsRegular():
			if info, err := entry.Info(); err == nil {
				now[path] = stamp{info.Size(), info.ModTime()}
			}
		}
		return nil
	})
	return now, all, err
}

// fail puts a file off that could not be taken in, longer each time. Where the
// store does not answer that is no fault of the file's; else it is given up after a
// few times, until it changes, and the command channel is told.
func (w *watcher) fail(ctx context.Context, path string, is stamp, cause error) {
	log := w.app.log.WithError(cause).WithField("file", path)
	f := w.failed[path]
	if f.is != is {
		f = failure{is: is}
	}
	f.tries++
	f.again = time.Now().Add(min(watchEvery<<min(f.tries, 10), watchLongest))
	w.failed[path] = f
	if ctx.Err() != nil {
		return
	}
	if f.tries < watchTries || campaign.KindOf(cause) == campaign.Unavailable {
		log.WithField("again", f.again.UTC().Format(time.RFC3339)).Warn("file of the watched folder not taken in; trying again")
		return
	}
	log.Error("file of the watched folder given up until it changes")
	problem := "It was tried " + fmt.Sprint(f.tries) + " times. " + campaign.PublicMessage(cause) + " The operator's log says more; when the file changes it is tried again."
	if err := w.refuse(ctx, path, is, problem); err != nil {
		w.app.log.WithError(err).Error("tell of a file that was given up")
		return // it is tried once more, and told then
	}
	w.done[path] = is
	delete(w.failed, path)
}

// refuse tells the command channel that nothing of a file was imported; once for
// each state of the file.
func (w *watcher) refuse(ctx context.Context, path string, is stamp, problem string) error {
	key := fmt.Sprintf("watch/%s/%d/%d", path, is.size, is.at.UnixNano())
	return w.app.engine.TellRefusals(ctx, key, w.name(path), campaign.ImportReport{Refused: []campaign.Refusal{{Problem: problem}}})
}

// name is what people call a file of the folder.
func (w *watcher) name(path string) string {
	name, err := filepath.Rel(w.dir, path)
	if err != nil {
		return filepath.Base(path)
	}
	return name
}

// take imports one file, and tells the command channel what it refused.
func (w *watcher) take(ctx context.Context, path string, is stamp) error {
	if is.size > inventory.MaxFileBytes {
		w.app.log.WithField("file", path).Warn("file of the watched folder is too large")
		return w.refuse(ctx, path, is, "It is larger than 1 GB. Split it, or list fewer assets in one file.")
	}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	name := w.name(path)
	// A file that grows meanwhile is left: the next look sees that it changed.
	report, hash, already, err := takeFile(ctx, w.app.engine, campaign.Request{Reason: "watched folder"}, name, io.LimitReader(file, is.size))
	if err != nil && !report.Kept() {
		return err
	}
	if err != nil {
		w.app.log.WithError(err).WithField("file", path).Warn("scans kept, campaigns not all looked at")
	}
	if already {
		return nil
	}
	w.app.log.WithField("file", path).Info("file of the watched folder taken in")
	return w.app.engine.TellRefusals(ctx, "watch/"+hash, name, report)
}
