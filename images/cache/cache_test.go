package cache_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"rackwright/fault"
	"rackwright/images/cache"
	"rackwright/images/imagetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// upstream serves frames by name and counts what was asked of it.
type upstream struct {
	*httptest.Server
	mu     sync.Mutex
	frames map[string][]byte
	asked  map[string]int
	gate   chan struct{} // nil: open; else chunks stop before their second half until it is closed
	status atomic.Int32
}

func newUpstream(t *testing.T) *upstream {
	u := &upstream{frames: map[string][]byte{}, asked: map[string]int{}}
	u.Server = httptest.NewServer(u)
	t.Cleanup(u.Close)
	return u
}

func (u *upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := filepath.Base(r.URL.Path)
	u.mu.Lock()
	u.asked[name]++
	b, known := u.frames[name]
	gate := u.gate
	u.mu.Unlock()
	if r.Header.Get("Authorization") != "Bearer good" {
		http.Error(w, "no", http.StatusUnauthorized)
		return
	}
	if s := int(u.status.Load()); s != 0 || !known {
		http.Error(w, "no", max(s, http.StatusNotFound))
		return
	}
	w.Header().Set("Content-Length", fmt.Sprint(len(b)))
	_, _ = w.Write(b[:len(b)/2])
	if gate != nil {
		w.(http.Flusher).Flush()
		select {
		case <-gate:
		case <-r.Context().Done():
			return
		}
	}
	_, _ = w.Write(b[len(b)/2:])
}

func (u *upstream) add(b []byte) string {
	sum := sha256.Sum256(b)
	name := hex.EncodeToString(sum[:])
	u.mu.Lock()
	defer u.mu.Unlock()
	u.frames[name] = b
	return name
}

func (u *upstream) times(name string) int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.asked[name]
}

// frame is n bytes that tell one from another.
func frame(n, seed int) []byte {
	return bytes.Repeat([]byte(fmt.Sprintf("%07d\n", seed)), n/8)
}

func open(t *testing.T, dir, url string, max int64) *cache.Cache {
	t.Helper()
	c, err := cache.Open(cache.Options{Dir: dir, Max: max, Upstream: url, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); c.Client.CloseIdleConnections() })
	return c
}

// read reads a chunk as the server that gives it out does.
func read(ctx context.Context, c *cache.Cache, name string) ([]byte, error) {
	f, g, err := c.Chunk(ctx, name, "good")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if g == nil {
		return io.ReadAll(f)
	}
	var out []byte
	for int64(len(out)) < g.Size() {
		n, err := g.Grown(ctx, int64(len(out)))
		if err != nil {
			return out, err
		}
		b := make([]byte, n-int64(len(out)))
		if _, err := io.ReadFull(f, b); err != nil {
			return out, err
		}
		out = append(out, b...)
	}
	return out, nil
}

const mib = 1 << 20

func TestAHundredWhoWaitAreServedByOneFetchWhileItArrives(t *testing.T) {
	u := newUpstream(t)
	want := frame(mib, 1)
	name := u.add(want)
	u.gate = make(chan struct{})
	c := open(t, t.TempDir(), u.URL, 64*mib)
	var all sync.WaitGroup
	var early atomic.Int32
	for range 100 {
		all.Go(func() {
			f, g, err := c.Chunk(t.Context(), name, "good")
			if err != nil || g == nil {
				t.Errorf("growing %v, %v", g, err)
				return
			}
			defer f.Close()
			if n, err := g.Grown(t.Context(), 0); err != nil || n == 0 || n == mib {
				t.Errorf("%d bytes at first, %v", n, err)
			}
			if early.Add(1) == 100 {
				close(u.gate) // everybody has a part of it before the rest is sent
			}
			if n, err := g.Grown(t.Context(), mib-1); err != nil || n != mib {
				t.Errorf("%d bytes, %v", n, err)
			}
			if got, err := io.ReadAll(f); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
		})
	}
	all.Wait()
	if n := u.times(name); n != 1 {
		t.Errorf("it was fetched %d times", n)
	}
	if got, err := read(t.Context(), c, name); err != nil || !bytes.Equal(got, want) || u.times(name) != 1 {
		t.Errorf("what is kept: %d bytes, %v", len(got), err)
	}
}

