package blob

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"path/filepath"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"rackwright/fault"
	"rackwright/images"
)

// Subject is what Check looks at: an image in chunks, or a file kept whole.
type Subject struct {
	Digest string
	Kind   images.Kind
}

// Damage is bytes of an image that are not there, or not what they should be.
type Damage struct {
	Digest string // of the image or file
	Offset int64  // in the image
	Bytes  int64  // 0: all of it
	Where  string // a partition or a file, in words
	What   string // what is wrong
}

// Report is what Check found.
type Report struct {
	Images, Chunks, Files int
	Bytes                 int64 // read
	Damage                []Damage
	Orphans               int      // chunks of no image
	OrphanBytes           int64    // of them
	Unrecorded            []string // images and files that are in the store and were not asked for
}

// Check reads everything the subjects have and says what of it is damaged or missing, and
// what the store has beside them. Collect does not run meanwhile.
func (s *Store) Check(ctx context.Context, subjects []Subject, progress func(images.Reach)) (Report, error) {
	lock, err := s.lock(unix.LOCK_SH)
	if err != nil {
		return Report{}, err
	}
	defer lock.Close()
	if progress == nil {
		progress = func(images.Reach) {}
	}
	c := &checker{s: s, manifests: map[string]*images.Manifest{}, chunks: map[string]images.Chunk{}, bad: map[string]string{}, progress: progress}
	for _, one := range subjects {
		c.load(one)
	}
	for _, one := range subjects {
		if err := c.readFile(ctx, one); err != nil {
			return Report{}, err
		}
	}
	if err := c.readChunks(ctx); err != nil {
		return Report{}, err
	}
	for _, one := range subjects {
		c.judge(one)
	}
	return c.out, c.others(ctx, subjects)
}

// checker is a check at work.
type checker struct {
	s         *Store
	manifests map[string]*images.Manifest
	chunks    map[string]images.Chunk // of all manifests, each once
	out       Report
	progress  func(images.Reach)

	mu    sync.Mutex
	reach images.Reach
	bad   map[string]string // chunk -> what is wrong with it
}

// came tells how far it is with some bytes more.
func (c *checker) came(bytes int64, chunks int) {
	c.reach.Bytes += bytes
	c.reach.Chunks += chunks
	c.progress(c.reach)
}

// load reads the manifest of an image, and counts what there will be to read.
func (c *checker) load(one Subject) {
	if one.Kind.Whole() {
		c.out.Files++
		c.reach.AllBytes += c.s.sizeOf(one.Digest)
		return
	}
	if c.manifests[one.Digest] != nil {
		return
	}
	c.out.Images++
	_, m, err := c.s.manifest(one.Digest)
	switch {
	case fault.Is(err, fault.NotFound):
		c.out.Damage = append(c.out.Damage, Damage{Digest: one.Digest, What: "its manifest is missing"})
	case err != nil:
		c.out.Damage = append(c.out.Damage, Damage{Digest: one.Digest, What: "its manifest is damaged"})
	default:
		c.manifests[one.Digest] = m
		for _, chunk := range m.Chunks {
			if _, counted := c.chunks[chunk.Blob]; !counted {
				c.chunks[chunk.Blob] = chunk
				c.reach.AllBytes += chunk.Packed
				c.reach.AllChunks++
			}
		}
	}
}

// sizeOf is how long a file is, 0 when that cannot be told.
func (s *Store) sizeOf(digest string) int64 {
	f, err := s.OpenFile(digest)
	if err != nil {
		return 0
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return 0
	}
	return st.Size()
}

// readFile reads all of a file that is kept whole.
func (c *checker) readFile(ctx context.Context, one Subject) error {
	if !one.Kind.Whole() {
		return nil
	}
	what, err := c.file(ctx, one.Digest)
	if what != "" {
		c.out.Damage = append(c.out.Damage, Damage{Digest: one.Digest, What: what})
	}
	return err
}

