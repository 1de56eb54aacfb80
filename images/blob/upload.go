package blob

import (
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"golang.org/x/sys/unix"

	"rackwright/fault"
	"rackwright/images"
)

// uploadDir holds files that are being uploaded, by the id of their import, until they are
// taken in. They outlive the server; whoever keeps the records removes them.
const uploadDir = "uploads"

var uploadID = regexp.MustCompile(`^[0-9a-f-]{36}$`)

func (s *Store) uploadPath(id string) (string, error) {
	if !uploadID.MatchString(id) {
		return "", fault.NotFoundf("there is no upload %.40q", id)
	}
	return filepath.Join(s.dir, uploadDir, id), nil
}

// UploadSize is how many bytes of an upload are there.
func (s *Store) UploadSize(id string) (int64, error) {
	path, err := s.uploadPath(id)
	if err != nil {
		return 0, err
	}
	st, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, diskFault(s.dir, err)
	}
	return st.Size(), nil
}

// maxUpload is the limit of an upload whose size was not said.
const maxUpload = MaxBytes + 1<<20

// AppendUpload adds what r gives to an upload that has at bytes, and returns how many it
// has then, also when r breaks off. Another size than at, one writer more, and a file of
// more than limit bytes (0: maxUpload) are Conflict. A file whose first bytes cannot be of
// that kind is Invalid at once.
func (s *Store) AppendUpload(ctx context.Context, id string, at int64, r io.Reader, limit int64, kind images.Kind) (int64, error) {
	if limit <= 0 || limit > maxUpload {
		limit = maxUpload
	}
	f, err := s.openUpload(id)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return 0, diskFault(s.dir, err)
	}
	size := st.Size()
	if size != at {
		return size, fault.Conflictf("the upload has %d bytes, not %d", size, at).WithHint("ask for its offset and go on there")
	}
	in := bufio.NewReaderSize(&patientReader{ctx, io.LimitReader(r, limit-at+1)}, 1<<20)
	if at == 0 {
		if err := glance(in, kind); err != nil {
			return 0, err
		}
	}
	n, err := io.Copy(io.NewOffsetWriter(f, at), in)
	size += n
	if size > limit {
		return at, errors.Join(fault.Conflictf("the upload has more than the %d bytes that were said", limit).WithHint("begin it anew with the size of the file"), f.Truncate(at))
	}
	if syncErr := f.Sync(); syncErr != nil && err == nil {
		err = syncErr
	}
	if _, ok := errors.AsType[*fault.Error](err); err != nil && !ok {
		err = diskFault(s.dir, err)
	}
	return size, err
}

// glance refuses what is plainly nothing of that kind by its first bytes.
func glance(r *bufio.Reader, kind images.Kind) error {
	head, err := peek(r)
	if err != nil || len(head) < images.HeadBytes {
		return nil // all of it is looked at when it is there
	}
	switch found := images.Sniff(head); {
	case kind == images.KindPart || found == images.Gzip || found == images.XZ || found == images.Zstd:
		return nil
	case kind == images.KindISO && found != images.ISO:
		return fault.Invalidf("the file is not an ISO 9660 image").WithHint("add it as what it is: see --kind")
	case kind == images.KindISO:
		return nil
	}
	_, err = formOf(head, kind)
	return err
}

// openUpload opens the file for one writer.
func (s *Store) openUpload(id string) (*os.File, error) {
	path, err := s.uploadPath(id)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o640)
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(filepath.Dir(path), 0o750); err == nil {
			f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o640)
		}
	}
	if err != nil {
		return nil, diskFault(s.dir, err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, fault.Conflictf("somebody else is sending to this upload").WithHint("wait until the other connection is noticed to be dead, then go on")
	}
	return f, nil
}

// OpenUpload opens an upload for reading.
func (s *Store) OpenUpload(id string) (*os.File, error) {
	path, err := s.uploadPath(id)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fault.NotFoundf("the bytes of upload %s are not there: %w", id, err).WithHint("let all servers share one images.dir, or send the file again")
	}
	return f, nil
}

// RemoveUpload removes what was uploaded; there need not be anything.
func (s *Store) RemoveUpload(id string) error {
	path, err := s.uploadPath(id)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return diskFault(s.dir, err)
	}
	return nil
}

// Uploads lists the ids of uploads that have bytes.
func (s *Store) Uploads() ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(s.dir, uploadDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, diskFault(s.dir, err)
	}
	var out []string
	for _, e := range entries {
		if uploadID.MatchString(e.Name()) {
			out = append(out, e.Name())
		}
	}
	return out, nil
}
