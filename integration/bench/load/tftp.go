package load

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"rackwright/fault"
)

// Download is what TFTP clients fetch, all of them at once, each from a port of its own.
type Download struct {
	Server  netip.AddrPort // IPv4
	From    netip.Addr     // that they ask from; invalid: the host chooses
	File    string
	Size    int64 // that it has to have; 0: whatever comes
	Block   int
	Window  int // 0: not asked for
	Clients int
}

// A client says nothing for that long, so often.
const (
	tftpSilence = time.Second
	tftpTries   = 20
)

// Run fetches, and returns how long the slowest took.
func (d Download) Run() (time.Duration, error) {
	var wg sync.WaitGroup
	errs := make([]error, d.Clients)
	began := time.Now()
	for i := range d.Clients {
		wg.Go(func() { errs[i] = d.one() })
	}
	wg.Wait()
	failed := 0
	var first error
	for _, err := range errs {
		if err != nil {
			failed++
			first = err
		}
	}
	if failed > 0 {
		return 0, fault.Internalf("%d of %d clients failed: %w", failed, d.Clients, first)
	}
	return time.Since(began), nil
}

// fetch is one client: a socket that blocks, so that little of the time is ours.
type fetch struct {
	Download
	fd     int
	to     unix.SockaddrInet4
	chosen bool // to is the server's port for this transfer
	got    int64
	next   uint16
	behind int // blocks since the last acknowledgement
	gap    bool
}

func (d Download) one() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 4<<20)
	if d.From.IsValid() {
		if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: d.From.As4()}); err != nil {
			return err
		}
	}
	wait := unix.NsecToTimeval(tftpSilence.Nanoseconds())
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &wait); err != nil {
		return err
	}
	f := &fetch{Download: d, fd: fd, to: unix.SockaddrInet4{Port: int(d.Server.Port()), Addr: d.Server.Addr().As4()}, next: 1}
	return f.run()
}

func (f *fetch) run() error {
	say, buf := f.request(), make([]byte, 1<<16)
	if err := unix.Sendto(f.fd, say, 0, &f.to); err != nil {
		return err
	}
	for silent := 0; silent < tftpTries; {
		n, from, err := unix.Recvfrom(f.fd, buf, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil { // a silence: what was said is said again
			silent++
			_ = unix.Sendto(f.fd, say, 0, &f.to)
			continue
		}
		if !f.mine(from) || n < 4 {
			continue
		}
		silent = 0
		answer, done, err := f.take(buf[:n])
		if answer != nil {
			say = answer
			_ = unix.Sendto(f.fd, say, 0, &f.to)
		}
		if done || err != nil {
			return err
		}
	}
	return fault.Unreachablef("the server fell silent after %d bytes", f.got)
}

// mine tells whether a packet is of this transfer; the first says at which port it goes on.
func (f *fetch) mine(from unix.Sockaddr) bool {
	a, ok := from.(*unix.SockaddrInet4)
	if !ok {
		return false
	}
	if !f.chosen {
		f.to.Port, f.chosen = a.Port, true
	}
	return a.Port == f.to.Port
}

func (f *fetch) request() []byte {
	fields := []string{f.File, "octet", "blksize", strconv.Itoa(f.Block)}
	if f.Window > 0 {
		fields = append(fields, "windowsize", strconv.Itoa(f.Window))
	}
	return []byte("\x00\x01" + strings.Join(fields, "\x00") + "\x00")
}

func (f *fetch) ack(n uint16) []byte {
	f.behind = 0
	return binary.BigEndian.AppendUint16([]byte{0, 4}, n)
}

// take takes a message and returns what to say to it.
func (f *fetch) take(b []byte) (answer []byte, done bool, err error) {
	switch b[1] {
	case 5:
		return nil, true, fault.Internalf("the server says %q", b[4:])
	case 6:
		text := string(b[2:])
		if f.Window > 0 && !strings.Contains(strings.ToLower(text), "windowsize\x00"+strconv.Itoa(f.Window)+"\x00") {
			return nil, true, fault.Internalf("the server does not grant windows of %d", f.Window)
		}
		return f.ack(0), false, nil
	case 3:
		return f.data(binary.BigEndian.Uint16(b[2:]), len(b)-4)
	}
	return nil, false, nil
}

func (f *fetch) data(n uint16, length int) (answer []byte, done bool, err error) {
	if n != f.next {
		if int16(n-f.next) > 0 && !f.gap {
			f.gap = true
			return f.ack(f.next - 1), false, nil
		}
		return nil, false, nil
	}
	f.gap = false
	f.got += int64(length)
	f.next++
	f.behind++
	if length < f.Block {
		if f.Size > 0 && f.got != f.Size {
			return f.ack(n), true, fault.Internalf("%d bytes came of %d", f.got, f.Size)
		}
		return f.ack(n), true, nil
	}
	if f.behind >= max(1, f.Window) {
		return f.ack(n), false, nil
	}
	return nil, false, nil
}
