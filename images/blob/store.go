// Package blob keeps the bytes of images in a directory, by digest: a manifest each, and
// independently compressed chunks that they share. It knows no names, versions or
// database (images and store do) and serves nothing (boot/serve and agent/serve do).
package blob

import (
	"context"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"rackwright/fault"
	"rackwright/images"
)

// Store is a directory of images. One directory may be shared by several processes.
//
//	<64 hex>.manifest      images.Manifest in its canonical JSON; its SHA-256 is the name
//	chunks/ab/<64 hex>     a chunk's zstd frame; its SHA-256 is the name and begins with ab
//	<64 hex>.file          a file kept whole
//	uploads/<id>           a file that is being uploaded
//	import-*.tmp           an import in progress, by a holder of the shared lock on .lock
//
// An image is there when its manifest is: its chunks are put in place before it. Chunks
// that no manifest names any more are removed by Collect.
type Store struct {
	dir string
	mu  sync.Mutex // held while files are put in place or removed

	spaces spaces
}

// Open opens the store, makes the directory when it is missing and removes what an
// import that died left behind.
func Open(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, diskFault(dir, err)
	}
	s := &Store{dir: dir}
	lock, err := s.lock(unix.LOCK_EX | unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return s, nil // another process imports right now: the next start cleans up
	}
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	return s, s.sweep()
}

// lock takes the directory's lock: shared while importing, exclusive while sweeping.
// Closing the file releases it, and so does the death of the process.
func (s *Store) lock(how int) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(s.dir, ".lock"), os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return nil, diskFault(s.dir, err)
	}
	if err := unix.Flock(int(f.Fd()), how); err != nil {
		f.Close()
		return nil, fault.Internalf("lock the image store %s: %w", s.dir, err)
	}
	return f, nil
}

// sweep removes what imports that died left. Packs are of stores before chunks were files.
func (s *Store) sweep() error {
	temps, _ := filepath.Glob(filepath.Join(s.dir, tempPattern))
	packs, _ := filepath.Glob(filepath.Join(s.dir, "*.pack"))
	for _, p := range append(temps, packs...) {
		if err := os.RemoveAll(p); err != nil {
			return diskFault(s.dir, err)
		}
	}
	return nil
}

// Manifest returns the canonical JSON of the manifest, checked against its digest.
func (s *Store) Manifest(digest string) ([]byte, error) {
	b, _, err := s.manifest(digest)
	return b, err
}

func (s *Store) manifest(digest string) ([]byte, *images.Manifest, error) {
	path, err := s.path(digest, ".manifest")
	if err != nil {
		return nil, nil, err
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, s.missing(digest, err)
	}
	m, err := images.DecodeManifest(b, digest)
	if err != nil {
		return nil, nil, damagedImage(digest, "%w", err)
	}
	return b, m, nil
}

// Chunk opens a chunk by its name (images.Chunk.Blob) for reading; the caller closes it. The
// file stays readable when it is removed meanwhile. NotFound when it is not there.
func (s *Store) Chunk(blob string) (*os.File, error) {
	if !isHex64(blob) {
		return nil, fault.Invalidf("%.80q is not the name of a chunk", blob).WithHint("a chunk's name is 64 lower-case hexadecimal digits")
	}
	f, err := os.Open(s.chunkPath(blob))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.NotFoundf("the image store has no chunk %s", blob).WithHint("add the image again")
	}
	if err != nil {
		return nil, diskFault(s.dir, err)
	}
	return f, nil
}

// at is where a file of the store's directory is.
func (s *Store) at(name string) string { return filepath.Join(s.dir, name) }

func (s *Store) chunkPath(blob string) string { return filepath.Join(s.dir, chunkDir, blob[:2], blob) }

// Verify reads the whole image and proves every chunk of it.
func (s *Store) Verify(ctx context.Context, digest string) error {
	if _, _, err := s.manifest(digest); err != nil {
		return err
	}
	report, err := s.Check(ctx, []Subject{{digest, images.KindDisk}}, nil)
	if err == nil && len(report.Damage) > 0 {
		d := report.Damage[0]
		err = damagedImage(digest, "at byte %d (%s), %s", d.Offset, d.Where, d.What)
	}
	return err
}

// Remove deletes the image; NotFound when it is not there. Collect frees its chunks.
func (s *Store) Remove(digest string) error {
	path, err := s.path(digest, ".manifest")
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := os.Remove(path); err != nil {
		return s.missing(digest, err)
	}
	return syncDir(s.dir)
}

// path names a file of the image; a digest of any other form never reaches the disk.
func (s *Store) path(digest, suffix string) (string, error) {
	sum, ok := strings.CutPrefix(digest, "sha256:")
	if !ok || !isHex64(sum) {
		return "", fault.Invalidf("%.80q is not an image digest", digest).
			WithHint("a digest is sha256: and 64 lower-case hexadecimal digits")
	}
	return filepath.Join(s.dir, sum+suffix), nil
}

func isHex64(s string) bool {
	_, err := hex.DecodeString(s)
	return err == nil && len(s) == 64 && s == strings.ToLower(s)
}

func (s *Store) missing(digest string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fault.NotFoundf("the image store has no image %s", digest).WithHint("add the image again")
	}
	return diskFault(s.dir, err)
}

func damagedImage(digest, format string, args ...any) error {
	e := fault.Internalf(format, args...)
	e.Message = "stored image " + digest + " is damaged: " + e.Message
	return e.WithHint("add the image again; it replaces the damaged copy")
}
