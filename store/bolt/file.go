package bolt

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/store"
)

// The bucket that tells a store of Muster from other bbolt files.
const (
	aboutBucket = "muster"
	formatKey   = "format"
	format      = 1
)

var buckets = []string{
	store.Scopes, store.Records, store.Index, store.Counters, store.Audit,
	store.Due, store.Serials, store.Leases, store.Waiting,
}

// openFile opens the file, tells what keeps it from being opened, and makes
// sure that it is a store.
func openFile(path string, opts Options) (*bbolt.DB, error) {
	_, err := os.Stat(path)
	created := errors.Is(err, fs.ErrNotExist)
	db, err := openDB(path, opts)
	if err != nil {
		return nil, explainOpen(path, err)
	}
	if err := checkFormat(db, path); err != nil {
		_ = db.Close()
		return nil, err
	}
	if created {
		if err := syncFolder(path); err != nil {
			_ = db.Close()
			return nil, explainOpen(path, err)
		}
	}
	return db, nil
}

// openDB opens the file and turns what bbolt does about pages that cannot be
// right, a panic or a memory fault, into an error. bbolt reads all of them here
// because the list of free pages is not stored.
func openDB(path string, opts Options) (db *bbolt.DB, err error) {
	var file *os.File
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			_ = file.Close() // or its lock would stay
			db, err = nil, fmt.Errorf("%w: %v", berrors.ErrInvalid, p)
		}
	}()
	return bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout:        opts.LockTimeout,
		NoFreelistSync: true, // a large list would be written with every commit
		FreelistType:   bbolt.FreelistMapType,
		OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
			var err error
			file, err = os.OpenFile(name, flag, mode)
			return file, err
		},
	})
}

// checkFormat makes the buckets of a new store, and refuses a file of another
// program, of a newer Muster, or one that has lost its end.
func checkFormat(db *bbolt.DB, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return explainOpen(path, err)
	}
	err = db.View(func(tx *bbolt.Tx) error {
		if tx.Size() > info.Size() {
			return damaged(path, fmt.Errorf("%d of %d bytes are there", info.Size(), tx.Size()))
		}
		if first, _ := tx.Cursor().First(); first == nil {
			return nil
		}
		about := tx.Bucket([]byte(aboutBucket))
		if about == nil {
			return &campaign.Error{Kind: campaign.Invalid, Message: fmt.Sprintf("The file %s belongs to another program; it was left as it is. Give Muster a path of its own in MUSTER_STORE.", path)}
		}
		found, err := strconv.Atoi(string(about.Get([]byte(formatKey))))
		if err != nil {
			return damaged(path, err)
		}
		if found != format {
			return &campaign.Error{Kind: campaign.Invalid, Message: fmt.Sprintf("The file %s was written by another version of Muster (format %d, this one reads %d); it was left as it is. Start the version that wrote it, or restore a backup.", path, found, format)}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return db.Update(func(tx *bbolt.Tx) error {
		about, err := tx.CreateBucketIfNotExists([]byte(aboutBucket))
		if err != nil {
			return fmt.Errorf("create bucket: %w", err)
		}
		for _, name := range buckets {
			if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
				return fmt.Errorf("create bucket %s: %w", name, err)
			}
		}
		return about.Put([]byte(formatKey), strconv.AppendInt(nil, format, 10))
	})
}

// syncFolder makes the name of a new file durable; bbolt does that only for
// what is in it.
func syncFolder(path string) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("open folder: %w", err)
	}
	defer func() { _ = dir.Close() }()
	if err := dir.Sync(); err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	return nil
}

func explainOpen(path string, err error) error {
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return &campaign.Error{Kind: campaign.Unavailable, Err: err, Message: fmt.Sprintf("The store %s is in use by another process; nothing was changed. One process at a time can hold it: stop the other one, or give this one another path in MUSTER_STORE.", path)}
	case errors.Is(err, berrors.ErrVersionMismatch), errors.Is(err, berrors.ErrChecksum), errors.Is(err, berrors.ErrInvalid):
		return damaged(path, err)
	case errors.Is(err, fs.ErrNotExist):
		return &campaign.Error{Kind: campaign.Invalid, Err: err, Message: fmt.Sprintf("The folder of the store %s does not exist. Create it, or give another path in MUSTER_STORE.", path)}
	case errors.Is(err, fs.ErrPermission):
		return &campaign.Error{Kind: campaign.Invalid, Err: err, Message: fmt.Sprintf("The store %s may not be opened by this user; nothing was changed. Give the user read and write access to the file and its folder.", path)}
	}
	return &campaign.Error{Kind: campaign.Invalid, Err: err, Message: fmt.Sprintf("The store %s cannot be opened; it was left as it is. Check that the path names a file on a disk with free space.", path)}
}

func damaged(path string, err error) error {
	return &campaign.Error{Kind: campaign.Invalid, Err: err, Message: fmt.Sprintf("The file %s is damaged or is not a store of Muster; it was left as it is. Restore a backup, or give another path in MUSTER_STORE.", path)}
}
