package listen

import (
	"errors"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"

	"rackwright/tftp"
)

// A batch of blocks is handed to the kernel at once (UDP_SEGMENT), which cuts it.
const (
	batchBytes  = 65_000 // of UDP's 65,507
	batchBlocks = 64     // what every kernel with the option takes
)

// writer sends from a buffer of its own; one goroutine uses it.
type writer struct {
	port *port
	buf  []byte
	oob  []byte
}

func newWriter(p *port) *writer {
	return &writer{port: p, buf: make([]byte, 0, batchBytes+1024), oob: make([]byte, 0, oobSize)}
}

// plain sends one message.
func (w *writer) plain(b []byte, to netip.AddrPort, oob []byte) error {
	_, _, err := w.port.conn.WriteMsgUDPAddrPort(b, oob, to)
	return err
}

// send sends a turn of a transfer.
func (w *writer) send(f *flight, t tftp.Turn) error {
	if t.Options {
		return w.plain(f.transfer.Options(), f.peer, f.oob)
	}
	size := f.transfer.Block + 4
	for n := t.From; n <= t.To; {
		some := max(1, min(batchBytes/size, batchBlocks, int(t.To-n+1)))
		if w.port.plain.Load() {
			some = 1
		}
		b, err := w.blocks(f, n, some)
		if err != nil {
			return err
		}
		if err := w.batch(b, size, f); err != nil {
			if some > 1 && refusedOffload(err) {
				w.port.plain.Store(true)
				continue
			}
			return err
		}
		n += int64(some)
	}
	return nil
}

// blocks writes some blocks behind each other.
func (w *writer) blocks(f *flight, n int64, some int) ([]byte, error) {
	b := w.buf[:0]
	if need := some * (f.transfer.Block + 4); cap(b) < need {
		w.buf = make([]byte, 0, need)
		b = w.buf
	}
	var err error
	for i := range int64(some) {
		if b, err = f.transfer.Data(b, n+i); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// batch sends blocks of a size, all but the last of which are whole.
func (w *writer) batch(b []byte, size int, f *flight) error {
	if len(b) <= size {
		return w.plain(b, f.peer, f.oob)
	}
	oob := append(w.oob[:0], f.oob...)
	at := len(oob)
	oob = append(oob, make([]byte, unix.CmsgSpace(2))...)
	h := (*unix.Cmsghdr)(unsafe.Pointer(&oob[at]))
	h.Level, h.Type = unix.IPPROTO_UDP, unix.UDP_SEGMENT
	h.SetLen(unix.CmsgLen(2))
	*(*uint16)(unsafe.Pointer(&oob[at+unix.CmsgLen(0)])) = uint16(size)
	return w.plain(b, f.peer, oob)
}

// refusedOffload: the kernel or the interface does not cut batches.
func refusedOffload(err error) bool {
	return errors.Is(err, unix.EIO) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EMSGSIZE) || errors.Is(err, unix.ENOPROTOOPT)
}
