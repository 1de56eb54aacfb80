package serve

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"rackwright/boot"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/journal"
)

const goodNonce = "n0nce-that-nobody-may-read"

// lobby is a fake Boots and Strangers: one nonce, and strangers as told.
type lobby struct {
	begun   *boot.Host
	down    error
	inspect bool
	seen    []boot.Sighting
}

func (l *lobby) Begin(_ context.Context, h *boot.Host) (string, error) {
	l.begun = h
	return goodNonce, l.down
}

func (l *lobby) Check(_ context.Context, nonce string) (*boot.Host, error) {
	if nonce != goodNonce {
		return nil, fault.Deniedf("this boot is unknown or over")
	}
	return l.begun, nil
}

func (l *lobby) Script(_ context.Context, s boot.Sighting) (*boot.Host, error) {
	l.seen = append(l.seen, s)
	if l.down != nil || !l.inspect {
		return nil, l.down
	}
	return &boot.Host{Machine: "m9", Name: "found", MAC: s.MAC, Intent: boot.RunAgent}, nil
}

type diary struct{ events []journal.Event }

func (d *diary) Record(e journal.Event) { d.events = append(d.events, e) }

func (d *diary) last() journal.Event {
	if len(d.events) == 0 {
		return journal.Event{}
	}
	return d.events[len(d.events)-1]
}

type world struct {
	t      *testing.T
	url    string
	lobby  *lobby
	diary  *diary
	server *Server
}

const (
	idleMAC   = "52:54:00:00:00:01"
	idleUUID  = "4c4c4544-0031-4a10-8051-b4c04f4d3132"
	deployMAC = "52:54:00:00:00:02"
	alienMAC  = "52:54:00:00:00:09"
)

