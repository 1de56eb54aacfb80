package run_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"aead.dev/minisign"
	"go.uber.org/goleak"

	"rackwright/fault"
	"rackwright/images"
	"rackwright/images/blob"
	"rackwright/images/imagetest"
	"rackwright/images/proof"
	"rackwright/images/run"
	"rackwright/store"
	"rackwright/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// yard is a catalogue with its task at work over a real store.
type yard struct {
	t    *testing.T
	db   *store.DB
	door *run.Door
	task *run.Task
	web  *httptest.Server
	dir  string            // that may be imported from
	file map[string][]byte // on the web, by path
	hits atomic.Int64
}

func newYard(t *testing.T, edit func(*yard)) *yard {
	t.Helper()
	y := &yard{t: t, dir: t.TempDir(), file: map[string][]byte{}}
	state := t.TempDir()
	db, err := store.Open(t.Context(), store.Options{DSN: filepath.Join(state, "db"), Sealer: storetest.NewSealer("yard")})
	y.ok(err)
	blobs, err := blob.Open(filepath.Join(state, "images"))
	y.ok(err)
	y.db, y.door = db, &run.Door{Records: db, Blobs: blobs, Keys: &proof.Keys{}}
	y.web = httptest.NewServer(http.HandlerFunc(y.serve))
	transport := &http.Transport{}
	y.task = &run.Task{Door: y.door, Store: db, Log: slog.New(slog.DiscardHandler), Now: time.Now, Owner: "yard", Dirs: []string{y.dir},
		Client: &http.Client{Transport: transport}, Backoff: func(ctx context.Context, _ int) error { return ctx.Err() }}
	if edit != nil {
		edit(y)
	}
	stop := y.start(y.task)
	t.Cleanup(func() { stop(); transport.CloseIdleConnections(); y.web.Close(); db.Close() })
	return y
}

// start runs a task; the function ends it.
func (y *yard) start(task *run.Task) func() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = task.Run(ctx) }()
	return func() { cancel(); <-done }
}

func (y *yard) ok(err error) {
	y.t.Helper()
	if err != nil {
		y.t.Fatal(err)
	}
}

// serve gives files out and breaks every other connection for a large one.
func (y *yard) serve(w http.ResponseWriter, r *http.Request) {
	b, ok := y.file[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Etag", `"1"`)
	if n := y.hits.Add(1); len(b) > 1<<20 && n%2 == 1 && r.Header.Get("Range") == "" {
		w.Header().Set("Content-Length", fmt.Sprint(len(b)))
		_, _ = w.Write(b[:len(b)/2])
		panic(http.ErrAbortHandler)
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b))
}

// ask asks for an import and waits for its end.
func (y *yard) ask(o images.ImportOrder, state images.ImportState) *images.Import {
	y.t.Helper()
	y.ok(o.Check(state == images.Receiving))
	i := &images.Import{Name: o.Name, Kind: o.Kind, From: o.Origin(), State: state, Bytes: o.Bytes, Actor: "tester", Order: o}
	y.ok(y.db.CreateImageImport(y.t.Context(), i))
	if state == images.Receiving {
		return i
	}
	return y.await(i.ID)
}

func (y *yard) await(id string) *images.Import {
	y.t.Helper()
	late := time.After(time.Minute)
	for tick := time.NewTicker(2 * time.Millisecond); ; {
		i, err := y.db.ImageImport(y.t.Context(), id)
		y.ok(err)
		if i.State.Ended() {
			return i
		}
		select {
		case <-tick.C:
		case <-late:
			y.t.Fatalf("the import stays %s", i.State)
		}
	}
}

func (y *yard) fetched(o images.ImportOrder) *images.Image {
	y.t.Helper()
	i := y.ask(o, images.Queued)
	if i.State != images.Done {
		y.t.Fatalf("%s: %s (%s)", o.Name, i.Error, i.Hint)
	}
	img, err := y.db.Image(y.t.Context(), o.Name)
	y.ok(err)
	if img.Digest != i.Digest {
		y.t.Errorf("the import has digest %s, the image %s", i.Digest, img.Digest)
	}
	return img
}

