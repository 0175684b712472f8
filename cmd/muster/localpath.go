package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
)

// maxSocketPath is what fits into a socket's address on every system that we
// know, its end included.
const maxSocketPath = 100

// maxSocketName leaves room for a short folder before it.
const maxSocketName = 60

// socketPath returns where the service that holds the store listens for the
// other subcommands: the store's path and ".sock". Where the store's name alone
// is too long for a socket, a short name made from it stands in the same folder.
// All ways to write the store's path lead to one socket.
func socketPath(store string) (string, error) {
	path, err := filepath.Abs(store)
	if err != nil {
		return "", fmt.Errorf("find the store's folder: %w", err)
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	} else if dir, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil { // the store is not there yet
		path = filepath.Join(dir, filepath.Base(path))
	}
	name := filepath.Base(path) + ".sock"
	if len(name) > maxSocketName {
		sum := sha256.Sum256([]byte(name))
		name = "muster-" + hex.EncodeToString(sum[:8]) + ".sock"
	}
	return filepath.Join(filepath.Dir(path), name), nil
}

// withShortPath calls use with a path to the same place that fits into a
// socket's address: for a longer one, through a link in a folder of our own.
func withShortPath(path string, use func(short string) error) error {
	if len(path) < maxSocketPath {
		return use(path)
	}
	dir, err := os.MkdirTemp("", "muster-")
	if err != nil {
		return fmt.Errorf("make a short path: %w", err)
	}
	defer os.RemoveAll(dir)
	link := filepath.Join(dir, "d")
	if err := os.Symlink(filepath.Dir(path), link); err != nil {
		return fmt.Errorf("make a short path: %w", err)
	}
	return use(filepath.Join(link, filepath.Base(path)))
}
