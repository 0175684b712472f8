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

// openFile opens the file, and tells what keeps it from being opened. A file
// that is not a whole store is not written to.
func openFile(path string, opts Options) (*bbolt.DB, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		return nil, explainOpen(path, errors.New("it is not a file"))
	}
	if err == nil && info.Size() > 0 {
		if err := inspect(path, info.Size(), opts); err != nil {
			return nil, explainOpen(path, err)
		}
	}
	created := errors.Is(err, fs.ErrNotExist)
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout:        opts.LockTimeout,
		NoFreelistSync: true, // a large list would be written with every commit
		FreelistType:   bbolt.FreelistMapType,
	})
	if err != nil {
		return nil, explainOpen(path, err)
	}
	if err = db.Update(createBuckets); err == nil && created {
		err = syncFolder(path)
	}
	if err != nil {
		_ = db.Close()
		return nil, explainOpen(path, err)
	}
	return db, nil
}

// inspect reads all pages of a file without writing to it. bbolt would do that
// too when it opens a file without a list of free pages, but in a goroutine of
// its own, where a page that cannot be right ends the process. Here a panic or a
// fault of the mapped memory becomes an error.
func inspect(path string, size int64, opts Options) (err error) {
	var file *os.File
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			_ = file.Close() // or its lock would stay
			err = fmt.Errorf("%w: %v", berrors.ErrInvalid, p)
		}
	}()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout:  opts.LockTimeout,
		ReadOnly: true,
		OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
			var err error
			file, err = os.OpenFile(name, flag, mode)
			return file, err
		},
	})
	if err != nil {
		return err
	}
	err = db.View(func(tx *bbolt.Tx) error {
		if tx.Size() > size {
			return fmt.Errorf("%w: %d of %d bytes are there", berrors.ErrInvalid, size, tx.Size())
		}
		if err := checkFormat(tx, path); err != nil {
			return err
		}
		return tx.ForEach(func(_ []byte, b *bbolt.Bucket) error {
			return b.ForEach(func(_, _ []byte) error { return nil })
		})
	})
	return errors.Join(err, db.Close())
}

// checkFormat refuses a file of another program or of a newer Muster.
func checkFormat(tx *bbolt.Tx, path string) error {
	if first, _ := tx.Cursor().First(); first == nil {
		return nil // made, but never written to
	}
	about := tx.Bucket([]byte(aboutBucket))
	if about == nil {
		return &campaign.Error{Kind: campaign.Invalid, Message: fmt.Sprintf("The file %s belongs to another program; it was left as it is. Give Muster a path of its own in MUSTER_STORE.", path)}
	}
	found, err := strconv.Atoi(string(about.Get([]byte(formatKey))))
	if err != nil {
		return fmt.Errorf("%w: format: %w", berrors.ErrInvalid, err)
	}
	if found != format {
		return &campaign.Error{Kind: campaign.Invalid, Message: fmt.Sprintf("The file %s was written by another version of Muster (format %d, this one reads %d); it was left as it is. Start the version that wrote it, or restore a backup.", path, found, format)}
	}
	return nil
}

func createBuckets(tx *bbolt.Tx) error {
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
	if known, ok := errors.AsType[*campaign.Error](err); ok {
		return known
	}
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
