package listen

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pin/tftp/v3"

	"rackwright/boot"
	"rackwright/fault"
	"rackwright/integration/porttest"
	"rackwright/inventory"
	"rackwright/journal"
	own "rackwright/tftp"
)

// diary keeps events and lets a test wait for one.
type diary chan journal.Event

func (d diary) Record(e journal.Event) { d <- e }

func (d diary) next(t *testing.T) journal.Event {
	t.Helper()
	select {
	case e := <-d:
		return e
	case <-time.After(10 * time.Second):
		t.Fatal("no event within 10 s")
		return journal.Event{}
	}
}

// start runs a server on a free loopback port until the test ends.
func start(t *testing.T, change ...func(*Server)) (port uint16, events diary) {
	t.Helper()
	host := &boot.Host{Machine: "m1", Name: "r1-u1", MAC: inventory.MAC{2, 1}, Address: netip.MustParseAddr("127.0.0.1")}
	view := boot.NewView(1, nil, []*boot.Host{host})
	events = make(diary, 1024)
	s := &Server{View: func() *boot.View { return view }, Files: shelf(), Journal: events,
		Log: slog.New(slog.DiscardHandler), Now: time.Now, Port: uint16(porttest.Free(t))}
	for _, f := range change {
		f(s)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	failed := make(chan error, 1)
	wg.Go(func() { failed <- s.Run(ctx) })
	t.Cleanup(func() { cancel(); wg.Wait() })
	select {
	case <-s.Ready():
	case err := <-failed:
		t.Fatal(err)
	}
	return s.Port, events
}

func shelf() own.Files { return own.Shelf{Loaders: boot.NewLoaders()} }

func client(t *testing.T, port uint16) *tftp.Client {
	t.Helper()
	c, err := tftp.NewClient("127.0.0.1:" + strconv.Itoa(int(port)))
	if err != nil {
		t.Fatal(err)
	}
	c.SetTimeout(5 * time.Second)
	return c
}

func TestALoaderIsSentWholeAndToWhomIsRecorded(t *testing.T) {
	port, events := start(t)
	for _, name := range []string{"undionly.kpxe", "/boot/undionly.kpxe"} {
		c := client(t, port)
		c.SetBlockSize(1456)
		c.RequestTSize(true)
		w, err := c.Receive(name, "octet")
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if _, err := w.WriteTo(&got); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), boot.NewLoaders().Get("undionly.kpxe").Bytes()) {
			t.Error("other bytes arrived than were sent")
		}
		e := events.next(t)
		if e.Kind != journal.TFTPSent || e.Machine != "m1" || e.Detail["bytes"] != int64(got.Len()) || e.Detail["file"] != "undionly.kpxe" {
			t.Errorf("event is %+v", e)
		}
	}
}

func TestWhatIsNotOnTheShelfIsRefused(t *testing.T) {
	port, events := start(t)
	for _, name := range []string{"pxelinux.0", "../../etc/passwd", "/etc/passwd", strings.Repeat("x", 300)} {
		w, err := client(t, port).Receive(name, "octet")
		if err == nil {
			_, err = w.WriteTo(new(bytes.Buffer))
		}
		if err == nil || !strings.Contains(err.Error(), "not found") {
			t.Errorf("%.20q: %v", name, err)
		}
		if e := events.next(t); e.Kind != journal.TFTPFailed || e.Detail["reason"] != "no-such-file" || len(e.Summary) > 300 {
			t.Errorf("event is %+v", e)
		}
	}
}

func TestNothingIsTaken(t *testing.T) {
	port, events := start(t)
	r, err := client(t, port).Send("ipxe.efi", "octet")
	if err == nil {
		_, err = r.ReadFrom(strings.NewReader("mine"))
	}
	if err == nil || !strings.Contains(err.Error(), "read-only") {
		t.Errorf("write: %v", err)
	}
	if e := events.next(t); e.Kind != journal.TFTPFailed || e.Detail["reason"] != "write" {
		t.Errorf("event is %+v", e)
	}
}

func TestAskingForTheSizeAloneIsNoFailure(t *testing.T) {
	port, events := start(t)
	u, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	_ = u.SetDeadline(time.Now().Add(5 * time.Second))
	server := &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: int(port)}
	if _, err := u.WriteTo([]byte("\x00\x01ipxe.efi\x00octet\x00tsize\x000\x00"), server); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 600)
	n, from, err := u.ReadFrom(buf)
	if err != nil || !bytes.HasPrefix(buf[:n], []byte("\x00\x06tsize\x00")) {
		t.Fatalf("%q, %v", buf[:n], err)
	}
	if _, err := u.WriteTo([]byte("\x00\x05\x00\x08User aborted\x00"), from); err != nil {
		t.Fatal(err)
	}
	if e := events.next(t); e.Kind != journal.TFTPSent || e.Detail["size_only"] != true {
		t.Errorf("event is %+v", e)
	}
}

func TestAPortInUseSaysWhoAndHow(t *testing.T) {
	port, events := start(t)
	s := &Server{Port: port, Journal: events, Log: slog.New(slog.DiscardHandler), Now: time.Now, Files: shelf(), View: func() *boot.View { return nil }}
	err := s.Run(t.Context())
	if !fault.Is(err, fault.Conflict) || !strings.Contains(fault.HintOf(err), "ss -ulpn") {
		t.Errorf("%v (%s)", err, fault.HintOf(err))
	}
}

// Two servers share a port on addresses of their own: each is bound to its host alone.
func TestAServerKeepsToItsHost(t *testing.T) {
	port := uint16(porttest.Free(t))
	for _, host := range []string{"127.0.0.1", "127.0.0.2"} {
		s := &Server{Host: host, Port: port, Journal: make(diary, 64), Log: slog.New(slog.DiscardHandler), Now: time.Now, Files: shelf(),
			View: func() *boot.View { return nil }}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		t.Cleanup(func() { cancel(); <-done })
		select {
		case <-s.Ready():
		case err := <-done:
			done <- err
			t.Fatalf("%s: %v", host, err)
		}
	}
}

func TestASecretInANameIsNotShown(t *testing.T) {
	for name, want := range map[string]string{"boot/k/SECRET/vmlinuz": "vmlinuz", "/boot/K/SECRET/part/initrd": "part/initrd", "k/SECRET": "", "boot/k/SECRET/": "", "boot/k": "", "ipxe.efi": "ipxe.efi", "kk/k.efi": "kk/k.efi"} {
		if got := shown(name); got != want {
			t.Errorf("%q is shown as %q, want %q", name, got, want)
		}
	}
}

func FuzzNamesAreHarmless(f *testing.F) {
	f.Add("ipxe.efi")
	f.Add("../\x00\xff")
	f.Fuzz(func(t *testing.T, name string) {
		if s := clip(name); len(s) > 3*128 || strings.ContainsAny(s, "\n\r\x00") {
			t.Errorf("%q", s)
		}
	})
}