func (y *yard) refused(o images.ImportOrder, says string) {
	y.t.Helper()
	i := y.ask(o, images.Queued)
	if i.State != images.Failed || !strings.Contains(i.Error, says) || i.Hint == "" || i.Fault == "" {
		y.t.Errorf("%s is %s: %q (%q), want it to say %q", o.Name, i.State, i.Error, i.Hint, says)
	}
	if _, err := y.db.Image(y.t.Context(), o.Name); !fault.Is(err, fault.NotFound) {
		y.t.Errorf("%s is in the catalogue: %v", o.Name, err)
	}
}

func disk(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile(imagetest.Write(t, imagetest.Spec{BIOS: true, RootMiB: 6}))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAnImageComesFromWhereverItIs(t *testing.T) {
	y := newYard(t, nil)
	d := disk(t)
	y.file["/disk.raw"] = d
	path := filepath.Join(y.dir, "disk.raw")
	y.ok(os.WriteFile(path, d, 0o600))
	web := y.fetched(images.ImportOrder{Name: "by-web", URL: y.web.URL + "/disk.raw?key=secret"})
	file := y.fetched(images.ImportOrder{Name: "by-path", Path: path})
	oci := y.fetched(images.ImportOrder{Name: "by-oci", OCI: "dir:" + layout(t, y.dir, d) + ":v1"})
	if web.Digest != file.Digest || web.Digest != oci.Digest || web.Kind != images.KindDisk || web.Bytes != int64(len(d)) {
		t.Errorf("%+v, %+v, %+v", web, file, oci)
	}
	h, err := y.door.Check(t.Context(), "", nil)
	if err != nil || len(h.Damage) > 0 || h.Images != 3 || len(h.Unrecorded) > 0 {
		t.Errorf("%+v, %v", h, err)
	}
}

// layout writes an artifact with one layer as an OCI image layout.
func layout(t *testing.T, dir string, layer []byte) string {
	t.Helper()
	at := filepath.Join(dir, "layout")
	put := func(name string, b []byte) {
		path := filepath.Join(at, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	blob := func(b []byte) map[string]any {
		sum := sha(b)
		put("blobs/sha256/"+sum, b)
		return map[string]any{"mediaType": "application/octet-stream", "digest": "sha256:" + sum, "size": len(b)}
	}
	m, _ := json.Marshal(map[string]any{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": blob([]byte("{}")), "layers": []any{blob(layer)}})
	d := blob(m)
	d["mediaType"], d["annotations"] = "application/vnd.oci.image.manifest.v1+json", map[string]string{"org.opencontainers.image.ref.name": "v1"}
	index, _ := json.Marshal(map[string]any{"schemaVersion": 2, "manifests": []any{d}})
	put("index.json", index)
	put("oci-layout", []byte(`{"imageLayoutVersion":"1.0.0"}`))
	return at
}

func TestWhatCannotBeImportedIsExplainedAndLeavesNothing(t *testing.T) {
	y := newYard(t, nil)
	d := disk(t)
	y.file["/disk.raw"], y.file["/page"] = d, []byte("<html>"+strings.Repeat("not found ", 100))
	outside := filepath.Join(t.TempDir(), "disk.raw")
	y.ok(os.WriteFile(outside, d, 0o600))
	y.ok(os.Symlink(outside, filepath.Join(y.dir, "link")))
	y.refused(images.ImportOrder{Name: "gone", URL: y.web.URL + "/gone?key=secret"}, "there is nothing at")
	y.refused(images.ImportOrder{Name: "page", URL: y.web.URL + "/page"}, "a web page")
	y.refused(images.ImportOrder{Name: "other", URL: y.web.URL + "/disk.raw", SHA256: strings.Repeat("0", 64)}, "expected sha256:0000")
	y.refused(images.ImportOrder{Name: "signed", URL: y.web.URL + "/disk.raw", Signature: "none"}, "trusts no key")
	y.refused(images.ImportOrder{Name: "outside", Path: outside}, "below none of the directories")
	y.refused(images.ImportOrder{Name: "link", Path: filepath.Join(y.dir, "link")}, "cannot be opened")
	y.refused(images.ImportOrder{Name: "directory", Path: y.dir}, "not a regular file")
	for name, hint := range map[string]string{"link": "it is a link", "missing": "correct the path", ".": "file in it"} {
		if i := y.ask(images.ImportOrder{Name: "hinted", Path: filepath.Join(y.dir, name)}, images.Queued); !strings.Contains(i.Hint, hint) {
			t.Errorf("%s: %s (%s)", name, i.Error, i.Hint)
		}
	}
	y.refused(images.ImportOrder{Name: "up", Path: y.dir + "/../x"}, "below none")
	y.refused(images.ImportOrder{Name: "tar", URL: y.web.URL + "/disk.raw", Kind: images.KindRootFS}, "not a tar archive")
	y.refused(images.ImportOrder{Name: "iso", URL: y.web.URL + "/disk.raw", Kind: images.KindISO}, "not an ISO 9660 image")
	left, err := y.door.Check(t.Context(), "", nil)
	if err != nil || left.Orphans > 0 || len(left.Unrecorded) > 0 {
		t.Errorf("%+v, %v", left, err)
	}
}

func TestAnUploadBecomesAnImageWithItsLastByteAlsoAfterARestart(t *testing.T) {
	y := newYard(t, nil)
	d := disk(t)
	i := y.ask(images.ImportOrder{Name: "sent", Bytes: int64(len(d))}, images.Receiving)
	for at := 0; at < len(d); {
		part := d[at:min(at+3<<20, len(d))]
		n, err := y.door.Blobs.AppendUpload(t.Context(), i.ID, int64(at), bytes.NewReader(part), int64(len(d)), images.KindDisk)
		y.ok(err)
		y.ok(y.db.NoteUpload(t.Context(), i.ID, n, int64(len(d))))
		at = int(n)
		y.task.Tidy(t.Context()) // does not touch what receives
	}
	if end := y.await(i.ID); end.State != images.Done {
		t.Fatalf("%+v", end)
	}
	if _, err := y.db.Image(t.Context(), "sent"); err != nil {
		t.Error(err)
	}
	late := time.After(time.Minute)
	for tick := time.NewTicker(2 * time.Millisecond); ; {
		if left, err := y.door.Blobs.Uploads(); err == nil && len(left) == 0 {
			break
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatal("the uploaded file stays")
		}
	}
}

func TestAnImportGoesOnWithAnotherServerWhenItsOwnDied(t *testing.T) {
	var left *images.Import
	y := newYard(t, func(y *yard) {
		y.file["/disk.raw"] = disk(t)
		o := images.ImportOrder{Name: "taken-over", Kind: images.KindDisk, URL: y.web.URL + "/disk.raw"}
		left = &images.Import{Name: o.Name, Kind: o.Kind, From: o.Origin(), State: images.Queued, Actor: "tester", Order: o}
		y.ok(y.db.CreateImageImport(t.Context(), left))
		if got, err := y.db.ClaimImageImport(t.Context(), "dead", time.Nanosecond); err != nil || got == nil {
			t.Fatal(got, err)
		}
	})
	if end := y.await(left.ID); end.State != images.Done {
		t.Errorf("%+v", end)
	}
}

func TestSignaturesAreAskedForCheckedAndNamed(t *testing.T) {
	public, private, err := minisign.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := public.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	y := newYard(t, func(y *yard) { y.door.Strict = true; y.ok(y.door.Keys.Add(text)) })
	d := disk(t)
	y.file["/disk.raw"], y.file["/kernel"] = d, kernel()
	sign := func(b []byte) string {
		r := minisign.NewReader(bytes.NewReader(b))
		for buf := make([]byte, 64<<10); ; {
			if _, err := r.Read(buf); err != nil {
				return string(r.Sign(private))
			}
		}
	}
	y.refused(images.ImportOrder{Name: "unsigned", URL: y.web.URL + "/disk.raw"}, "without a signature")
	y.refused(images.ImportOrder{Name: "wrong", URL: y.web.URL + "/disk.raw", Signature: sign(d[:100])}, "not that of this file")
	y.refused(images.ImportOrder{Name: "part", Kind: images.KindNetboot, Parts: []images.PartOrder{{Name: "kernel", URL: y.web.URL + "/kernel"}}}, "part kernel: this server takes no image without")
	key := fmt.Sprintf("minisign:%016X", public.ID())
	if img := y.fetched(images.ImportOrder{Name: "signed", URL: y.web.URL + "/disk.raw", Signature: sign(d)}); img.Signed != key {
		t.Errorf("signed by %q", img.Signed)
	}
	if img := y.fetched(images.ImportOrder{Name: "parts", Kind: images.KindNetboot, Parts: []images.PartOrder{{Name: "kernel", URL: y.web.URL + "/kernel", Signature: sign(kernel())}}}); img.Signed != key {
		t.Errorf("parts signed by %q", img.Signed)
	}
}

// kernel begins as an x86 kernel does.
func kernel() []byte {
	b := make([]byte, 4096)
	copy(b[0x202:], "HdrS")
	return b
}

func TestANetbootImageIsItsPartsAndLosesThemWithIt(t *testing.T) {
	y := newYard(t, nil)
	y.file["/initrd"] = []byte("an initial ramdisk")
	up := y.ask(images.ImportOrder{Name: "kernel", Kind: images.KindPart, Bytes: 4096}, images.Receiving)
	_, err := y.door.Blobs.AppendUpload(t.Context(), up.ID, 0, bytes.NewReader(kernel()), 4096, images.KindPart)
	y.ok(err)
	y.ok(y.db.NoteUpload(t.Context(), up.ID, 4096, 4096))
	part := y.await(up.ID)
	order := images.ImportOrder{Name: "installer", Kind: images.KindNetboot, Args: "auto=true", Answers: "preseed", Template: "d-i {{ .Name }}",
		Parts: []images.PartOrder{{Name: "kernel", Digest: part.Digest}, {Name: "initrd", URL: y.web.URL + "/initrd"}}}
	img := y.fetched(order)
	if img.Arch != "amd64" || len(img.Parts) != 2 || img.Parts[0].Bytes != 4096 || img.Template != order.Template || img.Bytes != 4096+18 {
		t.Errorf("%+v", img)
	}
	f, err := y.door.Blobs.OpenFile(img.Parts[1].Digest)
	y.ok(err)
	b, _ := io.ReadAll(f)
	f.Close()
	if string(b) != "an initial ramdisk" {
		t.Errorf("the initrd is %q", b)
	}
	y.refused(images.ImportOrder{Name: "x", Kind: images.KindNetboot, Arch: "arm64", Parts: []images.PartOrder{{Name: "kernel", Digest: part.Digest}}}, "the kernel is for amd64")
	y.refused(images.ImportOrder{Name: "y", Kind: images.KindNetboot, Parts: []images.PartOrder{{Name: "kernel", Digest: strings.Repeat("0", 64)}}}, "part kernel")
	gone, err := y.db.RemoveImage(t.Context(), "installer", "tester")
	y.ok(err)
	y.ok(y.door.Forget(t.Context(), *gone))
	for _, p := range img.Parts {
		if _, err := y.door.Blobs.OpenFile(p.Digest); !fault.Is(err, fault.NotFound) {
			t.Errorf("%s stays: %v", p.Name, err)
		}
	}
}
