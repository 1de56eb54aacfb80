package listen

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rackwright/boot"
	"rackwright/journal"
	own "rackwright/tftp"
)

// machine is a client of a few lines that takes what is in order.
type machine struct {
	t     *testing.T
	conn  *net.UDPConn
	at    netip.AddrPort
	pause time.Duration // before it acknowledges
}

func newMachine(t *testing.T, port uint16) *machine {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
	return &machine{t: t, conn: c, at: netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port)}
}

func (m *machine) ask(fields ...string) {
	m.say([]byte("\x00\x01"+strings.Join(fields, "\x00")+"\x00"), m.at)
}

func (m *machine) say(b []byte, to netip.AddrPort) {
	m.t.Helper()
	if _, err := m.conn.WriteToUDPAddrPort(b, to); err != nil {
		m.t.Error(err)
	}
}

func (m *machine) hear() ([]byte, netip.AddrPort) {
	m.t.Helper()
	b := make([]byte, 2048)
	n, from, err := m.conn.ReadFromUDPAddrPort(b)
	if err != nil {
		m.t.Error(err)
		return []byte("\x00\x05\x00\x00"), from
	}
	return b[:n], from
}

// take fetches a file with windows of 4.
func (m *machine) take(name string) (got []byte, from netip.AddrPort) {
	m.ask(name, "octet", "blksize", "1000", "windowsize", "4")
	for next := uint16(1); ; {
		b, at := m.hear()
		switch from = at; b[1] {
		case 6:
			m.say([]byte{0, 4, 0, 0}, at)
		case 3:
			if binary.BigEndian.Uint16(b[2:]) != next {
				continue
			}
			got, next = append(got, b[4:]...), next+1
			if len(b) < 1004 || next%4 == 1 {
				time.Sleep(m.pause)
				m.say([]byte{0, 4, b[2], b[3]}, at)
			}
			if len(b) < 1004 {
				return got, from
			}
		default:
			m.t.Errorf("%q", b)
			return got, from
		}
	}
}

func TestTransfersLeaveFromOnePortWhenSoConfigured(t *testing.T) {
	for _, single := range []bool{true, false} {
		port, events := start(t, func(s *Server) { s.SinglePort = single })
		got, from := newMachine(t, port).take("undionly.kpxe")
		if !bytes.Equal(got, boot.NewLoaders().Get("undionly.kpxe").Bytes()) || (from.Port() == port) != single {
			t.Errorf("%d bytes from port %d of a server at %d", len(got), from.Port(), port)
		}
		if e := events.next(t); e.Detail["window"] != 4 || e.Detail["block"] != 1000 {
			t.Errorf("event is %+v", e)
		}
	}
}

func TestHundredsAtOnceAreAllServedBesideManyThatStall(t *testing.T) {
	port, _ := start(t, func(s *Server) { s.Journal = deaf{} })
	before := runtime.NumGoroutine()
	for range 100 {
		m := newMachine(t, port)
		m.ask("ipxe.efi", "octet", "tsize", "0")
		m.hear() // and never a word again
	}
	if n := runtime.NumGoroutine(); n > before+replyPorts+2 { // a busy machine may begin the server's own late
		t.Errorf("%d goroutines wait for silent clients", n-before)
	}
	want := boot.NewLoaders().Get("undionly.kpxe").Bytes()
	var wg sync.WaitGroup
	for range 100 {
		m := newMachine(t, port)
		wg.Go(func() {
			if got, _ := m.take("undionly.kpxe"); !bytes.Equal(got, want) {
				t.Errorf("%d bytes of %d", len(got), len(want))
			}
		})
	}
	wg.Wait()
}

// One after another they would take most of a minute, and each gives up after 20 s.
func TestHundredsThatAreSlowWaitForNobody(t *testing.T) {
	port, _ := start(t, func(s *Server) { s.Journal = deaf{} })
	want := boot.NewLoaders().Get("undionly.kpxe").Bytes()
	var wg sync.WaitGroup
	for i := range mostOfPeer - 6 {
		m := newMachine(t, port)
		m.pause = time.Duration(5+i%10) * time.Millisecond
		wg.Go(func() {
			if got, _ := m.take("undionly.kpxe"); !bytes.Equal(got, want) {
				t.Errorf("%d bytes of %d", len(got), len(want))
			}
		})
	}
	wg.Wait()
}

type deaf struct{}

func (deaf) Record(journal.Event) {}

func TestAStrayAcknowledgementIsToldThatItIsOne(t *testing.T) {
	port, _ := start(t)
	a, b := newMachine(t, port), newMachine(t, port)
	a.ask("ipxe.efi", "octet", "tsize", "0")
	_, at := a.hear()
	b.say([]byte{0, 4, 0, 0}, at)
	if told, _ := b.hear(); !bytes.HasPrefix(told, []byte{0, 5, 0, 5}) {
		t.Errorf("%q", told)
	}
	a.say([]byte{0, 4, 0, 0}, at)
	if data, _ := a.hear(); !bytes.HasPrefix(data, []byte{0, 3, 0, 1}) {
		t.Errorf("%q", data)
	}
}

