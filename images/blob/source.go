package blob

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"rackwright/fault"
	"rackwright/images"
)

// source is the file as received: it counts, hashes and bounds it, and remembers
// whether the sender failed, so that a broken line is not called a broken file.
type source struct {
	ctx      context.Context
	r        io.Reader
	sum      hash.Hash
	proof    io.Writer // may be nil
	n, limit int64
	progress func(n int64)
	failed   error
}

func newSource(ctx context.Context, r io.Reader, o Options) *source {
	report := func(n int64) {
		if o.Progress != nil {
			o.Progress(n, o.Total)
		}
	}
	s := &source{ctx: ctx, r: r, sum: sha256.New(), limit: o.MaxBytes + 1<<20, progress: report}
	if o.Proof != nil {
		s.proof = o.Proof
	}
	return s
}

func (s *source) Read(p []byte) (int, error) {
	if s.failed == nil && s.ctx.Err() != nil {
		s.failed = cancelled(s.ctx)
	}
	if s.failed != nil {
		return 0, s.failed
	}
	n, err := s.r.Read(p)
	s.sum.Write(p[:n])
	if s.proof != nil && n > 0 {
		if _, err := s.proof.Write(p[:n]); err != nil {
			s.failed = err
			return 0, err
		}
	}
	s.n += int64(n)
	if n > 0 {
		s.progress(s.n)
	}
	switch {
	case s.n > s.limit:
		s.failed = fault.Invalidf("the file is larger than %d bytes", s.limit).WithHint("no image may exceed this")
	case err != nil && err != io.EOF && s.ctx.Err() != nil:
		s.failed = cancelled(s.ctx)
	case err != nil && err != io.EOF:
		s.failed = fault.Unreachablef("reading the image stopped after %d bytes: %w", s.n, err).WithHint("send it again")
	default:
		return n, err
	}
	return n, s.failed
}

// drain reads what a decompressor left, so that the digest is that of the whole file.
func (s *source) drain() error {
	_, err := io.Copy(io.Discard, s)
	return err
}

func (s *source) digest() string { return "sha256:" + hex.EncodeToString(s.sum.Sum(nil)) }

// fault says why reading through a decompressor failed.
func (s *source) fault(wrapping string, err error) error {
	if s.failed != nil {
		return s.failed
	}
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	what := "damaged"
	if errors.Is(err, io.ErrUnexpectedEOF) {
		what = "cut short"
	}
	return fault.Invalidf("the %s data is %s after %d bytes of the file: %w", wrapping, what, s.n, err).
		WithHint("fetch it again and compare its SHA-256 with the publisher's")
}

func cancelled(ctx context.Context) error {
	return fault.Unreachablef("the import was cancelled: %w", context.Cause(ctx))
}

// maxWindow bounds what a zstd stream may ask the decoder to remember: zstd's own
// default limit, --long=27.
const maxWindow = 128 << 20

// unwrap looks through one layer of compression, chosen by magic bytes and never by
// name. It returns the plain stream, the layer's name ("" for none) and a function that
// frees the decoder.
func unwrap(src *source) (plain *bufio.Reader, wrapping string, free func(), err error) {
	outer := bufio.NewReaderSize(src, 1<<20)
	head, err := peek(outer)
	if err != nil {
		return nil, "", nil, src.fault("received", err)
	}
	free = func() {}
	var inner io.Reader = outer
	switch images.Sniff(head) {
	case images.Gzip:
		wrapping = "gzip"
		inner, err = gzip.NewReader(outer)
	case images.XZ:
		wrapping = "xz"
		inner, err = xz.NewReader(outer)
	case images.Zstd:
		wrapping = "zstd"
		var d *zstd.Decoder
		if d, err = zstd.NewReader(outer, zstd.WithDecoderMaxWindow(maxWindow)); err == nil {
			inner, free = d, d.Close
		}
	default:
		return outer, "", free, nil
	}
	if err != nil {
		return nil, wrapping, free, src.fault(wrapping, err)
	}
	return bufio.NewReaderSize(inner, 1<<20), wrapping, free, nil
}

// peek returns the start of a stream, shorter when the stream is.
func peek(r *bufio.Reader) ([]byte, error) {
	head, err := r.Peek(images.HeadBytes)
	if err == io.EOF {
		err = nil
	}
	return head, err
}
