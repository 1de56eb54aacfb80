package scripted

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	nethttp "net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"

	"github.com/klauspost/compress/zstd"

	"rackwright/agent/wire"
	"rackwright/images"
	"rackwright/inventory"
)

// Benches are the few work benches that all machines of a rack share: unpacking a chunk
// takes megabytes, and a thousand machines must not each have them.
type Benches struct{ free chan *bench }

// bench is room for one chunk.
type bench struct {
	decoder   *zstd.Decoder // nil until it is used first
	pack, out []byte
}

// NewBenches makes two benches for each processor.
func NewBenches() *Benches {
	n := 2 * runtime.GOMAXPROCS(0)
	b := &Benches{free: make(chan *bench, n)}
	for range n {
		b.free <- &bench{}
	}
	return b
}

// take waits for a bench; it is given back with put.
func (b *Benches) take(ctx context.Context) (*bench, error) {
	select {
	case w := <-b.free:
		return w, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (b *Benches) put(w *bench) { b.free <- w }

// badEnd is why an order was refused, or failed once it was begun.
type badEnd struct {
	reason string
	err    error
	hint   string
}

// write does a write order: all that an agent does but the writing, unless the rack file
// wants the image kept. It returns an error when the conversation cannot go on.
func (a *agent) write(ctx context.Context, o wire.Order) error {
	a.m.stage(ctx)
	manifest, disk, i, bad := a.prepare(ctx, o.Write)
	if p, ok := permit(o); bad == nil && o.Permit != nil && (!ok || !grants(p, disk)) {
		bad = &badEnd{wire.ReasonPermit, fmt.Errorf("disk %s is not in the order's permit", disk.Label()), "'rackwright operation retry' asks for the order again"}
	}
	if bad != nil {
		return a.badly(ctx, o, wire.Refused, bad)
	}
	if err := a.report(ctx, wire.Event{Order: o.ID, Stage: wire.Accepted, Disk: &disk}); err != nil {
		return err
	}
	a.m.wiped(i)
	if bad := a.perform(ctx, o, manifest, i); bad != nil {
		return a.badly(ctx, o, wire.Failed, bad)
	}
	a.m.install(i, o.Write.Seed, o.ID)
	return a.conclude(ctx, wire.Event{Order: o.ID, Stage: wire.Completed})
}

// badly concludes an order, unless the conversation is over.
func (a *agent) badly(ctx context.Context, o wire.Order, stage wire.Stage, bad *badEnd) error {
	if ctx.Err() != nil || errors.Is(bad.err, errSession) {
		return bad.err
	}
	return a.conclude(ctx, wire.Event{Order: o.ID, Stage: stage, Reason: bad.reason, Detail: bad.err.Error(), Hint: bad.hint})
}

// prepare checks what can be checked before a disk changes, and returns the index of the
// one disk that is meant.
func (a *agent) prepare(ctx context.Context, w *wire.WriteOrder) (*images.Manifest, inventory.Disk, int, *badEnd) {
	f := a.m.facts()
	if w.Firmware != "" && w.Firmware != f.Firmware {
		return nil, inventory.Disk{}, 0, &badEnd{wire.ReasonFirmware, fmt.Errorf("the machine booted in %s mode, the deployment is for %s", f.Firmware, w.Firmware),
			"correct firmware in the plan or in the rack file"}
	}
	disk, err := w.Disk.Choose(f.Disks)
	if err != nil {
		return nil, disk, 0, &badEnd{wire.ReasonNoDisk, err, hintOf(err)}
	}
	var text []byte
	if _, err := a.call(ctx, nethttp.MethodGet, "/agent/v1/manifest/"+url.PathEscape(w.Digest), nil, &text); err != nil {
		return nil, disk, 0, &badEnd{wire.ReasonFetch, err, ""}
	}
	manifest, err := images.DecodeManifest(text, w.Digest)
	if err != nil {
		return nil, disk, 0, &badEnd{wire.ReasonBadDigest, err, ""}
	}
	if need := manifest.Bytes + room; disk.Bytes < need {
		return nil, disk, 0, &badEnd{wire.ReasonDiskTooSmall, fmt.Errorf("%s (serial %q) has %d bytes, image and seed need %d", disk.Path, disk.Serial, disk.Bytes, need),
			"name a larger disk in root_disk of the plan, or deploy a smaller image"}
	}
	for i, d := range f.Disks {
		if d.Path == disk.Path {
			return manifest, disk, i, nil
		}
	}
	return nil, disk, 0, &badEnd{wire.ReasonNoDisk, fmt.Errorf("%s is gone", disk.Path), ""}
}

// room is what seed and partition tables take beside the image, bytes.
const room = 6 << 20

// perform fetches and proves every chunk.
func (a *agent) perform(ctx context.Context, o wire.Order, m *images.Manifest, disk int) *badEnd {
	to, err := a.m.openDisk(disk)
	if err != nil {
		return &badEnd{wire.ReasonDiskIO, err, ""}
	}
	defer to.Close()
	var done int64
	total := max(m.Data(), 1)
	a.use(o.Write.Sources)
	for _, c := range m.Chunks {
		if bad := a.chunk(ctx, c, to); bad != nil {
			return bad
		}
		done += c.Bytes
		if err := a.progress(ctx, wire.Event{Order: o.ID, Stage: wire.Writing, Done: done, Total: total}); err != nil {
			return &badEnd{wire.ReasonFetch, err, ""}
		}
	}
	for _, e := range []wire.Event{{Order: o.ID, Stage: wire.Verifying, Done: total, Total: total}, {Order: o.ID, Stage: wire.Finishing}} {
		if err := a.report(ctx, e); err != nil {
			return &badEnd{wire.ReasonFetch, err, ""}
		}
		a.m.stage(ctx)
	}
	return nil
}

// Tries of one chunk.
const (
	fetchTries = 20
	goodTries  = 2 // of a chunk that has another digest than the manifest says
)

// chunk fetches, unpacks, proves and perhaps writes one chunk.
func (a *agent) chunk(ctx context.Context, c images.Chunk, to io.WriterAt) *badEnd {
	damaged := 0
	var err error
	for try := 1; try <= fetchTries && ctx.Err() == nil; try++ {
		var data, again bool
		from := server
		if from, data, again, err = a.tryChunk(ctx, c, to); err == nil {
			return nil
		}
		if a.blame(from) { // there are others, and the server
			continue
		}
		if data {
			damaged++
		}
		if damaged == goodTries {
			return &badEnd{wire.ReasonBadDigest, fmt.Errorf("image data for byte %d of the disk is damaged, twice: %w", c.Offset, err), "add the image to the server again"}
		}
		if !data && !again {
			break
		}
		backoff(ctx, try)
	}
	return &badEnd{wire.ReasonFetch, errors.Join(err, ctx.Err()), "see the server's log"}
}

// tryChunk does it once. arrived: all bytes came, so an error is about what they are.
func (a *agent) tryChunk(ctx context.Context, c images.Chunk, to io.WriterAt) (from int, arrived, again bool, err error) {
	b, err := a.m.Benches.take(ctx)
	if err != nil {
		return server, false, false, err
	}
	defer a.m.Benches.put(b)
	ctx, cancel := context.WithTimeout(ctx, transferTime)
	defer cancel()
	response, from, again, err := a.ask(ctx, c)
	if err != nil {
		return from, false, again, err
	}
	defer response.Body.Close()
	if response.StatusCode != nethttp.StatusOK || response.ContentLength != c.Packed {
		return from, false, false, fmt.Errorf("the server answers %s and %d bytes where a chunk of %d bytes was asked for", response.Status, response.ContentLength, c.Packed)
	}
	b.pack = sized(b.pack, c.Packed)
	if _, err := io.ReadFull(&watched{response.Body, cancel}, b.pack); err != nil {
		return from, false, true, err
	}
	if err := b.unpack(c); err != nil {
		return from, true, true, err
	}
	_, err = to.WriteAt(b.out, c.Offset)
	return from, true, true, err
}

// unpack decodes the frame and compares the digests.
func (b *bench) unpack(c images.Chunk) (err error) {
	if b.decoder == nil {
		if b.decoder, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecodeAllCapLimit(true)); err != nil {
			return err
		}
	}
	if sum := sha256.Sum256(b.pack); hex.EncodeToString(sum[:]) != c.Blob {
		return fmt.Errorf("SHA-256 of the chunk is %x instead of %s", sum, c.Blob)
	}
	if b.out, err = b.decoder.DecodeAll(b.pack, sized(b.out, images.MaxChunk)[:0]); err != nil {
		return err
	}
	if sum := sha256.Sum256(b.out); int64(len(b.out)) != c.Bytes || hex.EncodeToString(sum[:]) != c.SHA256 {
		return fmt.Errorf("SHA-256 is %x instead of %s", sum, c.SHA256)
	}
	return nil
}

func sized(b []byte, n int64) []byte {
	if int64(cap(b)) < n {
		return make([]byte, n)
	}
	return b[:n]
}

// medium is where proven bytes go.
type medium interface {
	io.WriterAt
	io.Closer
}

// openDisk is the disk's file where images are kept, else nothing.
func (m *Machine) openDisk(i int) (medium, error) {
	if !m.Machine.Keep {
		return nowhere{}, nil
	}
	d := m.Machine.Disks[i]
	f, err := os.OpenFile(filepath.Join(m.Dir, d.Name+".raw"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(f.Truncate(0), f.Truncate(int64(d.Size))); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// nowhere is a disk that forgets.
type nowhere struct{}

func (nowhere) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }
func (nowhere) Close() error                           { return nil }
