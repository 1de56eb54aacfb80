package blob_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/diskfs/go-diskfs/filesystem"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"rackwright/fault"
	"rackwright/images"
	"rackwright/images/blob"
	"rackwright/images/imagetest"
	"rackwright/inventory"
)

func open(t testing.TB) (*blob.Store, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "images")
	s, err := blob.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s, dir
}

func raw(t testing.TB) []byte {
	t.Helper()
	spec := imagetest.Bootable()
	spec.FAT = filesystem.TypeFat12 // small
	b, err := os.ReadFile(imagetest.Write(t, spec))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// read puts an image together again from manifest and chunks, as an agent does.
func read(t testing.TB, s *blob.Store, digest string) []byte {
	t.Helper()
	m := manifest(t, s, digest)
	d, _ := zstd.NewReader(nil)
	defer d.Close()
	disk := make([]byte, m.Bytes)
	for _, c := range m.Chunks {
		f, err := s.Chunk(c.Blob)
		if err != nil {
			t.Fatal(err)
		}
		frame, err := io.ReadAll(f)
		f.Close()
		if err != nil || sha(frame) != "sha256:"+c.Blob || int64(len(frame)) != c.Packed {
			t.Fatalf("frame at %d: %v", c.Offset, err)
		}
		plain, err := d.DecodeAll(frame, nil)
		if err != nil || sha(plain) != "sha256:"+c.SHA256 || int64(len(plain)) != c.Bytes {
			t.Fatalf("chunk at %d: %v", c.Offset, err)
		}
		copy(disk[c.Offset:], plain)
	}
	return disk
}

func manifest(t testing.TB, s *blob.Store, digest string) *images.Manifest {
	t.Helper()
	text, err := s.Manifest(digest)
	if err != nil {
		t.Fatal(err)
	}
	m, err := images.DecodeManifest(text, digest)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func sha(b []byte) string { s := sha256.Sum256(b); return "sha256:" + hex.EncodeToString(s[:]) }

func wrap(t testing.TB, b []byte, with func(io.Writer) (io.WriteCloser, error)) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := with(&out)
	if err == nil {
		_, err = w.Write(b)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func asGzip(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriterLevel(w, 1) }
func asXZ(w io.Writer) (io.WriteCloser, error)   { return xz.NewWriter(w) }
func asZstd(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) }

func TestEveryWrappingOfAnImageIsTheSameImage(t *testing.T) {
	s, dir := open(t)
	disk := raw(t)
	var digest string
	for _, c := range []struct {
		format string
		file   []byte
	}{
		{"raw", disk}, {"raw+gzip", wrap(t, disk, asGzip)}, {"raw+xz", wrap(t, disk, asXZ)}, {"raw+zstd", wrap(t, disk, asZstd)},
	} {
		in, err := s.Import(t.Context(), iotest.HalfReader(bytes.NewReader(c.file)), blob.Options{ExpectSHA256: strings.ToUpper(sha(c.file)[7:])})
		if err != nil {
			t.Fatalf("%s: %v", c.format, err)
		}
		if in.Format != c.format || in.Source != sha(c.file) || in.Manifest.Bytes != int64(len(disk)) {
			t.Errorf("%s: got %s %s of %d bytes", c.format, in.Format, in.Source, in.Manifest.Bytes)
		}
		if digest != "" && in.Digest != digest {
			t.Errorf("%s: another digest", c.format)
		}
		digest = in.Digest
		if in.Layout.Arch != "amd64" || !slices.Equal(in.Layout.Firmware, []inventory.Firmware{inventory.BIOS, inventory.UEFI}) {
			t.Errorf("%s: layout %+v", c.format, in.Layout)
		}
	}
	if !bytes.Equal(read(t, s, digest), disk) {
		t.Error("the stored image has other bytes")
	}
	if err := s.Verify(t.Context(), digest); err != nil {
		t.Error(err)
	}
	wantImages(t, dir, manifest(t, s, digest))
}

// wantImages counts what is in the store's directory, besides its lock: the manifests and
// chunks of images and nothing else.
func wantImages(t *testing.T, dir string, list ...*images.Manifest) {
	t.Helper()
	chunks := map[string]bool{}
	for _, m := range list {
		for _, c := range m.Chunks {
			chunks[c.Blob] = true
		}
	}
	var found []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && e.Name() != ".lock" || strings.HasSuffix(path, ".tmp") {
			found = append(found, path)
		}
		return err
	})
	if err != nil || len(found) != len(list)+len(chunks) {
		t.Errorf("%d files in the store, want %d manifests and %d chunks: %v %v", len(found), len(list), len(chunks), found, err)
	}
}

