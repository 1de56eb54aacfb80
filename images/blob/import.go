package blob

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"rackwright/fault"
	"rackwright/images"
)

// MaxBytes is the largest image, holes and all: 1 TiB.
const MaxBytes = images.MaxBytes

// Options of an import; the zero value is usable.
type Options struct {
	Kind         images.Kind             // "" is disk
	Arch         string                  // of an ISO image, which does not tell it; "" is amd64
	ExpectSHA256 string                  // of the file as received, hexadecimal, with or without "sha256:"; empty: not compared
	Proof        Proof                   // of who signed the file; may be nil
	Total        int64                   // size of the file where known, for Progress only
	Progress     func(done, total int64) // bytes of the file received so far; called often, one call at a time
	MaxBytes     int64                   // largest image; 0 or more than MaxBytes: MaxBytes

	// Record writes down that the image exists. It is called when all bytes are in place,
	// before Collect may look at them; when it fails they go again. May be nil.
	Record func(Imported) error
}

// Proof reads a file along and says at its end who signed it; an error refuses the file.
type Proof interface {
	io.Writer
	Verdict() (signer string, err error)
}

// Imported is what came in.
type Imported struct {
	Digest   string          // the image's name in the store: of the manifest, or of the file that is kept whole
	Source   string          // "sha256:..." of the file as received
	Format   string          // raw, qcow2 or tar, with "+gzip", "+xz" or "+zstd" when wrapped; iso; file
	Manifest images.Manifest // of what is kept in chunks
	Bytes    int64           // when unpacked
	Stored   int64           // as stored
	Layout   images.Layout   // of all kinds but parts
	Signed   string          // who signed it, "" for nobody
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

// Import reads an image and puts it in the store: a raw or qcow2 disk image or the tar of a
// root file system, plain or wrapped once in gzip, xz or zstd; or a file that is kept as
// it is. What is of another kind, is damaged or has another digest than expected is
// Invalid, a signature of nobody who is trusted Denied; a sender that fails or a
// cancelled ctx is Unreachable; a full disk is Conflict. Whatever fails, nothing stays
// behind. Importing the same again replaces what of it is damaged. A read of r that
// blocks is not interrupted by ctx: the caller closes what r reads from.
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
	one := intake{s: s, src: newSource(ctx, r, o), o: o, want: want}
	if o.Kind.Whole() {
		return one.whole()
	}
	return one.chunks(ctx)
}

// intake is one import at work.
type intake struct {
	s    *Store
	src  *source
	o    Options
	want string
}

// judge checks the file, all of which was read.
func (n *intake) judge(in *Imported) (err error) {
	in.Source = n.src.digest()
	if n.want != "" && n.want != in.Source {
		return fault.Invalidf("the image has digest %s, expected %s", in.Source, n.want).
			WithHint("fetch it again, or correct the expected digest")
	}
	if n.o.Proof != nil {
		in.Signed, err = n.o.Proof.Verdict()
	}
	return err
}

// chunks takes in what is cut into chunks.
func (n *intake) chunks(ctx context.Context) (Imported, error) {
	staged, err := n.s.stage()
	if err != nil {
		return Imported{}, err
	}
	defer staged.discard()
	in, err := n.s.receive(ctx, n.src, n.o.Kind, staged, n.o.MaxBytes)
	if err == nil {
		err = n.judge(&in)
	}
	if err != nil {
		return Imported{}, err
	}
	r := &reader{m: &in.Manifest, open: staged.open, at: -1}
	if n.o.Kind == images.KindRootFS {
		in.Layout, err = images.InspectTar(io.NewSectionReader(r, 0, in.Manifest.Bytes))
	} else {
		in.Layout, err = images.Inspect(r, in.Manifest.Bytes)
	}
	if err != nil {
		return Imported{}, err
	}
	in.Bytes, in.Stored = in.Manifest.Bytes, in.Manifest.Packed()
	return in, n.s.put(&in, staged, n.o.Record)
}

// put makes chunks and manifest durable under the image's digest: first the chunks, then
// the manifest that makes it exist, then its record.
func (s *Store) put(in *Imported, staged *stage, record func(Imported) error) error {
	text, digest, err := in.Manifest.Encode()
	if err != nil {
		return err
	}
	in.Digest = digest
	path, err := s.path(digest, ".manifest")
	if err != nil {
		return err
	}
	manifest, err := s.temp()
	if err != nil {
		return err
	}
	defer manifest.discard()
	if _, err := manifest.Write(text); err != nil {
		return err
	}
	if err := staged.commit(); err != nil {
		return err
	}
	return s.settle(manifest, path, func() error {
		if record == nil {
			return nil
		}
		return record(*in)
	})
}

// settle puts a file in place and has it recorded; without a record it goes again, unless
// it was there before.
func (s *Store) settle(t *tempFile, path string, record func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, missing := os.Stat(path)
	if err := t.place(path); err != nil {
		return err
	}
	err := syncDir(s.dir)
	if err == nil {
		err = record()
	}
	if err != nil && missing != nil {
		err = errors.Join(err, os.Remove(path))
	}
	return err
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