func TestARepeatedRequestIsOneTransfer(t *testing.T) {
	port, events := start(t)
	m := newMachine(t, port)
	for range 2 {
		m.ask("ipxe.efi", "octet", "tsize", "0")
	}
	_, first := m.hear()
	_, second := m.hear()
	if first != second {
		t.Errorf("answered from %s and from %s", first, second)
	}
	m.say([]byte("\x00\x05\x00\x00enough\x00"), first)
	if e := events.next(t); e.Detail["retries"] != 1 || e.Detail["size_only"] != true {
		t.Errorf("event is %+v", e)
	}
}

func TestWhoAsksAnewOnTheSamePortGetsAnotherOfOurs(t *testing.T) {
	port, events := start(t)
	m := newMachine(t, port)
	m.ask("ipxe.efi", "octet", "tsize", "0")
	_, first := m.hear()
	m.say([]byte{0, 4, 0, 0}, first)
	m.hear()
	m.ask("undionly.kpxe", "octet", "tsize", "0")
	if b, second := m.hear(); second == first || b[1] != 6 {
		t.Errorf("%q from %s, before from %s", b, second, first)
	}
	if e := events.next(t); e.Kind != journal.TFTPFailed || e.Detail["reason"] != "replaced" {
		t.Errorf("event is %+v", e)
	}
}

func TestTextIsTranslatedAndProgramsAreNot(t *testing.T) {
	port, events := start(t, func(s *Server) { s.Rendered = one{"menu": "a\nb\r"} })
	m := newMachine(t, port)
	m.ask("menu", "netascii")
	if b, at := m.hear(); string(b) != "\x00\x03\x00\x01a\r\nb\r\x00" {
		t.Errorf("%q", b)
	} else {
		m.say([]byte{0, 4, 0, 1}, at)
	}
	events.next(t)
	m.ask("ipxe.efi", "netascii")
	if b, _ := m.hear(); !bytes.HasPrefix(b, []byte{0, 5, 0, 2}) {
		t.Errorf("%q", b)
	}
}

// The clock is the test's: each repetition is heard ten seconds after the one before.
func TestWhereATransferStalledIsRecorded(t *testing.T) {
	var late atomic.Int64
	port, events := start(t, func(s *Server) {
		s.Now = func() time.Time { return time.Unix(1_700_000_000+late.Load(), 0) }
	})
	m := newMachine(t, port)
	m.ask("undionly.kpxe", "octet", "blksize", "1000", "windowsize", "4")
	_, at := m.hear()
	m.say([]byte{0, 4, 0, 0}, at)
	for range 4 {
		m.hear()
	}
	m.say([]byte{0, 4, 0, 4}, at)
	for n := range 8 * 4 {
		if b, _ := m.hear(); b[1] != 3 || int(b[3]) != 5+n%4 {
			t.Fatalf("message %d is %q", n, b[:4])
		}
		if n%4 == 3 {
			late.Add(10)
		}
	}
	e := events.next(t)
	if e.Kind != journal.TFTPFailed || e.Detail["reason"] != "stalled" || e.Detail["stalled_at"] != int64(5) || e.Detail["retries"] != 7 || e.Detail["bytes"] != int64(4000) || !strings.Contains(e.Summary, "stalled by TFTP at block 5 of ") {
		t.Errorf("event is %+v", e)
	}
}

// one is a Files of texts.
type one map[string]string

func (o one) File(_ context.Context, a own.Ask) (*own.File, error) {
	if text, ok := o[a.Name]; ok {
		return own.Text(a.Name, text), nil
	}
	return nil, nil
}

// Strangers from a hundred thousand addresses take no more than their half, a known machine
// has its place, and all goes away.
func TestAFloodOfRequestsTakesNoPlaceOfAMachine(t *testing.T) {
	front, now := &port{}, time.Unix(1_700_000_000, 0)
	d := newDesk([]*port{front, {}, {}})
	flight := func(peer string, known bool) *flight {
		r, err := own.ParseRequest([]byte("\x00\x01f\x00octet\x00tsize\x000\x00"))
		if err != nil {
			t.Fatal(err)
		}
		return &flight{file: own.Text("f", "text"), peer: netip.MustParseAddrPort(peer), known: known, transfer: own.NewTransfer(r, strings.NewReader("text"), 4, 512)}
	}
	for i := range 100_000 {
		d.admit(flight(fmt.Sprintf("10.%d.%d.%d:1024", i>>16, i>>8&255, i&255), false), now.Add(time.Duration(i)))
	}
	if d.running > mostStrangers || d.strangers != d.running {
		t.Errorf("%d run, %d of strangers", d.running, d.strangers)
	}
	if _, out, ok := d.admit(flight("192.168.0.1:1024", true), now); !ok || len(out) != 0 {
		t.Errorf("a known machine: %v, %d gave way", ok, len(out))
	}
	for i := range 1000 {
		d.admit(flight(fmt.Sprintf("192.168.0.2:%d", 1024+i), true), now.Add(time.Duration(i)))
	}
	if n := d.of[netip.MustParseAddr("192.168.0.2")].Len(); n > mostOfPeer || len(d.flights) > most+mostEnded {
		t.Errorf("one address has %d of %d", n, len(d.flights))
	}
	for i := range 60 {
		d.late(now.Add(time.Duration(i) * time.Second))
	}
	if d.running != 0 || d.strangers != 0 || len(d.flights) != 0 || len(d.of) != 0 {
		t.Errorf("left: %d running, %d flights, %d peers", d.running, len(d.flights), len(d.of))
	}
}