func TestAQcow2ImageIsTheDiskItHolds(t *testing.T) {
	if _, err := exec.LookPath("qemu-img"); err != nil {
		t.Skip("install qemu-utils for qemu-img")
	}
	path := imagetest.Write(t, imagetest.Spec{BIOS: true, Loaders: []string{"BOOTX64.EFI"}, RootMiB: 40})
	disk, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"plain":            nil,
		"compressed":       {"-c"},
		"zstd clusters":    {"-c", "-o", "compression_type=zstd"},
		"version 2":        {"-o", "compat=0.10"},
		"2 MiB clusters":   {"-o", "cluster_size=2M"},
		"512-byte cluster": {"-o", "cluster_size=512"},
	} {
		t.Run(name, func(t *testing.T) {
			q := filepath.Join(t.TempDir(), "disk.qcow2")
			out, err := exec.Command("qemu-img", append(append([]string{"convert", "-O", "qcow2"}, args...), path, q)...).CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			s, dir := open(t)
			in, err := s.ImportFile(t.Context(), q, blob.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if in.Format != "qcow2" || !bytes.Equal(read(t, s, in.Digest), disk) {
				t.Errorf("%s has other bytes", in.Format)
			}
			wantImages(t, dir, &in.Manifest)
		})
	}
}

func TestABackingFileIsNeverOpened(t *testing.T) {
	if _, err := exec.LookPath("qemu-img"); err != nil {
		t.Skip("install qemu-utils for qemu-img")
	}
	base := imagetest.Write(t, imagetest.Bootable())
	q := filepath.Join(t.TempDir(), "overlay.qcow2")
	if out, err := exec.Command("qemu-img", "create", "-f", "qcow2", "-b", base, "-F", "raw", q).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	s, dir := open(t)
	_, err := s.ImportFile(t.Context(), q, blob.Options{})
	if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "backing file") {
		t.Errorf("got %v", err)
	}
	wantImages(t, dir)
}

func TestNothingStaysOfAnImportThatFails(t *testing.T) {
	disk := raw(t)
	gz := wrap(t, disk, asGzip)
	zst := wrap(t, disk, asZstd)
	damaged := slices.Clone(gz)
	damaged[len(damaged)/2] ^= 0xff
	tar := make([]byte, 10240)
	copy(tar[257:], "ustar")
	for _, c := range []struct {
		name string
		r    io.Reader
		o    blob.Options
		kind fault.Kind
		want string
	}{
		{"another digest", bytes.NewReader(disk), blob.Options{ExpectSHA256: strings.Repeat("0", 64)}, fault.Invalid, sha(disk)},
		{"no digest", bytes.NewReader(disk), blob.Options{ExpectSHA256: "md5:1"}, fault.Invalid, "not a SHA-256"},
		{"nothing", strings.NewReader(""), blob.Options{}, fault.Invalid, "0 bytes"},
		{"text", strings.NewReader(strings.Repeat("hello\n", 1000)), blob.Options{}, fault.Invalid, "no partition table"},
		{"tar in gzip", bytes.NewReader(wrap(t, tar, asGzip)), blob.Options{}, fault.Invalid, "unpacked from gzip, the file is a tar archive"},
		{"gzip in zstd", bytes.NewReader(wrap(t, gz, asZstd)), blob.Options{}, fault.Invalid, "a gzip file"},
		{"damaged gzip", bytes.NewReader(damaged), blob.Options{}, fault.Invalid, "gzip data is damaged"},
		{"gzip cut short", bytes.NewReader(gz[:len(gz)-9000]), blob.Options{}, fault.Invalid, "gzip data is cut short"},
		{"zstd cut short", bytes.NewReader(zst[:len(zst)-9000]), blob.Options{}, fault.Invalid, "zstd data is cut short"},
		{"raw cut short", bytes.NewReader(disk[:len(disk)-3<<20]), blob.Options{}, fault.Invalid, "cut short"},
		{"too large", bytes.NewReader(wrap(t, disk, asZstd)), blob.Options{MaxBytes: 8 << 20}, fault.Invalid, "larger than"},
		{"sender gone", io.MultiReader(bytes.NewReader(disk[:9<<20]), iotest.ErrReader(errors.New("connection reset"))), blob.Options{}, fault.Unreachable, "connection reset"},
		{"qcow2 cut short", strings.NewReader("QFI\xfb\x00\x00\x00\x03"), blob.Options{}, fault.Invalid, "header is cut short"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, dir := open(t)
			_, err := s.Import(t.Context(), c.r, c.o)
			if !fault.Is(err, c.kind) || !strings.Contains(err.Error(), c.want) || fault.HintOf(err) == "" {
				t.Errorf("got %v (hint %q), want it to say %q", err, fault.HintOf(err), c.want)
			}
			wantImages(t, dir)
		})
	}
}

