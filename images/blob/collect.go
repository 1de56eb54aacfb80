package blob

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"rackwright/fault"
)

// lonely is how old a manifest without a record must be to be collected. Imports hold the
// lock until their record is written; this is for those that were killed before.
const lonely = time.Hour

// Collected is what Collect removed.
type Collected struct {
	Images int   `json:"images"`
	Chunks int   `json:"chunks"`
	Bytes  int64 `json:"bytes"`
}

// Collect removes images that keep does not want, and chunks of no image. It runs when
// nobody imports, in this process or another; else it is Conflict and removes nothing. An
// image whose manifest cannot be read keeps the whole: nobody knows its chunks.
func (s *Store) Collect(ctx context.Context, keep func(ctx context.Context, digest string) (bool, error)) (Collected, error) {
	lock, err := s.lock(unix.LOCK_EX | unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return Collected{}, fault.Conflictf("an image is being added").WithHint("try again when it is done")
	}
	if err != nil {
		return Collected{}, err
	}
	defer lock.Close()
	if err := s.sweep(); err != nil {
		return Collected{}, err
	}
	var out Collected
	wanted, err := s.collectImages(ctx, keep, &out)
	if err == nil {
		err = s.collectChunks(ctx, wanted, &out)
	}
	return out, err
}

// collectImages removes manifests that are not wanted and returns the chunks of the others.
func (s *Store) collectImages(ctx context.Context, keep func(context.Context, string) (bool, error), out *Collected) (map[string]bool, error) {
	wanted := map[string]bool{}
	digests, err := s.Digests()
	if err != nil {
		return nil, err
	}
	for _, digest := range digests {
		kept, err := keep(ctx, digest)
		if err != nil {
			return nil, err
		}
		if !kept && s.old(digest) {
			if err := s.Remove(digest); err != nil {
				return nil, err
			}
			out.Images++
			continue
		}
		_, m, err := s.manifest(digest)
		if err != nil {
			return nil, err
		}
		for _, c := range m.Chunks {
			wanted[c.Blob] = true
		}
	}
	return wanted, nil
}

// old reports whether the manifest is not of this hour.
func (s *Store) old(digest string) bool {
	path, err := s.path(digest, ".manifest")
	if err != nil {
		return false
	}
	st, err := os.Stat(path)
	return err == nil && time.Since(st.ModTime()) > lonely
}

// Digests lists the images that are there.
func (s *Store) Digests() ([]string, error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, diskFault(s.dir, err)
	}
	var out []string
	for _, e := range entries {
		if sum, ok := strings.CutSuffix(e.Name(), ".manifest"); ok && isHex64(sum) {
			out = append(out, "sha256:"+sum)
		}
	}
	return out, nil
}

func (s *Store) collectChunks(ctx context.Context, wanted map[string]bool, out *Collected) error {
	err := filepath.WalkDir(filepath.Join(s.dir, chunkDir), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || wanted[e.Name()] {
			return errors.Join(err, ctx.Err())
		}
		st, err := e.Info()
		if err == nil {
			err = os.Remove(path)
		}
		if err == nil {
			out.Chunks++
			out.Bytes += st.Size()
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return diskFault(s.dir, err)
	}
	return nil
}
