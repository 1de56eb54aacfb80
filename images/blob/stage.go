package blob

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// stage holds the new chunks of an import until the whole is known to be good: then they
// move to the others, else they go with the directory. It is made and used by a holder of
// the shared lock, so that no chunk that it found in the store is collected meanwhile.
type stage struct {
	s   *Store
	dir string
}

func (s *Store) stage() (*stage, error) {
	dir, err := os.MkdirTemp(s.dir, tempPattern)
	if err != nil {
		return nil, diskFault(s.dir, err)
	}
	return &stage{s, dir}, nil
}

func (t *stage) discard() { os.RemoveAll(t.dir) }

// keep stages a chunk that the store does not have whole. Several may be kept at a time.
func (t *stage) keep(blob string, frame []byte) error {
	if holds(t.s.chunkPath(blob), blob, int64(len(frame))) {
		return nil
	}
	f, err := os.OpenFile(filepath.Join(t.dir, blob), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if errors.Is(err, fs.ErrExist) { // the image has it twice
		return nil
	}
	if err == nil {
		_, err = f.Write(frame)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		return diskFault(t.s.dir, err)
	}
	return nil
}

// holds reports whether a file has the bytes of its name. A damaged one is replaced.
func holds(path, blob string, size int64) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || st.Size() != size {
		return false
	}
	sum := sha256.New()
	_, err = io.Copy(sum, f)
	return err == nil && hex.EncodeToString(sum.Sum(nil)) == blob
}

// open opens a chunk of the import, staged or there before.
func (t *stage) open(blob string) (*os.File, error) {
	f, err := os.Open(filepath.Join(t.dir, blob))
	if errors.Is(err, fs.ErrNotExist) {
		return t.s.Chunk(blob)
	}
	return f, err
}

// commit moves the staged chunks to the others and makes all durable.
func (t *stage) commit() error {
	entries, err := os.ReadDir(t.dir)
	if err != nil {
		return diskFault(t.s.dir, err)
	}
	for _, e := range entries {
		path := t.s.chunkPath(e.Name())
		err := os.Rename(filepath.Join(t.dir, e.Name()), path)
		if errors.Is(err, fs.ErrNotExist) {
			if err = os.MkdirAll(filepath.Dir(path), 0o750); err == nil {
				err = os.Rename(filepath.Join(t.dir, e.Name()), path)
			}
		}
		if err != nil {
			return diskFault(t.s.dir, err)
		}
	}
	return syncAll(t.s.dir)
}

// syncAll makes all that was written to the directory's file system durable: one call for
// thousands of chunks.
func syncAll(dir string) error {
	d, err := os.Open(dir)
	if err == nil {
		defer d.Close()
		err = unix.Syncfs(int(d.Fd()))
	}
	if err != nil {
		return diskFault(dir, err)
	}
	return nil
}
