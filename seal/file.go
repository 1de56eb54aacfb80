package seal

import (
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"rackwright/fault"
)

// Load reads the key file, or creates it with 32 random bytes, mode 0600, when there is
// none. Two starters at once end with the same key. A file that others may read, or that
// is no regular file of 32 bytes, is Invalid with a hint.
func Load(path string) (*Key, error) {
	k, err := read(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return k, err
	}
	if err := create(path); err != nil {
		return nil, err
	}
	return read(path)
}

// read opens first and asks the open file, so that nobody swaps it in between.
func read(path string) (*Key, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a FIFO must not hang the start
	if errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err != nil {
		return nil, fault.Invalidf("sealing key: %w", err).WithHint("run as the owner of the key file")
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fault.Internalf("sealing key %s: %w", path, err)
	}
	if err := proper(path, info); err != nil {
		return nil, err
	}
	secret := make([]byte, KeySize)
	if _, err := io.ReadFull(f, secret); err != nil {
		return nil, fault.Internalf("sealing key %s: %w", path, err)
	}
	return NewKey(secret)
}

func proper(path string, info fs.FileInfo) error {
	switch {
	case !info.Mode().IsRegular():
		return fault.Invalidf("sealing key %s is not a regular file", path).WithHint("name a file in the configuration")
	case info.Mode().Perm()&0o077 != 0:
		return fault.Invalidf("sealing key %s may be read by others (mode %04o)", path, info.Mode().Perm()).
			WithHint("chmod 600 %s; if somebody may have read it, change the BMC passwords", path)
	case info.Size() != KeySize:
		return fault.Invalidf("sealing key %s has %d bytes, not %d", path, info.Size(), KeySize).
			WithHint("restore the key file from the backup; a new key cannot open what the old one sealed")
	}
	return nil
}

// create writes a new key beside path and links it into place: the name appears with
// the whole key or not at all, and never replaces a key that is there.
func create(path string) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".key-*") // mode 0600
	if err != nil {
		return fault.Invalidf("cannot create the sealing key: %w", err).
			WithHint("create the directory %s and let this user write to it", filepath.Dir(path))
	}
	defer os.Remove(tmp.Name())
	secret := make([]byte, KeySize)
	rand.Read(secret) // never fails: crypto/rand
	_, err = tmp.Write(secret)
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err != nil {
		return fault.Internalf("cannot write the sealing key: %w", err)
	}
	if err := os.Link(tmp.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return fault.Internalf("cannot create the sealing key: %w", err)
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes the new name survive a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fault.Internalf("sealing key: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fault.Internalf("sealing key: %w", err)
	}
	return nil
}
