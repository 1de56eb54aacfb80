// Package cache keeps chunks of another rackwright near those who fetch them. Each is
// fetched once however many wait for it, given out while it arrives, and kept only when
// its digest is right. It listens on nothing (images/serve does) and trusts nobody.
package cache

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"rackwright/fault"
	"rackwright/images"
)

// Options are the world of a cache. All but Client and Log are required.
type Options struct {
	Dir      string
	Max      int64  // bytes of chunks that are kept
	Upstream string // base URL of the rackwright whose chunks they are
	Client   *http.Client
	Log      *slog.Logger
	Now      func() time.Time
}

// maxFrame is more than the frame of any chunk has.
const maxFrame = images.MaxChunk + images.MaxChunk/64 + 512

// Cache is a directory of chunks. One process has it.
//
//	chunks/ab/<64 hex>  a frame; its SHA-256 is the name
//	<64 hex>.tmp        one that is arriving
type Cache struct {
	Options
	lock *os.File

	mu      sync.Mutex
	kept    *ledger
	flights map[string]*flight
	away    time.Time // until then the upstream is not asked: it did not answer
	counts  Counts
}

// Counts are of this process, Held and Chunks of the directory.
type Counts struct {
	Chunks  int   `json:"chunks" doc:"Chunks that are kept"`
	Held    int64 `json:"held_bytes" doc:"Bytes of them"`
	Hits    int64 `json:"hits" doc:"Chunks given out that were there"`
	Misses  int64 `json:"misses" doc:"Chunks that had to be fetched"`
	Fetched int64 `json:"fetched_bytes" doc:"Bytes that came from upstream"`
	Wrong   int64 `json:"wrong" doc:"Chunks whose digest was wrong: none of them was kept"`
	Evicted int64 `json:"evicted" doc:"Chunks that made room"`
}

// Open opens the directory and counts what it holds. Another process with it is Conflict.
func Open(o Options) (*Cache, error) {
	if o.Max < maxFrame {
		return nil, fault.Invalidf("a cache of %d bytes holds no chunk", o.Max).WithHint("give it at least 1 GiB")
	}
	if o.Client == nil {
		o.Client = newClient()
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	c := &Cache{Options: o, flights: map[string]*flight{}}
	if err := os.MkdirAll(filepath.Join(o.Dir, chunkDir), 0o750); err != nil {
		return nil, c.diskFault(err)
	}
	var err error
	if c.lock, err = alone(o.Dir); err != nil {
		return nil, err
	}
	if c.kept, err = read(o.Dir); err != nil {
		c.lock.Close()
		return nil, c.diskFault(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.room(0)
	return c, nil
}

// Close gives the directory up.
func (c *Cache) Close() error { return c.lock.Close() }

// Counts says how the cache stands.
func (c *Cache) Counts() Counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.counts
	out.Chunks, out.Held = len(c.kept.by), c.kept.bytes
	return out
}

// Growing is a chunk that is still arriving.
type Growing interface {
	// Size is of the whole chunk.
	Size() int64
	// Grown waits until more than have bytes may be read and says how many; all of them
	// only once the chunk is proven. An error: it will not be whole.
	Grown(ctx context.Context, have int64) (int64, error)
}

// Chunk opens a chunk that is kept, with a nil Growing; else it begins to fetch it with the
// ticket, or joins who did, and the file is read as far as Growing says.
func (c *Cache) Chunk(ctx context.Context, blob, ticket string) (*os.File, Growing, error) {
	if !isBlob(blob) {
		return nil, nil, fault.Invalidf("%.80q is not the name of a chunk", blob)
	}
	for first := true; ; first = false {
		if f := c.have(blob, first); f != nil {
			return f, nil, nil
		}
		file, f, err := c.arriving(ctx, blob, ticket)
		if err == nil {
			return file, f, nil
		}
		if !errors.Is(err, errLanded) || ctx.Err() != nil {
			return nil, nil, err
		}
	}
}

// have opens a chunk that is kept, nil when it is not. The first time since the start its
// digest is taken: what lies on a disk for months may have changed, and is fetched again.
// hit is whether it counts as one.
func (c *Cache) have(blob string, hit bool) *os.File {
	c.mu.Lock()
	e := c.kept.by[blob]
	if e == nil {
		c.mu.Unlock()
		return nil
	}
	proven, touch := e.proven, c.Now().Sub(e.used) > time.Hour
	c.kept.use(e, c.Now())
	f, err := os.Open(c.path(blob))
	c.mu.Unlock()
	if err == nil && !proven {
		err = prove(f, blob)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		if f != nil {
			f.Close()
		}
		c.Log.Warn("a kept chunk is damaged; it is fetched again", "chunk", blob, "error", err)
		if c.kept.by[blob] == e {
			c.drop(e)
		}
		return nil
	}
	if e.proven = true; hit {
		c.counts.Hits++
	}
	if touch { // so that the next start knows what is in use
		_ = os.Chtimes(c.path(blob), e.used, e.used)
	}
	return f
}

// prove compares a file with its name and goes back to its beginning.
func prove(f *os.File, blob string) error {
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return err
	}
	if hex.EncodeToString(sum.Sum(nil)) != blob {
		return errors.New("its digest is another")
	}
	_, err := f.Seek(0, io.SeekStart)
	return err
}

// arriving opens what has come of a chunk; errLanded: it is kept by now.
func (c *Cache) arriving(ctx context.Context, blob, ticket string) (*os.File, *flight, error) {
	f := c.join(blob, ticket)
	select {
	case <-f.begun:
	case <-ctx.Done():
		return nil, nil, fault.Unreachablef("nobody waits for the chunk any more: %w", context.Cause(ctx))
	}
	file, err := f.open()
	return file, f, err
}

// join returns the flight that brings a chunk; the first who asks begins it.
func (c *Cache) join(blob, ticket string) *flight {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f := c.flights[blob]; f != nil {
		return f
	}
	if c.kept.by[blob] != nil { // it landed just now
		return landed()
	}
	f := newFlight(filepath.Join(c.Dir, blob+tempSuffix))
	c.counts.Misses++
	if c.Now().Before(c.away) {
		f.fail(fault.Unreachablef("%s did not answer a moment ago", c.Upstream).WithHint("fetch from another source"))
		return f
	}
	c.flights[blob] = f
	go func() {
		err := c.fetch(blob, ticket, f)
		silent := fault.Is(err, fault.Unreachable) && !f.answered()
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.flights, blob)
		if silent {
			c.away = c.Now().Add(awayFor)
		}
	}()
	return f
}

// awayFor is how long an upstream that did not answer is not asked again.
const awayFor = time.Second

func (c *Cache) diskFault(err error) error {
	return fault.Internalf("cache %s: %w", c.Dir, err).WithHint("see that the directory may be written and its disk is not full")
}
