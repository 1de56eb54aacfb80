package oci_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rackwright/fault"
	"rackwright/images/source/oci"
)

// artifact is a manifest with its layers, kept by digest.
type artifact struct {
	blobs    map[string][]byte
	manifest string // digest
}

func digest(b []byte) string { s := sha256.Sum256(b); return "sha256:" + hex.EncodeToString(s[:]) }

// newArtifact has a small layer "notes" and a large one "disk.raw".
func newArtifact() artifact {
	a := artifact{blobs: map[string][]byte{}}
	keep := func(b []byte) string { a.blobs[digest(b)] = b; return digest(b) }
	layer := func(title, media string, b []byte) map[string]any {
		return map[string]any{"mediaType": media, "digest": keep(b), "size": len(b), "annotations": map[string]string{"org.opencontainers.image.title": title}}
	}
	config := []byte("{}")
	m, _ := json.Marshal(map[string]any{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
		"config": map[string]any{"mediaType": "application/vnd.oci.empty.v1+json", "digest": keep(config), "size": 2},
		"layers": []any{layer("notes", "text/plain", []byte("what is new")), layer("disk.raw", "application/octet-stream", bytes.Repeat([]byte("disk "), 100_000))}})
	a.manifest = keep(m)
	return a
}

// write makes an image layout of it in a directory, under the tag v1.
func (a artifact) write(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	put := func(name string, b []byte) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	put("oci-layout", []byte(`{"imageLayoutVersion":"1.0.0"}`))
	put("index.json", fmt.Appendf(nil, `{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"%s","size":%d,"annotations":{"org.opencontainers.image.ref.name":"v1"}}]}`,
		a.manifest, len(a.blobs[a.manifest])))
	for d, b := range a.blobs {
		put("blobs/sha256/"+strings.TrimPrefix(d, "sha256:"), b)
	}
	return dir
}

func open(dir string) (fs.FS, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fault.Deniedf("%w", err)
	}
	return root.FS(), nil
}

func fetcher() *oci.Fetcher {
	return &oci.Fetcher{Client: http.DefaultClient, Layout: open, Backoff: func(ctx context.Context, _ int) error { return ctx.Err() }}
}

func read(t *testing.T, reference, layer string) ([]byte, *oci.Layer, error) {
	t.Helper()
	l, err := fetcher().Fetch(t.Context(), reference, layer, "")
	if err != nil {
		return nil, nil, err
	}
	defer l.Close()
	b, err := io.ReadAll(l)
	return b, l, err
}

func TestTheLargestLayerOfAnArtifactIsTheImageUnlessAnotherIsNamed(t *testing.T) {
	a := newArtifact()
	dir := a.write(t)
	for _, c := range []struct{ tag, layer, title string }{
		{":v1", "", "disk.raw"}, {":v1", "notes", "notes"}, {":v1", "text/plain", "notes"}, {"@" + a.manifest, "", "disk.raw"},
	} {
		b, l, err := read(t, "dir:"+dir+c.tag, c.layer)
		if err != nil || l.Title != c.title || "sha256:"+l.SHA256 != digest(b) || l.Bytes != int64(len(b)) || !bytes.Equal(b, a.blobs[digest(b)]) {
			t.Errorf("%+v: %d bytes of %+v, %v", c, len(b), l, err)
		}
	}
}

func TestWhatIsNoArtifactIsExplained(t *testing.T) {
	dir := newArtifact().write(t)
	for reference, kind := range map[string]fault.Kind{
		"dir:" + dir + ":v2":             fault.NotFound,
		"dir:" + dir:                     fault.Invalid,
		"dir:" + t.TempDir() + ":v1":     fault.Invalid,
		"dir:" + dir + "/none:v1":        fault.Denied,
		"no reference":                   fault.Invalid,
		"registry.example/image":         fault.Invalid,
		"127.0.0.1:1/image:v1":           fault.Unreachable,
		"dir:" + dir + "@sha256:" + "ab": fault.NotFound,
	} {
		if _, _, err := read(t, reference, ""); !fault.Is(err, kind) {
			t.Errorf("%s: %v", reference, err)
		}
	}
	if _, _, err := read(t, "dir:"+dir+":v1", "none"); !fault.Is(err, fault.NotFound) {
		t.Errorf("a layer that is not there: %v", err)
	}
}

// registry serves an artifact and breaks the first connections for its large layer.
func (a artifact) registry(t *testing.T, breaks int64) string {
	t.Helper()
	var asked atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, last, _ := strings.Cut(r.URL.Path, "/v2/image/")
		kind, name, _ := strings.Cut(last, "/")
		switch {
		case strings.HasPrefix(r.URL.Path, "/v2/closed/"):
			w.WriteHeader(http.StatusForbidden)
			return
		case kind == "manifests" && name == "v1":
			name = a.manifest
		}
		b, ok := a.blobs[name]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Docker-Content-Digest", name)
		w.Header().Set("Content-Type", map[string]string{"manifests": "application/vnd.oci.image.manifest.v1+json", "blobs": "application/octet-stream"}[kind])
		if len(b) > 100_000 && r.Method == http.MethodGet && asked.Add(1) <= breaks {
			w.Header().Set("Content-Length", fmt.Sprint(len(b)))
			w.Header().Set("Accept-Ranges", "bytes")
			_, _ = w.Write(b[:150_000])
			panic(http.ErrAbortHandler)
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b))
	}))
	t.Cleanup(srv.Close)
	return strings.TrimPrefix(srv.URL, "http://")
}

func TestALayerComesWholeFromARegistryThatBreaksOff(t *testing.T) {
	a := newArtifact()
	host := a.registry(t, 2)
	b, l, err := read(t, host+"/image:v1", "")
	if err != nil || "sha256:"+l.SHA256 != digest(b) || len(b) != 500_000 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	if _, _, err := read(t, host+"/image:v2", ""); !fault.Is(err, fault.NotFound) {
		t.Errorf("a tag that is not there: %v", err)
	}
	if _, _, err := read(t, host+"/closed:v1", ""); !fault.Is(err, fault.Denied) {
		t.Errorf("a closed repository: %v", err)
	}
}
