package blob

import (
	"context"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"rackwright/fault"
	"rackwright/images"
)

// MaxBytes is the largest image, holes and all: 1 TiB.
const MaxBytes = int64(1) << 40

// Options of an import; the zero value is usable.
type Options struct {
	ExpectSHA256 string                  // of the file as received, hexadecimal, with or without "sha256:"; empty: not compared
	Total        int64                   // size of the file where known, for Progress only
	Progress     func(done, total int64) // bytes of the file received so far; called often, one call at a time
	MaxBytes     int64                   // largest image on disk; 0 or more than MaxBytes: MaxBytes
}

// Imported is what came in.
type Imported struct {
	Digest   string // of the manifest: the image's name in the store
	Source   string // "sha256:..." of the file as received
	Format   string // raw or qcow2, with "+gzip", "+xz" or "+zstd" when wrapped
	Manifest images.Manifest
	Layout   images.Layout
}

// ImportFile is Import of a regular file of this machine.
func (s *Store) ImportFile(ctx context.Context, path string, o Options) (Imported, error) {
	f, err := os.Open(path)
	if err != nil {
		return Imported{}, fault.Invalidf("the image cannot be opened: %w", err).
			WithHint("give a path on the server that the server's user may read")
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil || !st.Mode().IsRegular() {
		return Imported{}, fault.Invalidf("%s is not a regular file", path)
	}
	o.Total = st.Size()
	return s.Import(ctx, f, o)
}

// Import reads a raw or qcow2 disk image, plain or wrapped once in gzip, xz or zstd, and
// puts it in the store. A file that is no bootable image, is damaged or has another
// digest than expected is Invalid; a sender that fails or a cancelled ctx is
// Unreachable; a full disk is Conflict. Whatever fails, nothing stays behind. Importing
// the same image again changes nothing. A read of r that blocks is not interrupted by
// ctx: the caller closes what r reads from.
func (s *Store) Import(ctx context.Context, r io.Reader, o Options) (Imported, error) {
	if o.MaxBytes <= 0 || o.MaxBytes > MaxBytes {
		o.MaxBytes = MaxBytes
	}
	want, err := wantedDigest(o.ExpectSHA256)
	if err != nil {
		return Imported{}, err
	}
	lock, err := s.lock(unix.LOCK_SH)
	if err != nil {
		return Imported{}, err
	}
	defer lock.Close()
	staged, err := s.stage()
	if err != nil {
		return Imported{}, err
	}
	defer staged.discard()
	src := newSource(ctx, r, o)
	in, err := s.receive(ctx, src, staged, o.MaxBytes)
	if err != nil {
		return Imported{}, err
	}
	in.Source = src.digest()
	if want != "" && want != in.Source {
		return Imported{}, fault.Invalidf("the image has digest %s, expected %s", in.Source, want).
			WithHint("fetch it again, or correct the expected digest")
	}
	in.Layout, err = images.Inspect(&reader{m: &in.Manifest, open: staged.open, at: -1}, in.Manifest.Bytes)
	if err != nil {
		return Imported{}, err
	}
	in.Digest, err = s.put(&in.Manifest, staged)
	return in, err
}

// receive reads the whole file and stages its chunks.
func (s *Store) receive(ctx context.Context, src *source, staged *stage, limit int64) (Imported, error) {
	plain, wrapping, free, err := unwrap(src)
	if err != nil {
		return Imported{}, err
	}
	defer free()
	head, err := peek(plain)
	if err != nil {
		return Imported{}, src.fault(wrapping, err)
	}
	in := Imported{Format: "raw"}
	var feed feeder = &stream{r: plain, fault: func(err error) error { return src.fault(wrapping, err) }}
	if images.Sniff(head) == images.QCOW2 {
		in.Format = "qcow2"
		spool, err := s.spool(plain, limit, src, wrapping)
		if err != nil {
			return Imported{}, err
		}
		defer spool.discard()
		if feed, err = openQCOW2(spool.file, limit); err != nil {
			return Imported{}, err
		}
	} else if err := images.CheckHead(head); err != nil {
		return Imported{}, insideOf(wrapping, err)
	}
	if wrapping != "" {
		in.Format += "+" + wrapping
	}
	if in.Manifest, err = cut(ctx, feed, limit, staged.keep); err != nil {
		return Imported{}, err
	}
	return in, src.drain()
}

// spool keeps a qcow2 file while it is read: its tables need random access.
func (s *Store) spool(r io.Reader, limit int64, src *source, wrapping string) (*tempFile, error) {
	t, err := s.temp()
	if err != nil {
		return nil, err
	}
	n, err := io.Copy(t, io.LimitReader(r, limit+1))
	if err != nil {
		t.discard()
		return nil, src.fault(wrapping, err)
	}
	if n > limit {
		t.discard()
		return nil, tooLarge(limit)
	}
	return t, nil
}

// put makes chunks and manifest durable under the image's digest: first the chunks, then
// the manifest that makes it exist.
func (s *Store) put(m *images.Manifest, staged *stage) (string, error) {
	text, digest, err := m.Encode()
	if err != nil {
		return "", err
	}
	path, err := s.path(digest, ".manifest")
	if err != nil {
		return "", err
	}
	manifest, err := s.temp()
	if err != nil {
		return "", err
	}
	defer manifest.discard()
	if _, err := manifest.Write(text); err != nil {
		return "", err
	}
	if err := staged.commit(); err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := manifest.place(path); err != nil {
		return "", err
	}
	return digest, syncDir(s.dir)
}

// wantedDigest brings an expected digest to the form of Imported.Source.
func wantedDigest(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	sum := strings.ToLower(strings.TrimSpace(s))
	sum = strings.TrimPrefix(sum, "sha256:")
	if !isHex64(sum) {
		return "", fault.Invalidf("the expected digest %.80q is not a SHA-256", s).
			WithHint("give 64 hexadecimal digits, as sha256sum prints them")
	}
	return "sha256:" + sum, nil
}

// insideOf says that what was refused was wrapped.
func insideOf(wrapping string, err error) error {
	if e, ok := err.(*fault.Error); ok && wrapping != "" {
		e.Message = "unpacked from " + wrapping + ", " + e.Message
	}
	return err
}

func tooLarge(limit int64) error {
	return fault.Invalidf("the image is larger than %d bytes", limit).
		WithHint("shrink the image; a deployment grows the last partition to the disk")
}
