package listen

import (
	"net/netip"

	"rackwright/segment"
	"rackwright/tftp"
)

// writer sends from a buffer of its own; one goroutine uses it.
type writer struct {
	port *port
	buf  []byte
	oob  []byte
}

func newWriter(p *port) *writer {
	return &writer{port: p, buf: make([]byte, 0, segment.Bytes+1024), oob: make([]byte, 0, oobSize)}
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
		some := max(1, min(segment.Bytes/size, segment.Most, int(t.To-n+1)))
		if w.port.plain.Load() {
			some = 1
		}
		b, err := w.blocks(f, n, some)
		if err != nil {
			return err
		}
		if err := w.batch(b, size, f); err != nil {
			if some > 1 && segment.Refused(err) {
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
	return w.plain(b, f.peer, segment.Control(append(w.oob[:0], f.oob...), size))
}
