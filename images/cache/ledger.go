package cache

import (
	"container/list"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"rackwright/fault"
)

const (
	chunkDir   = "chunks"
	tempSuffix = ".tmp"
)

// entry is a chunk that is kept.
type entry struct {
	blob   string
	size   int64
	used   time.Time
	proven bool // its digest was taken since the start
	at     *list.Element
}

// ledger knows what is kept, the least recently used first.
type ledger struct {
	by    map[string]*entry
	order *list.List
	bytes int64
}

func (l *ledger) add(e *entry) {
	e.at = l.order.PushBack(e)
	l.by[e.blob] = e
	l.bytes += e.size
}

func (l *ledger) use(e *entry, now time.Time) {
	e.used = now
	l.order.MoveToBack(e.at)
}

func (l *ledger) remove(e *entry) {
	l.order.Remove(e.at)
	delete(l.by, e.blob)
	l.bytes -= e.size
}

func (l *ledger) oldest() *entry {
	if front := l.order.Front(); front != nil {
		return front.Value.(*entry)
	}
	return nil
}

// read makes the ledger of a directory and removes what was arriving when a process ended.
func read(dir string) (*ledger, error) {
	l := &ledger{by: map[string]*entry{}, order: list.New()}
	temps, _ := filepath.Glob(filepath.Join(dir, "*"+tempSuffix))
	for _, p := range temps {
		if err := os.Remove(p); err != nil {
			return nil, err
		}
	}
	var found []*entry
	err := filepath.WalkDir(filepath.Join(dir, chunkDir), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		st, err := d.Info()
		if err != nil || !st.Mode().IsRegular() || !isBlob(d.Name()) {
			return err
		}
		found = append(found, &entry{blob: d.Name(), size: st.Size(), used: st.ModTime()})
		return nil
	})
	slices.SortFunc(found, func(a, b *entry) int { return a.used.Compare(b.used) })
	for _, e := range found {
		l.add(e)
	}
	return l, err
}

func isBlob(s string) bool {
	_, err := hex.DecodeString(s)
	return err == nil && len(s) == 64 && s == strings.ToLower(s)
}

// alone takes the directory for this process; its end gives it back.
func alone(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, ".lock"), os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return nil, fault.Internalf("cache %s: %w", dir, err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		return f, nil
	}
	f.Close()
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, fault.Conflictf("another process has the cache %s", dir).WithHint("end it, or give this one another directory")
	}
	return nil, fault.Internalf("cache %s: %w", dir, err)
}

func (c *Cache) path(blob string) string { return filepath.Join(c.Dir, chunkDir, blob[:2], blob) }

// room makes room for so many bytes more: what was used longest ago goes.
func (c *Cache) room(need int64) {
	for e := c.kept.oldest(); e != nil && c.kept.bytes+need > c.Max; e = c.kept.oldest() {
		c.drop(e)
		c.counts.Evicted++
	}
}

// shed gives so many bytes back to a disk that is full.
func (c *Cache) shed(bytes int64) (freed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for e := c.kept.oldest(); e != nil && bytes > 0; e = c.kept.oldest() {
		bytes -= e.size
		c.drop(e)
		c.counts.Evicted++
		freed = true
	}
	return freed
}

// drop removes a chunk; who reads it reads on.
func (c *Cache) drop(e *entry) {
	c.kept.remove(e)
	if err := os.Remove(c.path(e.blob)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.Log.Warn("a chunk was not removed", "chunk", e.blob, "error", err)
	}
}

// keep puts a proven file in its place.
func (c *Cache) keep(blob, temp string, size int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.room(size)
	path := c.path(blob)
	err := os.MkdirAll(filepath.Dir(path), 0o750)
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		return c.diskFault(err)
	}
	c.kept.add(&entry{blob: blob, size: size, used: c.Now(), proven: true})
	return nil
}
