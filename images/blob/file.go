package blob

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"rackwright/fault"
)

// A file beside the images (firmware) is kept whole, as <64 hex>.file, its SHA-256 the name:
// what a BMC is given is read in one go, from anywhere. No image has files of that name, so
// that removing the one never touches the other.

// Put reads a file to its end and keeps it; its digest is "sha256:..." of its bytes. An
// empty one, one of more than limit bytes or of another digest than expect ("" for any,
// else as Options.ExpectSHA256) is Invalid; errors as for Import. What is there already
// is put in place anew.
func (s *Store) Put(ctx context.Context, r io.Reader, expect string, limit int64) (digest string, size int64, err error) {
	want, err := wantedDigest(expect)
	if err != nil {
		return "", 0, err
	}
	lock, err := s.lock(unix.LOCK_SH)
	if err != nil {
		return "", 0, err
	}
	defer lock.Close()
	t, err := s.temp()
	if err != nil {
		return "", 0, err
	}
	defer t.discard()
	sum := sha256.New()
	size, err = io.Copy(io.MultiWriter(t, sum), io.LimitReader(&patientReader{ctx, r}, limit+1))
	switch digest = "sha256:" + hex.EncodeToString(sum.Sum(nil)); {
	case err != nil:
		return "", 0, err
	case size == 0:
		return "", 0, fault.Invalidf("the file is empty").WithHint("send the file as the vendor ships it")
	case size > limit:
		return "", 0, fault.Invalidf("the file is larger than %d bytes", limit).WithHint("send the file for one component, not the vendor's whole collection")
	case want != "" && digest != want:
		return "", 0, fault.Invalidf("the file has digest %s, expected %s", digest, want).WithHint("fetch it again, or correct the expected digest")
	}
	path, err := s.path(digest, ".file")
	if err != nil {
		return "", 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := t.place(path); err != nil {
		return "", 0, err
	}
	return digest, size, syncDir(s.dir)
}

// OpenFile opens a file that was put; the caller closes it. It stays readable when the
// file is removed meanwhile. NotFound when it is not there.
func (s *Store) OpenFile(digest string) (*os.File, error) {
	path, err := s.path(digest, ".file")
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, s.noFile(digest, err)
	}
	return f, nil
}

// RemoveFile deletes a file that was put; NotFound when it is not there.
func (s *Store) RemoveFile(digest string) error {
	path, err := s.path(digest, ".file")
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := os.Remove(path); err != nil {
		return s.noFile(digest, err)
	}
	return syncDir(s.dir)
}

func (s *Store) noFile(digest string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fault.NotFoundf("the bytes of file %s are not in %s", digest, s.dir).WithHint("let all servers share one images.dir, or remove the file and add it again")
	}
	return diskFault(s.dir, err)
}

// patientReader ends with ctx, and blames who sends for what breaks off.
type patientReader struct {
	ctx context.Context
	r   io.Reader
}

func (p *patientReader) Read(b []byte) (int, error) {
	if p.ctx.Err() != nil {
		return 0, cancelled(p.ctx)
	}
	n, err := p.r.Read(b)
	if err != nil && err != io.EOF && fault.KindOf(err) == fault.Internal {
		err = fault.Unreachablef("the file broke off: %w", err).WithHint("send it again")
	}
	return n, err
}
