package serve

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"rackwright/journal"
)

// heard is a diary for a server whose requests come from many at once.
type heard chan journal.Event

func (h heard) Record(e journal.Event) { h <- e }

// listening serves a world on a listener with the bounds of a real one, made short.
func listening(t *testing.T) (w *world, events heard, addr string) {
	w, events = newWorld(t, nil), make(heard, 100)
	w.server.Journal, w.server.patience = events, 300*time.Millisecond
	w.get("/boot/script?mac="+deployMAC, 200) // opens the boot
	<-events
	if err := os.Truncate(filepath.Join(w.server.Ramdisks, "amd64", "initrd"), 64<<20); err != nil { // more than buffers hold
		t.Fatal(err)
	}
	r := chi.NewRouter()
	w.server.Routes(r)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := NewHTTP("", r, slog.New(slog.DiscardHandler))
	srv.ReadHeaderTimeout, srv.ReadTimeout, srv.IdleTimeout = 300*time.Millisecond, time.Second, 300*time.Millisecond
	go srv.Serve(l)
	t.Cleanup(func() { srv.Close() })
	return w, events, l.Addr().String()
}

func (h heard) next(t *testing.T) journal.Event {
	t.Helper()
	select {
	case e := <-h:
		return e
	case <-time.After(20 * time.Second):
		t.Fatal("nothing was recorded in 20 s")
		panic("unreachable")
	}
}

func dial(t *testing.T, addr, says string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(conn, says); err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestClientsThatHoldConnectionsAreGivenUpAndOthersServedMeanwhile(t *testing.T) {
	_, events, addr := listening(t)
	var half []net.Conn
	for i := range 40 {
		half = append(half, dial(t, addr, []string{"", "GET", "GET /boot/script?mac=" + idleMAC + " HTTP/1.1\r\nHost: x\r\nX-Slow: "}[i%3]))
	}
	taker := dial(t, addr, "GET /boot/k/"+goodNonce+"/initrd HTTP/1.1\r\nHost: x\r\n\r\n") // and takes nothing
	if code, text := fetch(t, "http://"+addr+"/boot/script?mac="+idleMAC); code != 200 || !strings.Contains(text, "rackwright") {
		t.Errorf("another client: %d %s", code, text)
	}
	if e := events.next(t); e.Detail["script"] != "local-disk" {
		t.Errorf("recorded first: %+v", e)
	}
	if e := events.next(t); e.Detail["file"] != "initrd" || e.Detail["aborted"] != true {
		t.Errorf("of the one that takes nothing: %+v", e)
	}
	for _, conn := range append(half, taker) {
		if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error("a connection is held")
		}
	}
}

func fetch(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// meter is an answer that remembers each deadline it is given and what went out by then.
type meter struct {
	*httptest.ResponseRecorder
	at    []int
	times []time.Time
}

func (m *meter) SetWriteDeadline(d time.Time) error {
	m.at, m.times = append(m.at, m.Body.Len()), append(m.times, d)
	return nil
}

func TestASlowMachineGetsItsRamdiskInPortionsThatHaveATimeEach(t *testing.T) {
	const size = 5*portion + 17
	for name, body := range map[string]io.Reader{"with a limit": io.LimitReader(strings.NewReader(strings.Repeat("x", 2*size)), size), "to its end": strings.NewReader(strings.Repeat("x", size))} {
		m := &meter{ResponseRecorder: httptest.NewRecorder()}
		p := newPaced(m, time.Minute)
		n, err := p.ReadFrom(body)
		if err != nil || n != size || p.bytes != size || m.Body.Len() != size {
			t.Errorf("%s: %d bytes, %v", name, n, err)
		}
		for i, at := range m.at {
			if i > 0 && at-m.at[i-1] > portion || m.times[i].IsZero() {
				t.Errorf("%s: deadlines at %v", name, m.at)
			}
		}
	}
}

func TestRangesAndConditionsAreMetAsFarAsLoadersNeedThem(t *testing.T) {
	_, events, addr := listening(t)
	const size = 64 << 20
	_, whole := fetch(t, "http://"+addr+"/boot/ipxe.efi")
	events.next(t)
	for _, c := range []struct {
		method, path, header string
		want                 int
		length               int
		kind                 journal.Kind // "": nothing is recorded
	}{
		{"GET", "/boot/k/" + goodNonce + "/initrd", "Range: bytes=0-99", 206, 100, journal.HTTPSent},
		{"GET", "/boot/k/" + goodNonce + "/initrd", "Range: bytes=-5", 206, 5, journal.HTTPSent},
		{"GET", "/boot/k/" + goodNonce + "/initrd", fmt.Sprintf("Range: bytes=%d-", size-3), 206, 3, journal.HTTPSent},
		{"GET", "/boot/k/" + goodNonce + "/initrd", fmt.Sprintf("Range: bytes=%d-", size), 416, -1, journal.HTTPRefused},
		{"GET", "/boot/k/" + goodNonce + "/initrd", "Range: bytes=99999999999999999999-", 416, -1, journal.HTTPRefused},
		{"GET", "/boot/k/" + goodNonce + "/initrd", "Range: lines=1-2", 200, size, journal.HTTPSent},
		{"GET", "/boot/ipxe.efi", "Range: bytes=" + strings.Repeat("0-,", 2000) + "0-", 200, len(whole), journal.HTTPSent},
		{"GET", "/boot/ipxe.efi", "If-None-Match: *", 304, 0, ""},
		{"GET", "/boot/ipxe.efi", `If-Match: "another"`, 412, -1, journal.HTTPRefused},
		{"GET", "/boot/ipxe.efi", `Range: bytes=0-9` + "\r\n" + `If-Range: "another"`, 200, len(whole), journal.HTTPSent},
		{"GET", "/boot/k/" + goodNonce + "/initrd", "If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT", 304, 0, ""},
		{"HEAD", "/boot/k/" + goodNonce + "/initrd", "Accept: */*", 200, size, ""},
		{"HEAD", "/boot/ipxe.efi", "Range: bytes=0-9", 200, len(whole), ""},
		{"POST", "/boot/ipxe.efi", "Accept: */*", 405, -1, ""},
		{"GET", "/boot/ipxe.efi", "X-Long: " + strings.Repeat("x", 64<<10), 431, -1, ""},
	} {
		conn := dial(t, addr, c.method+" "+c.path+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"+c.header+"\r\n\r\n")
		resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: c.method})
		if err != nil {
			t.Errorf("%s %s %.40s: %v", c.method, c.path, c.header, err)
			continue
		}
		n, err := io.Copy(io.Discard, resp.Body)
		if length := max(n, resp.ContentLength); resp.StatusCode != c.want || c.length >= 0 && length != int64(c.length) || err != nil && c.want != 431 {
			t.Errorf("%s %s %.40s: %d with %d bytes, %v", c.method, c.path, c.header, resp.StatusCode, length, err)
		}
		if c.kind != "" {
			if e := events.next(t); e.Kind != c.kind || e.Detail["aborted"] == true {
				t.Errorf("%s %s %.40s: recorded as %+v", c.method, c.path, c.header, e)
			}
		}
	}
	if len(events) > 0 {
		t.Errorf("more was recorded: %+v", <-events)
	}
}
