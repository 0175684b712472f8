package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/musterbot/muster/campaign"
)

// watchEvery is how often the watched folder is looked at. A file is taken when
// two looks in a row find it with the same size and time of change.
const watchEvery = 10 * time.Second

// watchFiles bounds the files of the watched folder.
const watchFiles = 10_000

// watcher takes in what is put into a folder. Files stay where they are; which
// were taken in is known to the store by their content, so that several replicas
// may watch one folder and a restart imports nothing again.
type watcher struct {
	app    *app
	dir    string
	seen   map[string]stamp // as the last look found them
	done   map[string]stamp // that were taken in, or refused and told
	warned bool
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
	w := &watcher{app: a, dir: dir, seen: map[string]stamp{}, done: map[string]stamp{}}
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
	now := map[string]stamp{}
	err := filepath.WalkDir(w.dir, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil || ctx.Err() != nil:
			return err
		case strings.HasPrefix(entry.Name(), ".") && path != w.dir:
			if entry.IsDir() {
				return fs.SkipDir
			}
		case entry.Type().IsRegular() && len(now) < watchFiles:
			if info, err := entry.Info(); err == nil {
				now[path] = stamp{info.Size(), info.ModTime()}
			}
		}
		return nil
	})
	if err != nil && ctx.Err() == nil && !w.warned {
		w.app.log.WithError(err).Warn("the watched folder cannot be read; trying again")
	}
	w.warned = err != nil
	for path, is := range now {
		if ctx.Err() != nil {
			return
		}
		if w.done[path] == is || w.seen[path] != is {
			continue
		}
		if err := w.take(ctx, path); err != nil {
			w.app.log.WithError(err).WithField("file", path).Error("take in a file of the watched folder; trying again")
			continue
		}
		w.done[path] = is
	}
	for path := range w.done {
		if _, ok := now[path]; !ok {
			delete(w.done, path)
		}
	}
	w.seen = now
}

// take imports one file, and tells the command channel what it refused.
func (w *watcher) take(ctx context.Context, path string) error {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	name, err := filepath.Rel(w.dir, path)
	if err != nil {
		name = filepath.Base(path)
	}
	report, hash, already, err := takeFile(ctx, w.app.engine, campaign.Request{Reason: "watched folder"}, name, file)
	if err != nil && report.New+report.Changed+report.Unchanged == 0 {
		return err
	}
	if err != nil {
		w.app.log.WithError(err).WithField("file", path).Warn("scans kept, campaigns not all looked at")
	}
	if already {
		return nil
	}
	w.app.log.WithField("file", path).Info("file of the watched folder taken in")
	return w.app.engine.TellRefusals(ctx, "watch/"+hash, name, report.Refused)
}