func TestWrongBytesAreNeverWholeAndNeverKept(t *testing.T) {
	u := newUpstream(t)
	name := u.add(frame(mib, 1))
	bad := frame(mib, 1)
	bad[mib-1] ^= 1
	u.frames[name] = bad
	dir := t.TempDir()
	c := open(t, dir, u.URL, 64*mib)
	got, err := read(t.Context(), c, name)
	if !fault.Is(err, fault.Invalid) || len(got) >= mib {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if n := c.Counts(); n.Wrong != 1 || n.Chunks != 0 || n.Held != 0 {
		t.Errorf("%+v", n)
	}
	wantFiles(t, dir, 0)
	u.add(frame(mib, 1))
	if _, err := read(t.Context(), c, name); err != nil {
		t.Errorf("after the upstream was mended: %v", err)
	}
}

// wantFiles counts what lies in the directory besides the lock.
func wantFiles(t *testing.T, dir string, want int) {
	t.Helper()
	n := 0
	_ = filepath.WalkDir(dir, func(_ string, d os.DirEntry, _ error) error {
		if !d.IsDir() && d.Name() != ".lock" {
			n++
		}
		return nil
	})
	if n != want {
		t.Errorf("%d files, want %d", n, want)
	}
}

func TestAHostileUpstreamIsRefused(t *testing.T) {
	endless := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for range 1 << 10 { // chunked: it says no length
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	}))
	huge := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(int64(1)<<40))
		w.WriteHeader(http.StatusOK)
	}))
	short := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write(make([]byte, 10))
	}))
	moved := httptest.NewServer(http.RedirectHandler("http://192.0.2.1/", http.StatusFound))
	gone := httptest.NewServer(nil)
	gone.Close()
	name := hex.EncodeToString(make([]byte, 32))
	for what, c := range map[string]struct {
		s    *httptest.Server
		kind fault.Kind
	}{
		"endless": {endless, fault.Invalid}, "huge": {huge, fault.Invalid}, "short": {short, fault.Unreachable},
		"moved": {moved, fault.Unreachable}, "gone": {gone, fault.Unreachable},
	} {
		dir := t.TempDir()
		k := open(t, dir, c.s.URL, 64*mib)
		if _, err := read(t.Context(), k, name); !fault.Is(err, c.kind) {
			t.Errorf("%s: %v", what, err)
		}
		wantFiles(t, dir, 0)
		c.s.Close()
	}
}

func TestWhatTheUpstreamRefusesIsRefused(t *testing.T) {
	u := newUpstream(t)
	name := u.add(frame(8, 1))
	c := open(t, t.TempDir(), u.URL, 64*mib)
	if _, _, err := c.Chunk(t.Context(), name, "bad"); !fault.Is(err, fault.Denied) {
		t.Errorf("a bad ticket: %v", err)
	}
	if _, err := read(t.Context(), c, hex.EncodeToString(make([]byte, 32))); !fault.Is(err, fault.NotFound) {
		t.Errorf("an unknown chunk: %v", err)
	}
	for _, odd := range []string{"", "..", "../../etc/passwd", name + "0", "A" + name[1:]} {
		if _, _, err := c.Chunk(t.Context(), odd, "good"); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", odd, err)
		}
	}
}

func TestWhatWasUsedLongestAgoMakesRoom(t *testing.T) {
	u := newUpstream(t)
	dir := t.TempDir()
	c := open(t, dir, u.URL, 5*mib)
	var names []string
	for i := range 7 {
		names = append(names, u.add(frame(mib, i)))
		if _, err := read(t.Context(), c, names[i]); err != nil {
			t.Fatal(err)
		}
		if _, err := read(t.Context(), c, names[0]); err != nil { // the first is in use all the time
			t.Fatal(err)
		}
	}
	if n := c.Counts(); n.Held > 5*mib || n.Chunks != 5 || n.Evicted != 2 {
		t.Errorf("%+v", n)
	}
	if u.times(names[0]) != 1 {
		t.Error("what was in use was evicted")
	}
	if _, err := read(t.Context(), c, names[1]); err != nil || u.times(names[1]) != 2 {
		t.Errorf("the first that was not used: fetched %d times, %v", u.times(names[1]), err)
	}
}

