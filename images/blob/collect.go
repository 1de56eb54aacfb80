package blob

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"rackwright/fault"
	"rackwright/images"
)

// lonely is how old an image or a file without a record must be to be collected. An import
// holds the lock until its record is written; this is for what has its record written
// later (firmware, parts) and for imports that were killed in between.
const lonely = time.Hour

// Keep says whether a record names the digest of an image or of a file.
type Keep func(ctx context.Context, digest string) (bool, error)

// Collect removes images and files that keep does not want, and chunks of no image. It runs
// when nobody imports, in this process or another; else it is Conflict and removes
// nothing. An image that is wanted and whose manifest cannot be read keeps all chunks:
// nobody knows which are its. told, when not nil, is called with what is removed by then.
func (s *Store) Collect(ctx context.Context, keep Keep, told func(images.Collected)) (images.Collected, error) {
	return s.collect(ctx, s.unlessYoung(keep), os.Remove, told)
}

// Collectable is what Collect would remove.
func (s *Store) Collectable(ctx context.Context, keep Keep) (images.Collected, error) {
	return s.collect(ctx, s.unlessYoung(keep), func(string) error { return nil }, nil)
}

// keeps says whether a file of the store, of a digest, is kept.
type keeps func(ctx context.Context, name, digest string) (bool, error)

// unlessYoung keeps what is too young to be lonely, too.
func (s *Store) unlessYoung(keep Keep) keeps {
	return func(ctx context.Context, name, digest string) (bool, error) {
		kept, err := keep(ctx, digest)
		if err != nil || kept {
			return true, err
		}
		st, err := os.Stat(s.at(name))
		return err != nil || time.Since(st.ModTime()) < lonely, nil
	}
}

// Forget is Collect of a few digests whose record was removed, however young they are.
func (s *Store) Forget(ctx context.Context, digests []string, keep Keep) (images.Collected, error) {
	return s.collect(ctx, func(ctx context.Context, _, d string) (bool, error) {
		if !slices.Contains(digests, d) {
			return true, nil
		}
		return keep(ctx, d)
	}, os.Remove, nil)
}

func (s *Store) collect(ctx context.Context, keep keeps, remove func(path string) error, told func(images.Collected)) (images.Collected, error) {
	lock, err := s.lock(unix.LOCK_EX | unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return images.Collected{}, fault.Conflictf("an image is being added").WithHint("try again when it is done")
	}
	if err != nil {
		return images.Collected{}, err
	}
	defer lock.Close()
	if err := s.sweep(); err != nil {
		return images.Collected{}, err
	}
	var out images.Collected
	if told != nil {
		plain := remove
		remove = func(path string) error { told(out); return plain(path) }
	}
	wanted, err := s.collectNamed(ctx, keep, remove, &out)
	if err == nil {
		err = s.collectChunks(ctx, wanted, remove, &out)
	}
	return out, err
}

// collectNamed removes images and files that are not wanted and returns the chunks of the
// other images.
func (s *Store) collectNamed(ctx context.Context, keep keeps, remove func(path string) error, out *images.Collected) (map[string]bool, error) {
	wanted := map[string]bool{}
	err := s.eachNamed(func(name, digest string, size int64) error {
		if ctx.Err() != nil {
			return cancelled(ctx)
		}
		kept, err := keep(ctx, name, digest)
		if err != nil {
			return err
		}
		image := strings.HasSuffix(name, ".manifest")
		switch {
		case kept && image:
			_, m, err := s.manifest(digest)
			if err != nil {
				return err
			}
			for _, c := range m.Chunks {
				wanted[c.Blob] = true
			}
			return nil
		case kept:
			return nil
		case image:
			out.Images++
		default:
			out.Files++
			out.Bytes += size
		}
		return remove(s.at(name))
	})
	return wanted, s.walkFault(err)
}

// eachNamed calls do with every manifest and file that is there.
func (s *Store) eachNamed(do func(name, digest string, size int64) error) error {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return diskFault(s.dir, err)
	}
	for _, e := range entries {
		sum, _, _ := strings.Cut(e.Name(), ".")
		if !isHex64(sum) || !strings.HasSuffix(e.Name(), ".manifest") && !strings.HasSuffix(e.Name(), ".file") {
			continue
		}
		st, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = do(e.Name(), "sha256:"+sum, st.Size())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Digests lists the images that are there.
func (s *Store) Digests() (out []string, err error) {
	err = s.eachNamed(func(name, digest string, _ int64) error {
		if strings.HasSuffix(name, ".manifest") {
			out = append(out, digest)
		}
		return nil
	})
	return out, err
}

func (s *Store) collectChunks(ctx context.Context, wanted map[string]bool, remove func(path string) error, out *images.Collected) error {
	return s.eachChunk(ctx, func(path string, e fs.DirEntry) error {
		if wanted[e.Name()] {
			return nil
		}
		st, err := e.Info()
		if err == nil {
			err = remove(path)
		}
		if err == nil {
			out.Chunks++
			out.Bytes += st.Size()
		}
		return err
	})
}

// walkFault gives an error of walking the store its kind. No directory is no error: it
// comes with the first chunk.
func (s *Store) walkFault(err error) error {
	if _, ok := errors.AsType[*fault.Error](err); ok || err == nil {
		return err
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return diskFault(s.dir, err)
}

// Holding calls do while nothing is collected, if the files of all digests are there.
func (s *Store) Holding(digests []string, do func() error) error {
	lock, err := s.lock(unix.LOCK_SH)
	if err != nil {
		return err
	}
	defer lock.Close()
	for _, d := range digests {
		f, err := s.OpenFile(d)
		if err != nil {
			return err
		}
		f.Close()
	}
	return do()
}
