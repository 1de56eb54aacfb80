// Package blob keeps the bytes of images in a directory, by digest: a manifest and a
// pack of independently compressed chunks each. It knows no names, versions or
// database (images and store do) and serves nothing (boot/serve and agent/serve do).
package blob

import (
	"context"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"rackwright/fault"
	"rackwright/images"
)

// Store is a directory of images. One directory may be shared by several processes.
//
//	<64 hex>.manifest   images.Manifest in its canonical JSON; its SHA-256 is the name
//	<64 hex>.pack       the chunks, back to back
//	import-*.tmp        an import in progress, by a holder of the shared lock on .lock
//
// An image is there when its manifest is: the pack is put in place first and removed last.
type Store struct {
	dir string
	mu  sync.Mutex // held while files are put in place or removed
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

// sweep removes temporary files, and packs whose manifest was never put in place.
func (s *Store) sweep() error {
	temps, _ := filepath.Glob(filepath.Join(s.dir, tempPattern))
	packs, _ := filepath.Glob(filepath.Join(s.dir, "*.pack"))
	for _, p := range packs {
		if _, err := os.Stat(strings.TrimSuffix(p, ".pack") + ".manifest"); errors.Is(err, fs.ErrNotExist) {
			temps = append(temps, p)
		}
	}
	for _, p := range temps {
		if err := os.Remove(p); err != nil {
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

// Pack opens the pack for reading; the caller closes it. The file stays readable when
// the image is removed meanwhile.
func (s *Store) Pack(digest string) (*os.File, error) {
	path, err := s.path(digest, ".manifest")
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); err != nil {
		return nil, s.missing(digest, err)
	}
	f, err := os.Open(strings.TrimSuffix(path, ".manifest") + ".pack")
	if err != nil {
		return nil, s.missing(digest, err)
	}
	return f, nil
}

// Verify reads the whole image and proves every chunk of it.
func (s *Store) Verify(ctx context.Context, digest string) error {
	_, m, err := s.manifest(digest)
	if err != nil {
		return err
	}
	f, err := s.Pack(digest)
	if err != nil {
		return err
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || st.Size() != m.PackBytes() {
		return damagedImage(digest, "its pack has not the %d bytes of its manifest", m.PackBytes())
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for _, c := range m.Chunks {
		if gctx.Err() != nil {
			break
		}
		g.Go(func() error {
			if _, err := readChunk(f, c, nil); err != nil {
				return damagedImage(digest, "%w", err)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return fault.Unreachablef("verifying %s was cancelled: %w", digest, context.Cause(ctx))
	}
	return nil
}

// Remove deletes the image; NotFound when it is not there.
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
	if err := os.Remove(strings.TrimSuffix(path, ".manifest") + ".pack"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return diskFault(s.dir, err)
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