func TestARestartKeepsWhatIsThereAndProvesItAgain(t *testing.T) {
	u := newUpstream(t)
	dir := t.TempDir()
	good, rotten := u.add(frame(mib, 1)), u.add(frame(mib, 2))
	c := open(t, dir, u.URL, 64*mib)
	for _, n := range []string{good, rotten} {
		if _, err := read(t.Context(), c, n); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := cache.Open(cache.Options{Dir: dir, Max: 64 * mib, Now: time.Now}); !fault.Is(err, fault.Conflict) {
		t.Errorf("a second process: %v", err)
	}
	c.Close()
	for name, text := range map[string]string{filepath.Join("chunks", rotten[:2], rotten): "rotten", good + ".tmp": "half"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c = open(t, dir, u.URL, 64*mib)
	for _, n := range []string{good, rotten, good, rotten} {
		if got, err := read(t.Context(), c, n); err != nil || !bytes.Equal(got, u.frames[n]) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	}
	if u.times(good) != 1 || u.times(rotten) != 2 {
		t.Errorf("fetched %d and %d times", u.times(good), u.times(rotten))
	}
	wantFiles(t, dir, 2)
}

func TestWithoutTheUpstreamItServesWhatItHas(t *testing.T) {
	u := newUpstream(t)
	name, other := u.add(frame(mib, 1)), u.add(frame(mib, 2))
	c := open(t, t.TempDir(), u.URL, 64*mib)
	if _, err := read(t.Context(), c, name); err != nil {
		t.Fatal(err)
	}
	u.Close()
	if _, err := read(t.Context(), c, other); !fault.Is(err, fault.Unreachable) {
		t.Errorf("got %v", err)
	}
	if _, err := read(t.Context(), c, name); err != nil {
		t.Errorf("what it has: %v", err)
	}
}

func TestOneWhoGoesAwayEndsNobodysFetch(t *testing.T) {
	u := newUpstream(t)
	name := u.add(frame(mib, 1))
	u.gate = make(chan struct{})
	c := open(t, t.TempDir(), u.URL, 64*mib)
	f, g, err := c.Chunk(t.Context(), name, "good")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := g.Grown(gone, mib-1); !fault.Is(err, fault.Unreachable) {
		t.Errorf("got %v", err)
	}
	close(u.gate)
	if n, err := g.Grown(t.Context(), mib-1); err != nil || n != mib {
		t.Errorf("%d, %v", n, err)
	}
}

func TestAnImageIsWarmedOnce(t *testing.T) {
	u := newUpstream(t)
	m, frames, err := imagetest.Pack(bytes.Repeat(frame(mib, 1), 3))
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range frames {
		u.frames[name] = b
	}
	text, digest, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	u.frames[digest[len("sha256:"):]] = text
	c := open(t, t.TempDir(), u.URL, 64*mib)
	last := 0
	for range 2 {
		if err := c.Warm(t.Context(), digest, "good", func(done, total int) { last = max(last, done*100+total) }); err != nil {
			t.Fatal(err)
		}
	}
	if last != len(frames)*100+len(frames) || c.Counts().Chunks != len(frames) || c.Counts().Misses != int64(len(frames)) {
		t.Errorf("last %d, %+v", last, c.Counts())
	}
	u.frames[digest[len("sha256:"):]] = append(text, ' ')
	if err := c.Warm(t.Context(), digest, "good", func(int, int) {}); !fault.Is(err, fault.Invalid) {
		t.Errorf("a manifest of another digest: %v", err)
	}
}