func TestCancelEndsAnImport(t *testing.T) {
	s, dir := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	o := blob.Options{Progress: func(done, _ int64) {
		if done > 6<<20 {
			cancel()
		}
	}}
	_, err := s.Import(ctx, bytes.NewReader(raw(t)), o)
	if !fault.Is(err, fault.Unreachable) || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	wantImages(t, dir)
}

func TestProgressEndsAtTheSizeOfTheFile(t *testing.T) {
	s, _ := open(t)
	path := imagetest.Write(t, imagetest.Bootable())
	var done, total int64
	in, err := s.ImportFile(t.Context(), path, blob.Options{Progress: func(d, n int64) { done, total = d, n }})
	if err != nil || done != in.Manifest.Bytes || total != done {
		t.Errorf("%d of %d bytes, %v", done, total, err)
	}
}

func TestOpenSweepsWhatACrashLeft(t *testing.T) {
	s, dir := open(t)
	in, err := s.Import(t.Context(), bytes.NewReader(raw(t)), blob.Options{})
	if err != nil {
		t.Fatal(err)
	}
	staged := filepath.Join(dir, "import-2.tmp")
	if err := os.Mkdir(staged, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{filepath.Join(dir, "import-1.tmp"), filepath.Join(staged, strings.Repeat("a", 64))} {
		if err := os.WriteFile(p, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if s, err = blob.Open(dir); err != nil {
		t.Fatal(err)
	}
	wantImages(t, dir, &in.Manifest)
	if err := s.Verify(t.Context(), in.Digest); err != nil {
		t.Error(err)
	}
}

func TestOpenLeavesARunningImportAlone(t *testing.T) {
	s, dir := open(t)
	opened := false
	_, err := s.Import(t.Context(), bytes.NewReader(raw(t)), blob.Options{Progress: func(int64, int64) {
		if !opened {
			opened = true
			if _, err := blob.Open(dir); err != nil {
				t.Error(err)
			}
		}
	}})
	if err != nil || !opened {
		t.Errorf("opened %v, %v", opened, err)
	}
}

func TestDamageIsFoundAndHealedByAddingTheImageAgain(t *testing.T) {
	s, dir := open(t)
	disk := raw(t)
	in, err := s.Import(t.Context(), bytes.NewReader(disk), blob.Options{})
	if err != nil {
		t.Fatal(err)
	}
	chunk := chunkFile(dir, in.Manifest.Chunks[1])
	b, _ := os.ReadFile(chunk)
	b[len(b)/2] ^= 1
	if err := os.WriteFile(chunk, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Verify(t.Context(), in.Digest); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("got %v", err)
	}
	if _, err := s.Import(t.Context(), bytes.NewReader(disk), blob.Options{}); err != nil {
		t.Fatal(err)
	}
	if err := s.Verify(t.Context(), in.Digest); err != nil {
		t.Error(err)
	}
}

func chunkFile(dir string, c images.Chunk) string {
	return filepath.Join(dir, "chunks", c.Blob[:2], c.Blob)
}

func TestARemovedImageIsGone(t *testing.T) {
	s, dir := open(t)
	in, err := s.Import(t.Context(), bytes.NewReader(raw(t)), blob.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Remove(in.Digest); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Collect(t.Context(), func(context.Context, string) (bool, error) { return true, nil }, nil); err != nil {
		t.Fatal(err)
	}
	wantImages(t, dir)
	_, manifest := s.Manifest(in.Digest)
	_, chunk := s.Chunk(in.Manifest.Chunks[0].Blob)
	for _, err := range []error{manifest, chunk, s.Remove(in.Digest), s.Verify(t.Context(), in.Digest)} {
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("got %v", err)
		}
	}
}

func TestADigestIsNeverAPath(t *testing.T) {
	s, _ := open(t)
	for _, d := range []string{"", "sha256:", "sha256:../../../../etc/passwd", strings.Repeat("a", 64), "sha256:" + strings.Repeat("A", 64),
		"sha256:" + strings.Repeat("a", 63) + "/", "md5:" + strings.Repeat("a", 64)} {
		if _, err := s.Manifest(d); !fault.Is(err, fault.Invalid) {
			t.Errorf("manifest of %q: %v", d, err)
		}
		if _, err := s.Chunk(d); !fault.Is(err, fault.Invalid) && len(d) != 64 {
			t.Errorf("chunk %q: %v", d, err)
		}
		if err := s.Remove(d); !fault.Is(err, fault.Invalid) {
			t.Errorf("remove %q: %v", d, err)
		}
	}
}
