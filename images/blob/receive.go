package blob

import (
	"context"
	"io"

	"rackwright/fault"
	"rackwright/images"
)

// receive reads the whole file and stages its chunks.
func (s *Store) receive(ctx context.Context, src *source, kind images.Kind, staged *stage, limit int64) (Imported, error) {
	plain, wrapping, free, err := unwrap(src)
	if err != nil {
		return Imported{}, err
	}
	defer free()
	head, err := peek(plain)
	if err != nil {
		return Imported{}, src.fault(wrapping, err)
	}
	var in Imported
	var feed feeder = &stream{r: plain, fault: func(err error) error { return src.fault(wrapping, err) }}
	if in.Format, err = formOf(head, kind); err != nil {
		return Imported{}, insideOf(wrapping, err)
	}
	if in.Format == "qcow2" {
		spool, err := s.spool(plain, limit, src, wrapping)
		if err != nil {
			return Imported{}, err
		}
		defer spool.discard()
		if feed, err = openQCOW2(spool.file, limit); err != nil {
			return Imported{}, err
		}
	}
	if wrapping != "" {
		in.Format += "+" + wrapping
	}
	if in.Manifest, err = cut(ctx, feed, limit, staged.keep); err != nil {
		return Imported{}, err
	}
	return in, src.drain()
}

// formOf names the form of an image of that kind by its start.
func formOf(head []byte, kind images.Kind) (string, error) {
	switch found := images.Sniff(head); {
	case kind == images.KindRootFS && found == images.Tarball:
		return "tar", nil
	case kind == images.KindRootFS:
		return "", fault.Invalidf("the file is not a tar archive").WithHint("pack the root file system: tar -C ROOT --numeric-owner --xattrs -cf root.tar .")
	case found == images.QCOW2:
		return "qcow2", nil
	}
	return "raw", images.CheckHead(head)
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
