package serve_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"rackwright/fault"
	"rackwright/images/cache"
	"rackwright/images/serve"
	"rackwright/images/ticket"
)

// shelf is a folder of chunks; one of them may be arriving.
type shelf struct {
	dir     string
	growing *growing
}

func (s shelf) Chunk(_ context.Context, blob, _ string) (*os.File, cache.Growing, error) {
	f, err := os.Open(filepath.Join(s.dir, blob))
	if err != nil {
		return nil, nil, fault.NotFoundf("no chunk")
	}
	if s.growing != nil {
		return f, s.growing, nil
	}
	return f, nil, nil
}

func (s shelf) Manifest(_ context.Context, digest, _ string) ([]byte, error) {
	if digest != "sha256:"+strings.Repeat("0", 64) {
		return nil, fault.NotFoundf("no manifest")
	}
	return []byte(`{"bytes": 1}`), nil
}

// growing is whole, or fails, when it is told to.
type growing struct {
	size int64
	err  error
	told chan struct{}
}

func (g *growing) Size() int64 { return g.size }

func (g *growing) Grown(ctx context.Context, have int64) (int64, error) {
	if have < g.size/2 {
		return g.size / 2, nil
	}
	select {
	case <-g.told:
		return g.size, g.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// hatch serves a chunk of 1 MiB.
func hatch(t *testing.T, g *growing) (url, name, good string, body []byte) {
	t.Helper()
	dir := t.TempDir()
	body = bytes.Repeat([]byte("chunk..\n"), 1<<17)
	sum := sha256.Sum256(body)
	name = hex.EncodeToString(sum[:])
	if err := os.WriteFile(filepath.Join(dir, name), body, 0o600); err != nil {
		t.Fatal(err)
	}
	public, key, _ := ed25519.GenerateKey(nil)
	s := httptest.NewServer(&serve.Server{Shelf: shelf{dir, g}, Door: ticket.NewDoor(public, func() time.Time { return noon }), Meter: &serve.Meter{}, Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(s.Close)
	return s.URL, name, ticket.New(key, ticket.Ticket{Holder: "op", Until: noon.Add(time.Hour)}), body
}

func get(t *testing.T, method, url, ticket string, header ...string) (*http.Response, []byte, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+ticket)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp, b, err
}

func TestAChunkIsGivenWholeOrInRangesToWhoHasATicket(t *testing.T) {
	url, name, good, body := hatch(t, nil)
	resp, b, err := get(t, "GET", url+"/chunks/"+name, good)
	if err != nil || resp.StatusCode != 200 || !bytes.Equal(b, body) || resp.Header.Get("Etag") != `"`+name+`"` || !strings.Contains(resp.Header.Get("Cache-Control"), "immutable") {
		t.Errorf("%s, %d bytes, %v, %v", resp.Status, len(b), resp.Header, err)
	}
	resp, b, _ = get(t, "GET", url+"/chunks/"+name, good, "Range", "bytes=8-15", "If-Range", `"`+name+`"`)
	if resp.StatusCode != 206 || string(b) != "chunk..\n" {
		t.Errorf("range: %s %q", resp.Status, b)
	}
	resp, b, _ = get(t, "HEAD", url+"/chunks/"+name, good)
	if resp.StatusCode != 200 || len(b) != 0 || resp.ContentLength != int64(len(body)) {
		t.Errorf("head: %s, %d", resp.Status, resp.ContentLength)
	}
	if resp, _, _ = get(t, "GET", url+"/chunks/"+name, good, "If-None-Match", `"`+name+`"`); resp.StatusCode != 304 {
		t.Errorf("not modified: %s", resp.Status)
	}
	if resp, b, _ = get(t, "GET", url+"/manifests/"+strings.Repeat("0", 64), good); resp.StatusCode != 200 || string(b) != `{"bytes": 1}` {
		t.Errorf("manifest: %s %s", resp.Status, b)
	}
}

func TestOthersGetNothing(t *testing.T) {
	url, name, good, _ := hatch(t, nil)
	for _, c := range []struct {
		method, path, ticket string
		want                 int
	}{
		{"GET", "/chunks/" + name, "", 401},
		{"GET", "/chunks/" + name, good + "x", 401},
		{"GET", "/chunks/" + strings.Repeat("0", 64), good, 404},
		{"GET", "/manifests/" + name, good, 404},
		{"GET", "/chunks/" + strings.ToUpper(name), good, 404},
		{"GET", "/chunks/../" + name, good, 404},
		{"GET", "/chunks/", good, 404},
		{"GET", "/else/" + name, good, 404},
		{"POST", "/chunks/" + name, good, 405},
		{"PUT", "/chunks/" + name, good, 405},
	} {
		if resp, b, _ := get(t, c.method, url+c.path, c.ticket); resp.StatusCode != c.want || len(b) > 100 {
			t.Errorf("%s %s: %s %.100q", c.method, c.path, resp.Status, b)
		}
	}
}

func TestAnArrivingChunkIsGivenAsItComes(t *testing.T) {
	g := &growing{size: 1 << 20, told: make(chan struct{})}
	url, name, good, body := hatch(t, g)
	r, _ := http.NewRequestWithContext(t.Context(), "GET", url+"/chunks/"+name, nil)
	r.Header.Set("Authorization", "Bearer "+good)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	first := make([]byte, 1<<18)
	if _, err := io.ReadFull(resp.Body, first); err != nil {
		t.Fatal(err)
	}
	close(g.told)
	rest, err := io.ReadAll(resp.Body)
	if err != nil || !bytes.Equal(append(first, rest...), body) || resp.ContentLength != g.size {
		t.Errorf("%d bytes, %v", len(first)+len(rest), err)
	}
	if resp, b, _ := get(t, "GET", url+"/chunks/"+name, good, "Range", "bytes=1048568-"); resp.StatusCode != 206 || string(b) != "chunk..\n" {
		t.Errorf("range: %s %q", resp.Status, b)
	}
}

func TestAChunkThatTurnsOutWrongIsCutShort(t *testing.T) {
	g := &growing{size: 1 << 20, told: make(chan struct{}), err: fault.Invalidf("wrong")}
	close(g.told)
	url, name, good, _ := hatch(t, g)
	resp, b, err := get(t, "GET", url+"/chunks/"+name, good)
	if err == nil || len(b) >= 1<<20 {
		t.Errorf("%s, %d bytes, %v", resp.Status, len(b), err)
	}
	if resp, _, _ := get(t, "GET", url+"/chunks/"+name, good, "Range", "bytes=0-1"); resp.StatusCode != 400 {
		t.Errorf("range: %s", resp.Status)
	}
}

func TestAServerWithoutTheChunkAsksItsCache(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "c"), []byte("far"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := serve.Shelves{Store: empty{}, Cache: shelf{dir: dir}}
	f, _, err := s.Chunk(t.Context(), "c", "")
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if _, err := s.Manifest(t.Context(), "sha256:"+strings.Repeat("0", 64), ""); err != nil {
		t.Error(err)
	}
	if _, _, err := (serve.Shelves{Store: empty{}}).Chunk(t.Context(), "c", ""); !fault.Is(err, fault.NotFound) {
		t.Errorf("without a cache: %v", err)
	}
}

// empty is a store with nothing in it.
type empty struct{}

func (empty) Chunk(string) (*os.File, error)  { return nil, fault.NotFoundf("no chunk") }
func (empty) Manifest(string) ([]byte, error) { return nil, fault.NotFoundf("no manifest") }

func TestManyAtOnceAreCounted(t *testing.T) {
	m := &serve.Meter{}
	url, name, good, body := hatch(t, nil)
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if resp, b, err := get(t, "GET", url+"/chunks/"+name, good); err != nil || resp.StatusCode != 200 || len(b) != len(body) {
				t.Errorf("%s, %d bytes, %v", resp.Status, len(b), err)
			}
		})
	}
	all.Wait()
	if m.Now() != 0 {
		t.Errorf("%d are being sent", m.Now())
	}
}