// file proves a file; the text says what is wrong with it.
func (c *checker) file(ctx context.Context, digest string) (string, error) {
	f, err := c.s.OpenFile(digest)
	if fault.Is(err, fault.NotFound) {
		return "it is missing", nil
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(sum, told(func(n int) { c.came(int64(n), 0) })), &patientReader{ctx, f})
	if ctx.Err() != nil {
		return "", cancelled(ctx)
	}
	c.out.Bytes += n
	if err != nil {
		return "it cannot be read", nil
	}
	if "sha256:"+hex.EncodeToString(sum.Sum(nil)) != digest {
		return "it has other bytes than its digest says", nil
	}
	return "", nil
}

// told is a writer that only counts.
type told func(n int)

// Write implements io.Writer.
func (t told) Write(b []byte) (int, error) { t(len(b)); return len(b), nil }

// readChunks proves every chunk of the images once.
func (c *checker) readChunks(ctx context.Context) error {
	c.out.Chunks = len(c.chunks)
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for _, chunk := range c.chunks {
		if gctx.Err() != nil {
			break
		}
		g.Go(func() error { c.readOne(chunk); return nil })
	}
	_ = g.Wait()
	if ctx.Err() != nil {
		return cancelled(ctx)
	}
	return nil
}

func (c *checker) readOne(chunk images.Chunk) {
	_, err := readChunk(chunk, c.s.Chunk, nil)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out.Bytes += chunk.Packed
	switch {
	case fault.Is(err, fault.NotFound):
		c.bad[chunk.Blob] = "chunk " + chunk.Blob + " is missing"
	case err != nil:
		c.bad[chunk.Blob] = "chunk " + chunk.Blob + " is damaged: " + err.Error()
	}
	c.came(chunk.Packed, 1)
}

// judge names the damage of an image.
func (c *checker) judge(one Subject) {
	m := c.manifests[one.Digest]
	if m == nil || one.Kind.Whole() {
		return
	}
	for _, chunk := range m.Chunks {
		if what := c.bad[chunk.Blob]; what != "" {
			c.out.Damage = append(c.out.Damage, Damage{Digest: one.Digest, Offset: chunk.Offset, Bytes: chunk.Bytes,
				Where: c.where(m, one.Kind, chunk.Offset), What: what})
		}
	}
}

func (c *checker) where(m *images.Manifest, kind images.Kind, off int64) string {
	r := &reader{m: m, open: c.s.Chunk, at: -1}
	if kind == images.KindRootFS {
		return images.PlaceInTar(io.NewSectionReader(r, 0, m.Bytes), off)
	}
	return images.Place(r, m.Bytes, off)
}

// others finds what the store has beside the subjects.
func (c *checker) others(ctx context.Context, subjects []Subject) error {
	asked := map[string]bool{}
	for _, one := range subjects {
		asked[one.Digest] = true
	}
	digests, err := c.s.Digests()
	if err != nil {
		return err
	}
	named := map[string]bool{}
	for _, d := range digests {
		m := c.manifests[d]
		if !asked[d] {
			c.out.Unrecorded = append(c.out.Unrecorded, d)
			_, m, _ = c.s.manifest(d)
		}
		if m != nil {
			for _, chunk := range m.Chunks {
				named[chunk.Blob] = true
			}
		}
	}
	slices.SortStableFunc(c.out.Damage, func(a, b Damage) int { return cmp.Or(cmp.Compare(a.Digest, b.Digest), cmp.Compare(a.Offset, b.Offset)) })
	return c.s.eachChunk(ctx, func(_ string, e fs.DirEntry) error {
		if st, err := e.Info(); err == nil && !named[e.Name()] {
			c.out.Orphans++
			c.out.OrphanBytes += st.Size()
		}
		return nil
	})
}

// eachChunk calls do with the path of every chunk that is there.
func (s *Store) eachChunk(ctx context.Context, do func(path string, e fs.DirEntry) error) error {
	err := filepath.WalkDir(filepath.Join(s.dir, chunkDir), func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return cancelled(ctx)
		case e.IsDir() || !isHex64(e.Name()):
			return nil
		}
		return do(path, e)
	})
	return s.walkFault(err)
}
