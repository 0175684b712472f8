package campaign

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"
)

// maxEstateBytes bounds one unpacked record of the estate.
const maxEstateBytes = 64 << 20

// packLevel is quick, and lets the catalog of 100,000 services fit into one record.
const packLevel = 3

// A compressor takes close to a megabyte to make and a few microseconds to use,
// and an estate has 100,000 scans: so they are kept.
var (
	packers = sync.Pool{New: func() any {
		w, _ := gzip.NewWriterLevel(nil, packLevel) // the level is one that there is
		return w
	}}
	unpackers = sync.Pool{New: func() any { return new(gzip.Reader) }}
)

// pack encodes and compresses a value of the estate. The same value always packs
// to the same bytes.
func pack(v any) ([]byte, error) {
	return packing(func(w io.Writer) error { return json.NewEncoder(w).Encode(v) })
}

// packing returns, compressed, what write writes.
func packing(write func(io.Writer) error) ([]byte, error) {
	var b bytes.Buffer
	w := packers.Get().(*gzip.Writer)
	defer packers.Put(w)
	w.Reset(&b)
	if err := write(w); err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	return b.Bytes(), nil
}

// compress packs data that is encoded already.
func compress(data []byte) ([]byte, error) {
	return packing(func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// decompressed returns data as it was before compress, and other data as it is; an
// error when it is damaged, or larger than anything that is stored.
func decompressed(data []byte) ([]byte, error) {
	if !bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		return data, nil
	}
	r := unpackers.Get().(*gzip.Reader)
	defer unpackers.Put(r)
	if err := r.Reset(bytes.NewReader(data)); err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	out, err := io.ReadAll(io.LimitReader(r, maxEstateBytes+1))
	if err == nil && len(out) > maxEstateBytes {
		err = fmt.Errorf("more than %d MB", maxEstateBytes>>20)
	}
	if err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	return out, nil
}

// unpacking lets read have what was packed, at most maxEstateBytes of it.
func unpacking(data []byte, read func(*json.Decoder) error) error {
	r := unpackers.Get().(*gzip.Reader)
	defer unpackers.Put(r)
	err := r.Reset(bytes.NewReader(data))
	if err == nil {
		err = read(json.NewDecoder(io.LimitReader(r, maxEstateBytes)))
	}
	if err != nil {
		return fmt.Errorf("unpack: %w", err)
	}
	return nil
}

func unpack[T any](data []byte) (T, error) {
	var v T
	err := unpacking(data, func(d *json.Decoder) error { return d.Decode(&v) })
	return v, err
}

// startOfPacked returns when a packed scan started, and looks no further: its
// components, which are most of it, come later. Zero when it does not say.
func startOfPacked(data []byte) (time.Time, error) {
	var at time.Time
	err := unpacking(data, func(d *json.Decoder) error {
		if _, err := d.Token(); err != nil { // the brace
			return err
		}
		for d.More() {
			name, err := d.Token()
			if err != nil {
				return err
			}
			switch name {
			case "at":
				return d.Decode(&at)
			case "components":
				return nil
			}
			if _, err := d.Token(); err != nil { // the others are plain texts
				return err
			}
		}
		return nil
	})
	return at, err
}
