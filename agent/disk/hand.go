package disk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"runtime"
	"sync/atomic"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"rackwright/agent/direct"
	"rackwright/fault"
	"rackwright/images"
)

// maxFrame is room for the frame of any chunk.
const maxFrame = images.MaxChunk + images.MaxChunk/64 + 512

// hand does one chunk at a time from fetch to write. There are a few more than processors,
// for some of them wait for the network or the disk.
type hand struct {
	dec   *zstd.Decoder
	both  []byte // outside the collector's heap: plain, then frame
	plain []byte // aligned
	frame []byte
}

// maxHands keeps the agent below 64 MiB when every chunk is as large as it may be.
const maxHands = 4

func (w *Write) hands() ([]*hand, error) {
	n := w.Hands
	if n == 0 {
		n = min(runtime.NumCPU()+2, maxHands)
	}
	var all []*hand
	for range n {
		h, err := newHand()
		if err != nil {
			return nil, errors.Join(err, letGo(all))
		}
		all = append(all, h)
	}
	return all, nil
}

func newHand() (*hand, error) {
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecodeAllCapLimit(true))
	if err != nil {
		return nil, fault.Internalf("zstd: %w", err)
	}
	both, err := unix.Mmap(-1, 0, images.MaxChunk+maxFrame, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		dec.Close()
		return nil, fault.Internalf("memory for a chunk: %w", err)
	}
	return &hand{dec: dec, both: both, plain: both[:images.MaxChunk:images.MaxChunk], frame: both[images.MaxChunk:]}, nil
}

func letGo(hands []*hand) (err error) {
	for _, h := range hands {
		h.dec.Close()
		err = errors.Join(err, unix.Munmap(h.both))
	}
	return err
}

// share has the hands do 0 to n-1, each once and nearly in order, until one fails.
func share(ctx context.Context, hands []*hand, n int, do func(ctx context.Context, h *hand, i int) error) error {
	var next atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for _, h := range hands[:min(len(hands), n)] {
		group.Go(func() error {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				if err := ctx.Err(); err != nil {
					return err
				}
				if err := do(ctx, h, int(i)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// land puts a chunk on the disk and returns the XXH64 of its bytes. The frame's SHA-256 and
// the checksum inside it prove what is written.
func (h *hand) land(ctx context.Context, from Fetcher, m Medium, c images.Chunk) (uint64, error) {
	frame := h.frame[:c.Packed]
	if err := from.Fetch(ctx, c, frame); err != nil {
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		return 0, fetchProblem(err)
	}
	data, err := h.dec.DecodeAll(frame, h.plain[:0])
	if err == nil && int64(len(data)) != c.Bytes {
		err = fault.Invalidf("%d bytes instead of %d", len(data), c.Bytes)
	}
	if err != nil {
		return 0, notTheImage(c, err)
	}
	return xxhash.Sum64(data), writeFull(m, h.pad(len(data)), c.Offset)
}

// read reads a chunk's place on the disk.
func (h *hand) read(m Medium, off, n int64) ([]byte, error) {
	got := h.plain[:roundUp(n, direct.Align)]
	return got[:n], readFull(m, got, off)
}

// pad fills what the hand holds with zeros up to direct.Align.
func (h *hand) pad(n int) []byte {
	end := int(roundUp(int64(n), direct.Align))
	clear(h.plain[n:end])
	return h.plain[:end]
}

func sameSHA256(data []byte, want string) bool {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]) == want
}

func notTheImage(c images.Chunk, err error) error {
	return &Problem{CauseDigest, fault.Conflictf("image data for byte %d of the disk is not what the manifest names: %w", c.Offset, err).
		WithHint("add the image to the server again; what is stored there is damaged")}
}
