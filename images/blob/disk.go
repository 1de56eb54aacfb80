package blob

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"rackwright/fault"
)

const (
	tempPattern = "import-*.tmp"
	chunkDir    = "chunks"
)

// diskFault gives an error of the store's own disk its kind.
func diskFault(dir string, err error) error {
	switch {
	case errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT):
		return fault.Conflictf("the disk that holds %s is full: %w", dir, err).
			WithHint("remove images nobody uses, or set images.dir to a larger disk")
	case errors.Is(err, fs.ErrPermission) || errors.Is(err, unix.EROFS):
		return fault.Deniedf("no permission to write the image store %s: %w", dir, err).
			WithHint("let the server's user own the directory, or set images.dir")
	}
	return fault.Internalf("image store %s: %w", dir, err)
}

// tempFile is a file that disappears unless it is put in place.
type tempFile struct {
	file *os.File
	dir  string
}

func (s *Store) temp() (*tempFile, error) {
	f, err := os.CreateTemp(s.dir, tempPattern)
	if err != nil {
		return nil, diskFault(s.dir, err)
	}
	return &tempFile{f, s.dir}, nil
}

// Write fails with a fault, so that a full disk is told from a bad image.
func (t *tempFile) Write(p []byte) (int, error) {
	n, err := t.file.Write(p)
	if err != nil {
		err = diskFault(t.dir, err)
	}
	return n, err
}

// place makes the file durable under its final name.
func (t *tempFile) place(path string) error {
	err := t.file.Chmod(0o640)
	if err == nil {
		err = t.file.Sync()
	}
	if err == nil {
		err = os.Rename(t.file.Name(), path)
	}
	if err != nil {
		return diskFault(filepath.Dir(path), err)
	}
	return nil
}

// discard closes the file and removes it if it was not put in place.
func (t *tempFile) discard() {
	t.file.Close()
	os.Remove(t.file.Name())
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err == nil {
		defer d.Close()
		err = d.Sync()
	}
	if err != nil {
		return diskFault(dir, err)
	}
	return nil
}
