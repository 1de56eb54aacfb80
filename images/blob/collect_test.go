package blob_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rackwright/fault"
	"rackwright/images"
	"rackwright/images/blob"
	"rackwright/images/imagetest"
)

// versions makes images of which all but one MiB of the root is the same whatever the
// number.
func versions(t testing.TB, seed uint64) func(number byte) []byte {
	t.Helper()
	base, err := os.ReadFile(imagetest.Write(t, imagetest.Spec{BIOS: true, RootMiB: 12, Seed: seed}))
	if err != nil {
		t.Fatal(err)
	}
	return func(number byte) []byte {
		b := bytes.Clone(base)
		for i := range 1 << 20 {
			b[len(b)-5<<20+i] ^= number
		}
		return b
	}
}

func add(t testing.TB, s *blob.Store, image []byte) blob.Imported {
	t.Helper()
	in, err := s.Import(t.Context(), bytes.NewReader(image), blob.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// only keeps the digests it is given.
func only(digests ...string) blob.Keep {
	return func(_ context.Context, d string) (bool, error) { return slices.Contains(digests, d), nil }
}

// age makes everything in the store as old as a day.
func age(t *testing.T, dir string) {
	t.Helper()
	then := time.Now().Add(-24 * time.Hour)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if err := os.Chtimes(filepath.Join(dir, e.Name()), then, then); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWhatIsCollectedIsWhatNobodyNeeds(t *testing.T) {
	version := versions(t, 1)
	s, dir := open(t)
	one, two := add(t, s, version(1)), add(t, s, version(2))
	part, _, err := s.Put(t.Context(), strings.NewReader("a part nobody names"), "", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if gone, err := s.Collect(t.Context(), only(one.Digest), nil); err != nil || gone != (images.Collected{}) {
		t.Errorf("young and without a record: %+v, %v", gone, err)
	}
	age(t, dir)
	would, err := s.Collectable(t.Context(), only(one.Digest))
	if err != nil {
		t.Fatal(err)
	}
	if still, err := s.Digests(); err != nil || len(still) != 2 {
		t.Errorf("what was only looked at is gone: %v, %v", still, err)
	}
	gone, err := s.Collect(t.Context(), only(one.Digest), nil)
	if gone != would {
		t.Errorf("%+v, and it was to be %+v", gone, would)
	}
	if err != nil || gone.Images != 1 || gone.Files != 1 || gone.Chunks == 0 || gone.Chunks >= len(two.Manifest.Chunks) {
		t.Errorf("%+v of %d chunks, %v", gone, len(two.Manifest.Chunks), err)
	}
	wantImages(t, dir, &one.Manifest)
	if err := s.Verify(t.Context(), one.Digest); err != nil {
		t.Errorf("the other image: %v", err)
	}
	if _, err := s.OpenFile(part); !fault.Is(err, fault.NotFound) {
		t.Errorf("the part: %v", err)
	}
	for _, digest := range []string{two.Digest, one.Digest} {
		if _, err := s.Forget(t.Context(), []string{digest}, only()); err != nil {
			t.Error(err)
		}
	}
	wantImages(t, dir)
}

func TestNothingIsCollectedWhileAnImageIsAdded(t *testing.T) {
	version := versions(t, 1)
	s, dir := open(t)
	old := add(t, s, version(1))
	age(t, dir)
	other, err := blob.Open(dir) // another process
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	collect := func() {
		if _, err := other.Collect(t.Context(), only(), nil); !fault.Is(err, fault.Conflict) || fault.HintOf(err) == "" {
			t.Errorf("collected meanwhile: %v", err)
		}
		tried++
	}
	in, err := s.Import(t.Context(), bytes.NewReader(version(2)), blob.Options{
		Progress: func(done, _ int64) {
			if tried == 0 && done > 6<<20 {
				collect()
			}
		},
		Record: func(in blob.Imported) error {
			if _, err := s.Manifest(in.Digest); err != nil {
				t.Errorf("recorded before it was there: %v", err)
			}
			collect()
			return nil
		}})
	if err != nil || tried != 2 {
		t.Fatalf("tried %d times, %v", tried, err)
	}
	if err := errors.Join(s.Verify(t.Context(), in.Digest), s.Verify(t.Context(), old.Digest)); err != nil {
		t.Error(err)
	}
}

func TestAnImageThatCouldNotBeRecordedIsNotThere(t *testing.T) {
	version := versions(t, 1)
	s, dir := open(t)
	no := func(blob.Imported) error { return fault.Conflictf("the name is taken") }
	_, err := s.Import(t.Context(), bytes.NewReader(version(1)), blob.Options{Record: no})
	if digests, _ := s.Digests(); !fault.Is(err, fault.Conflict) || len(digests) > 0 {
		t.Errorf("%v, left %v", err, digests)
	}
	in := add(t, s, version(1))
	if _, err := s.Import(t.Context(), bytes.NewReader(version(1)), blob.Options{Record: no}); !fault.Is(err, fault.Conflict) {
		t.Error(err)
	}
	if err := s.Verify(t.Context(), in.Digest); err != nil {
		t.Errorf("an image that was there before: %v", err)
	}
	wantImages(t, dir, &in.Manifest)
}

func TestManyImportsAtATimeAndCollectionsBetweenLoseNothing(t *testing.T) {
	version := versions(t, 1)
	s, _ := open(t)
	var all sync.WaitGroup
	got := make([]blob.Imported, 4)
	for n := range got {
		all.Go(func() {
			in, err := s.Import(t.Context(), bytes.NewReader(version(byte(n))), blob.Options{})
			if err != nil {
				t.Error(err)
			}
			got[n] = in
		})
		all.Go(func() {
			if _, err := s.Collect(t.Context(), only(), nil); err != nil && !fault.Is(err, fault.Conflict) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, in := range got {
		if err := s.Verify(t.Context(), in.Digest); err != nil {
			t.Error(err)
		}
	}
	shared, err := s.Shared()
	for _, in := range got {
		if own := in.Stored - shared[in.Digest]; err != nil || own <= 0 || own > in.Stored/2 {
			t.Errorf("%s has %d of %d bytes of its own, %v", in.Digest, own, in.Stored, err)
		}
	}
}

func TestDamageIsNamedByImageRangeAndPartition(t *testing.T) {
	version := versions(t, 1)
	s, dir := open(t)
	one, two := add(t, s, version(1)), add(t, s, version(2))
	file, _, err := s.Put(t.Context(), strings.NewReader("a kernel"), "", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	subjects := []blob.Subject{{Digest: one.Digest}, {Digest: two.Digest}, {Digest: file, Kind: images.KindPart}}
	good, err := s.Check(t.Context(), subjects, nil)
	if err != nil || len(good.Damage) > 0 || good.Orphans > 0 || good.Images != 2 || good.Files != 1 || good.Chunks == 0 {
		t.Fatalf("%+v, %v", good, err)
	}
	shared := one.Manifest.Chunks[1]
	own := one.Manifest.Chunks[slices.IndexFunc(one.Manifest.Chunks, func(c images.Chunk) bool {
		return !slices.ContainsFunc(two.Manifest.Chunks, func(d images.Chunk) bool { return c.Blob == d.Blob })
	})]
	write := func(path string, b []byte) {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o750), os.WriteFile(path, b, 0o640)); err != nil {
			t.Fatal(err)
		}
	}
	write(chunkFile(dir, shared), []byte("other bytes"))
	if err := os.Remove(chunkFile(dir, own)); err != nil {
		t.Fatal(err)
	}
	write(filepath.Join(dir, file[7:]+".file"), []byte("a kernek"))
	orphan := strings.Repeat("0", 64)
	write(filepath.Join(dir, "chunks", "00", orphan), []byte("nobody's"))
	bad, err := s.Check(t.Context(), subjects[:1], nil)
	if err != nil || len(bad.Damage) != 2 || !slices.Equal(bad.Unrecorded, []string{two.Digest}) || bad.Orphans != 1 {
		t.Fatalf("one image: %+v, %v", bad, err)
	}
	bad, err = s.Check(t.Context(), subjects, nil)
	if err != nil || len(bad.Damage) != 4 {
		t.Fatalf("all: %+v, %v", bad, err)
	}
	for _, d := range bad.Damage {
		switch {
		case d.Digest == file:
			if d.Bytes != 0 || !strings.Contains(d.What, "other bytes") {
				t.Errorf("the file: %+v", d)
			}
		case d.Offset == shared.Offset:
			if d.Bytes != shared.Bytes || !strings.Contains(d.What, "damaged") || !strings.Contains(d.Where, "partition 2 (root)") {
				t.Errorf("the chunk of both: %+v", d)
			}
		default:
			if d.Digest != one.Digest || d.Offset != own.Offset || !strings.Contains(d.What, "missing") {
				t.Errorf("the chunk of one: %+v", d)
			}
		}
	}
	add(t, s, version(1)) // mends what both have
	if left, err := s.Check(t.Context(), subjects[:2], nil); err != nil || len(left.Damage) > 0 {
		t.Errorf("added again: %+v, %v", left, err)
	}
}

// An import that is killed leaves nothing but what the next start sweeps.
func TestAnImportThatIsKilledLeavesNothing(t *testing.T) {
	if dir := os.Getenv("RACKWRIGHT_TEST_STORE"); dir != "" { // the one that is killed
		s, err := blob.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = s.Import(t.Context(), os.Stdin, blob.Options{})
		return
	}
	s, dir := open(t)
	in := add(t, s, versions(t, 1)(1))
	c := exec.Command(os.Args[0], "-test.run=^TestAnImportThatIsKilledLeavesNothing$")
	c.Env = append(os.Environ(), "RACKWRIGHT_TEST_STORE="+dir)
	pipe, err := c.StdinPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pipe.Write(versions(t, 2)(1)[:9<<20]); err != nil { // more than any buffer on the way
		t.Fatal(err)
	}
	staged := func() int {
		found, _ := filepath.Glob(filepath.Join(dir, "import-*.tmp", "*"))
		return len(found)
	}
	late := time.After(time.Minute)
	for tick := time.NewTicker(time.Millisecond); staged() == 0; {
		select {
		case <-tick.C:
		case <-late:
			t.Fatal("nothing was staged")
		}
	}
	if err := errors.Join(c.Process.Kill(), pipe.Close()); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	if s, err = blob.Open(dir); err != nil {
		t.Fatal(err)
	}
	wantImages(t, dir, &in.Manifest)
	if err := s.Verify(t.Context(), in.Digest); err != nil {
		t.Error(err)
	}
}

func TestAFullDiskIsSaidAndLeavesNothing(t *testing.T) {
	version := versions(t, 1)
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=4m"); err != nil {
		t.Skipf("needs root, to mount a small file system: %v", err)
	}
	defer unix.Unmount(dir, 0)
	s, err := blob.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []images.Kind{images.KindDisk, images.KindPart} {
		_, err = s.Import(t.Context(), bytes.NewReader(version(1)), blob.Options{Kind: kind})
		if !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "is full") || fault.HintOf(err) == "" {
			t.Errorf("%s: %v", kind, err)
		}
	}
	const id = "0199c7a0-7d2b-7cc3-98c4-5d0c3a1e6f00"
	n, err := s.AppendUpload(t.Context(), id, 0, bytes.NewReader(version(1)), 0, images.KindDisk)
	if size, _ := s.UploadSize(id); !fault.Is(err, fault.Conflict) || n != size {
		t.Errorf("upload: %d of %d bytes, %v", n, size, err)
	}
	if err := s.RemoveUpload(id); err != nil {
		t.Error(err)
	}
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && e.Name() != ".lock" {
			t.Errorf("%s stays", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