// newWorld serves an idle machine, one that an operation wants, and a third that holds
// the test client's own address when peer says so.
func newWorld(t *testing.T, peer *boot.Host) *world {
	dir := t.TempDir()
	for name, text := range map[string]string{"vmlinuz": "kernel bytes", "initrd": strings.Repeat("ramdisk ", 100000)} {
		path := filepath.Join(dir, "amd64", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	n := &inventory.Network{Name: "prov", Prefix: netip.MustParsePrefix("127.0.0.0/8")}
	hosts := []*boot.Host{
		{Machine: "m1", Name: "idle", MAC: mac(idleMAC), Firmware: inventory.BIOS, Address: netip.MustParseAddr("127.0.0.51"), Address6: netip.MustParseAddr("fd00::51"), UUID: idleUUID},
		{Machine: "m2", Name: "wanted", MAC: mac(deployMAC), Firmware: inventory.UEFI, Intent: boot.RunAgent, Operation: "op1", Address: netip.MustParseAddr("127.0.0.52")},
	}
	if peer != nil {
		hosts = append(hosts, peer)
	}
	view := boot.NewView(1, []*inventory.Network{n}, hosts)
	w := &world{t: t, lobby: &lobby{}, diary: &diary{}}
	w.server = &Server{View: func() *boot.View { return view }, Loaders: boot.NewLoaders(), Boots: w.lobby, Strangers: w.lobby,
		Journal: w.diary, Log: slog.New(slog.DiscardHandler), Now: time.Now, Ramdisks: dir, AgentPort: 8443, AgentPin: "ab12"}
	r := chi.NewRouter()
	w.server.Routes(r)
	srv := httptest.NewServer(r)
	t.Cleanup(srv.Close)
	w.url = srv.URL
	return w
}

func mac(s string) inventory.MAC {
	m, err := inventory.ParseMAC(s)
	if err != nil {
		panic(err)
	}
	return m
}

func (w *world) do(method, path string, header ...string) (int, string, http.Header) {
	w.t.Helper()
	req, err := http.NewRequest(method, w.url+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return resp.StatusCode, string(body), resp.Header
}

func (w *world) get(path string, want int, contains ...string) string {
	w.t.Helper()
	status, body, _ := w.do("GET", path)
	if status != want {
		w.t.Fatalf("GET %s: %d %s", path, status, body)
	}
	for _, c := range contains {
		if !strings.Contains(body, c) {
			w.t.Errorf("GET %s: %q is not in\n%s", path, c, body)
		}
	}
	return body
}

func TestAMachineWithoutAnOperationBootsItsOwnDisk(t *testing.T) {
	w := newWorld(t, nil)
	w.get("/boot/script?mac="+idleMAC+"&platform=pcbios", 200, "#!ipxe", "sanboot")
	w.get("/boot/script?mac="+idleMAC+"&platform=efi", 200, "exit 1")
	w.get("/boot/script?mac=52-54-00-00-00-01", 200, "sanboot")
	if w.lobby.begun != nil {
		t.Error("a nonce was made for a machine that nobody wants")
	}
	if e := w.diary.last(); e.Kind != journal.HTTPSent || e.Machine != "m1" || e.Detail["script"] != "local-disk" {
		t.Errorf("event is %+v", e)
	}
}

func TestAWantedMachineLoadsTheAgentWithItsNonce(t *testing.T) {
	w := newWorld(t, nil)
	w.get("/boot/script?mac="+deployMAC+"&platform=efi&arch=x86_64", 200,
		w.url+"/boot/k/"+goodNonce+"/vmlinuz initrd=initrd", "rackwright.server=https://127.0.0.1:8443", "rackwright.pin=ab12", "rackwright.nonce="+goodNonce, "BOOTIF=01-52-54-00-00-00-02")
	w.get("/boot/k/"+goodNonce+"/vmlinuz", 200, "kernel bytes")
	if e := w.diary.last(); e.Machine != "m2" || e.Operation != "op1" || e.Detail["bytes"] != int64(12) || e.Detail["aborted"] != false {
		t.Errorf("event is %+v", e)
	}
	status, body, h := w.do("GET", "/boot/k/"+goodNonce+"/initrd", "Range", "bytes=8-15")
	if status != 206 || body != "ramdisk " || h.Get("Content-Range") == "" {
		t.Errorf("range: %d %q", status, body)
	}
	if e := w.diary.last(); e.Detail["partial"] != true || e.Detail["bytes"] != int64(8) {
		t.Errorf("event is %+v", e)
	}
	before := len(w.diary.events)
	if status, body, h := w.do("HEAD", "/boot/k/"+goodNonce+"/initrd"); status != 200 || body != "" || h.Get("Content-Length") != "800000" {
		t.Errorf("HEAD: %d, %s bytes", status, h.Get("Content-Length"))
	}
	if len(w.diary.events) != before {
		t.Error("HEAD is recorded as a transfer")
	}
}

func TestANonceIsNeverWrittenDown(t *testing.T) {
	w := newWorld(t, nil)
	var log strings.Builder
	w.server.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w.get("/boot/script?mac="+deployMAC, 200)
	w.get("/boot/k/"+goodNonce+"/vmlinuz", 200)
	w.get("/boot/k/"+goodNonce+"x/vmlinuz", 403)
	w.get("/boot/k/"+goodNonce+"/initrd?arch=arm64", 503)
	for _, e := range w.diary.events {
		if s := e.Summary + strings.Join(values(e), " "); strings.Contains(s, goodNonce) {
			t.Errorf("event %s", s)
		}
	}
	if strings.Contains(log.String(), goodNonce) {
		t.Errorf("log %s", log.String())
	}
}

func values(e journal.Event) (out []string) {
	for _, v := range e.Detail {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

func TestWithoutAValidNonceThereIsNoRamdisk(t *testing.T) {
	w := newWorld(t, nil)
	w.get("/boot/k/wrong/initrd", 403)
	if e := w.diary.last(); e.Kind != journal.HTTPRefused || e.Detail["reason"] != "denied" {
		t.Errorf("event is %+v", e)
	}
	w.get("/boot/k/"+goodNonce+"/passwd", 404)
	w.get("/boot/k/"+goodNonce+"/../../../etc/passwd", 404)
}

func TestAnUnknownMachineIsRecordedAndDoneWithAsThePolicySays(t *testing.T) {
	w := newWorld(t, nil)
	uuid := "01234567-89ab-cdef-0123-456789abcdef"
	w.get("/boot/script?mac="+alienMAC+"&platform=efi&uuid="+strings.ToUpper(uuid), 200, "in no rack plan", "exit 1")
	if len(w.lobby.seen) != 1 || w.lobby.seen[0].UUID != uuid || w.lobby.seen[0].Network != "prov" || w.lobby.seen[0].Arch != boot.ArchX64 {
		t.Errorf("sightings %+v", w.lobby.seen)
	}
	w.lobby.inspect = true
	w.get("/boot/script?mac="+alienMAC, 200, "/boot/k/"+goodNonce+"/vmlinuz")
}

func TestAServerInTroubleKeepsTheMachineAsking(t *testing.T) {
	w := newWorld(t, nil)
	w.lobby.down = fault.Unreachablef("the database is away")
	w.get("/boot/script?mac="+deployMAC+"&platform=efi", 200, "chain --autofree --replace "+w.url+"/boot/script?mac="+deployMAC+"&platform=efi")
	w.get("/boot/script?mac="+alienMAC, 200, "chain --autofree --replace "+w.url+"/boot/script?mac="+alienMAC)
	w.get("/boot/script?mac="+idleMAC, 200, "sanboot") // needs nobody
}

func TestANonceIsNotGivenToTheAddressOfAnotherMachine(t *testing.T) {
	w := newWorld(t, &boot.Host{Machine: "m3", Name: "other", MAC: inventory.MAC{2, 3}, Address: netip.MustParseAddr("127.0.0.1")})
	w.get("/boot/script?mac="+deployMAC, 403, "other")
	w.get("/boot/script?mac="+idleMAC, 200)
	if e := w.diary.last(); e.Detail["peer_is"] != "other" {
		t.Errorf("event is %+v", e)
	}
	same := newWorld(t, &boot.Host{Machine: "m2", Name: "wanted", MAC: inventory.MAC{2, 3}, Address: netip.MustParseAddr("127.0.0.1")})
	same.get("/boot/script?mac="+deployMAC, 200, "vmlinuz") // its own second port
}

func TestABadScriptRequestIsRefused(t *testing.T) {
	w := newWorld(t, nil)
	for _, q := range []string{"", "?mac=", "?mac=zz", "?mac=ff:ff:ff:ff:ff:ff", "?mac=" + idleMAC + "&uuid=x", "?mac=" + idleMAC + "&arch=vax", "?mac=" + idleMAC + "&platform=openfirmware"} {
		w.get("/boot/script"+q, 400)
		if w.diary.last().Kind != journal.HTTPRefused {
			t.Errorf("%q is not recorded", q)
		}
	}
}

func TestLoadersAreServedWithTheTypeFirmwareLooksFor(t *testing.T) {
	w := newWorld(t, nil)
	status, body, h := w.do("GET", "/boot/ipxe.efi")
	if f := boot.NewLoaders().Get("ipxe.efi"); status != 200 || body != string(f.Bytes()) || h.Get("Content-Type") != "application/efi" {
		t.Errorf("%d, %d bytes, %s", status, len(body), h.Get("Content-Type"))
	}
	if status, _, h := w.do("HEAD", "/boot/ipxe.efi"); status != 200 || h.Get("Content-Length") == "" {
		t.Errorf("HEAD: %d %v", status, h)
	}
	w.get("/boot/pxelinux.0", 404)
	if e := w.diary.last(); e.Kind != journal.HTTPRefused {
		t.Errorf("event is %+v", e)
	}
}

func TestGRUBBehindShimFindsItsFilesByHTTP(t *testing.T) {
	w := newWorld(t, &boot.Host{Machine: "m3", Name: "signed", MAC: mac(alienMAC), Firmware: inventory.UEFI, Intent: boot.RunAgent, Operation: "op3", Address: netip.MustParseAddr("127.0.0.1")})
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "shim"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "shim", "grubx64.efi"), boot.NewLoaders().Get("ipxe.efi").Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	var err error
	if w.server.Loaders, err = w.server.Loaders.With(dir); err != nil {
		t.Fatal(err)
	}
	w.get("/boot/shim/grubx64.efi", 200, "MZ")
	w.get("/boot/shim//grubx64.efi", 200, "MZ") // as shim asks
	w.get("/boot/shim/shimx64.efi", 404)
	w.get("/boot/shim/revocations_sku.efi", 404, "goes on without it")
	if e := w.diary.last(); e.Detail["file"] != "shim/revocations_sku.efi" || e.Detail["reason"] != "optional" {
		t.Errorf("event is %+v", e)
	}
	w.get("/boot/shim/..%2fipxe.efi", 404)
	for _, name := range []string{"/grub/grub.cfg", "/boot/grub/grub.cfg-7F000001", "/grub/grub.cfg-01-" + strings.ReplaceAll(alienMAC, ":", "-")} {
		w.get(name, 200, "for at in '(http,127.0.0.1:", "/boot/k/"+goodNonce+"'")
	}
	w.get("/grub/grub.cfg-01-"+strings.ReplaceAll(deployMAC, ":", "-"), 404) // another machine's
	w.get("/grub/grub.cfg-7F000034", 404)
	w.get("/grub/unicode.pf2", 404)
}

func TestTheAdvertisedAddressIsNamedWhenThereIsOne(t *testing.T) {
	w := newWorld(t, nil)
	w.server.Advertise = netip.MustParseAddr("192.0.2.7")
	w.get("/boot/script?mac="+deployMAC, 200, "http://192.0.2.7:", "rackwright.server=https://192.0.2.7:8443")
}

func FuzzScriptRequest(f *testing.F) {
	f.Add("mac=52:54:00:00:00:01&uuid=01234567-89ab-cdef-0123-456789abcdef&arch=x86_64&platform=efi")
	f.Add("mac=%00&uuid=$%7Bx%7D&arch=&platform=")
	f.Fuzz(func(t *testing.T, query string) {
		req := httptest.NewRequest("GET", "/boot/script", nil)
		req.URL.RawQuery = query
		a, err := parseAsker(req.URL.Query())
		if err == nil && (a.mac.IsZero() || (a.uuid != "" && len(a.uuid) != 36) || (a.arch != "amd64" && a.arch != "arm64")) {
			t.Errorf("%q read as %+v", query, a)
		}
	})
}
