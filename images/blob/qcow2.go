package blob

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/lima-vm/go-qcow2reader/image/qcow2"

	"rackwright/fault"
)

// qcow2Feeder feeds a qcow2 image; chunks are decoded beside each other.
type qcow2Feeder struct {
	img *qcow2.Qcow2
	at  int64
}

// registerZstd teaches the qcow2 library zstd clusters: it keeps its decompressors in a
// package variable, which must not change while images are read.
var registerZstd = sync.OnceFunc(func() {
	qcow2.SetDecompressor(qcow2.CompressionTypeZstd, func(r io.Reader) (io.ReadCloser, error) {
		d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, err
		}
		return d.IOReadCloser(), nil
	})
})

// openQCOW2 opens a qcow2 file that stands alone. The header is judged before the library
// sees it: the library would open whatever path an image names as its backing file.
func openQCOW2(f *os.File, limit int64) (*qcow2Feeder, error) {
	st, err := f.Stat()
	if err != nil {
		return nil, fault.Internalf("spooled image: %w", err)
	}
	if err := checkQCOW2(f, st.Size(), limit); err != nil {
		return nil, err
	}
	registerZstd()
	return decodeQCOW2(f)
}

func decodeQCOW2(r io.ReaderAt) (q *qcow2Feeder, err error) {
	defer recovered(&err)
	img, err := qcow2.Open(onlyReaderAt{r}, nil)
	if err == nil {
		err = img.Readable()
	}
	if err != nil {
		return nil, badQCOW2("%w", err)
	}
	return &qcow2Feeder{img: img}, nil
}

// onlyReaderAt hides the file's name, by which the library finds backing files.
type onlyReaderAt struct{ io.ReaderAt }

// checkQCOW2 refuses what cannot be imported, and what would make a reader allocate or
// open more than the file justifies (QEMU docs/interop/qcow2.txt, "Header").
func checkQCOW2(r io.ReaderAt, file, limit int64) error {
	h := make([]byte, 112)
	if n, err := r.ReadAt(h, 0); n < 72 {
		return badQCOW2("the header is cut short: %w", err)
	}
	be := binary.BigEndian
	version, bits, size := be.Uint32(h[4:]), be.Uint32(h[20:]), be.Uint64(h[24:])
	l1, l1At := int64(be.Uint32(h[36:])), be.Uint64(h[40:])
	switch {
	case version != 2 && version != 3:
		return badQCOW2("version %d is not known", version)
	case be.Uint64(h[8:]) != 0:
		return badQCOW2("it needs a backing file").WithHint("flatten it: qemu-img convert -O qcow2 IN OUT")
	case be.Uint32(h[32:]) != 0:
		return badQCOW2("it is encrypted").WithHint("decrypt it: qemu-img convert to a plain qcow2")
	case bits < 9 || bits > 21:
		return badQCOW2("clusters of 2^%d bytes", bits)
	case size == 0 || size > uint64(limit):
		return tooLarge(limit)
	case l1At > uint64(file) || l1*8 > file-int64(l1At):
		return badQCOW2("its first table of %d entries does not fit in the file", l1)
	}
	return checkFeatures(h, version)
}

// checkFeatures refuses incompatible features this reader has not been proven on.
func checkFeatures(h []byte, version uint32) error {
	if version < 3 {
		return nil
	}
	const dirty, corrupt, external, compression = 1, 2, 4, 8
	bits := binary.BigEndian.Uint64(h[72:])
	switch {
	case bits&corrupt != 0:
		return badQCOW2("it is marked corrupt").WithHint("repair it with qemu-img check -r all, or fetch it again")
	case bits&external != 0:
		return badQCOW2("its data is in another file").WithHint("flatten it: qemu-img convert -O qcow2 IN OUT")
	case bits&^(dirty|corrupt|external|compression) != 0:
		return badQCOW2("it uses features %#x that are not known here", bits).
			WithHint("convert it: qemu-img convert -O qcow2 IN OUT")
	}
	return nil
}

func badQCOW2(format string, args ...any) *fault.Error {
	e := fault.Invalidf(format, args...)
	e.Message = "the qcow2 image cannot be read: " + e.Message
	return e.WithHint("the file is damaged: fetch it again and compare its SHA-256 with the publisher's")
}

func (q *qcow2Feeder) next(buf []byte) (int, func() error, bool, error) {
	at := q.at
	n := min(int64(len(buf)), q.img.Size()-at)
	if n == 0 {
		return 0, nil, false, nil
	}
	q.at += n
	hole, err := q.empty(at, n)
	if err != nil || hole {
		return int(n), nil, hole, err
	}
	return int(n), func() error { return q.read(buf[:n], at) }, false, nil
}

// empty reports whether the image has no cluster for any of n bytes at.
func (q *qcow2Feeder) empty(at, n int64) (hole bool, err error) {
	defer recovered(&err)
	ext, err := q.img.Extent(at, n)
	if err != nil {
		return false, badQCOW2("%w", err)
	}
	return !ext.Allocated && ext.Length >= n, nil
}

// recovered turns a panic of the library into an error: its tables come from the file,
// and it does not check every index.
func recovered(err *error) {
	if r := recover(); r != nil {
		*err = badQCOW2("%s", fmt.Sprint(r))
	}
}

// read fills p. The library may return less than asked with io.EOF in the middle of an image,
// at the end of a compressed cluster, so it is asked again while it makes progress.
func (q *qcow2Feeder) read(p []byte, at int64) (err error) {
	defer recovered(&err)
	for len(p) > 0 {
		n, err := q.img.ReadAt(p, at)
		if n <= 0 {
			return badQCOW2("at byte %d of the disk: %w", at, err)
		}
		p, at = p[n:], at+int64(n)
	}
	return nil
}
