package fuzzapi

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"testing"
	"time"

	"rackwright/access"
	"rackwright/api"
	"rackwright/bmc"
	"rackwright/bmc/bmctest"
	"rackwright/bmc/broker"
	"rackwright/bmc/console"
	"rackwright/boot"
	"rackwright/boot/current"
	"rackwright/boot/trace"
	"rackwright/deploy"
	"rackwright/dhcp"
	"rackwright/fault"
	"rackwright/firmware"
	"rackwright/images"
	"rackwright/images/blob"
	imagesrun "rackwright/images/run"
	"rackwright/images/ticket"
	"rackwright/inventory"
	"rackwright/inventory/plan"
	"rackwright/store"
	"rackwright/store/storetest"
)

// The callers, by the secret they show. The scoped one may see rack r1 only.
const (
	adminSecret    = "rw_fuzz_admin_0000000000000000"
	secondSecret   = "rw_fuzz_second_000000000000000"
	techSecret     = "rw_fuzz_tech_0000000000000000"
	scopedSecret   = "rw_fuzz_scoped_000000000000000"
	viewerSecret   = "rw_fuzz_viewer_000000000000000"
	expiredSecret  = "rw_fuzz_expired_00000000000000"
	revokedSecret  = "rw_fuzz_revoked_00000000000000"
	strangerSecret = "rw_fuzz_stranger_0000000000000"
)

// world is a server over a real database, with two racks of machines whose BMCs are in
// memory. No worker runs.
type world struct {
	db      *store.DB
	handler http.Handler
	log     *buffer
	pool    *pool
}

// buffer is a log that is read while it is written.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// take returns what was logged since.
func (b *buffer) take() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.text.Reset()
	return b.text.String()
}

// hands reach BMCs in memory.
type hands struct {
	*bmctest.Rack
	db *store.DB
}

func (h hands) Hand(ctx context.Context, id string) (bmc.Controller, error) {
	m, err := h.db.Machine(ctx, id)
	if err != nil {
		return nil, err
	}
	if m.BMC == nil {
		return nil, fault.Conflictf("%s has no BMC", m.Name)
	}
	return h.Dial(ctx, bmc.Access{Address: m.BMC.Address, Username: m.BMC.Username, Password: hush + "-bmc"})
}

func (h hands) HandAs(ctx context.Context, id string, _ bmc.Access) (bmc.Controller, error) {
	return h.Hand(ctx, id)
}

func (h hands) Status(context.Context, string) (broker.Standing, error) {
	return broker.Standing{State: broker.Open, Owner: "fuzz", Since: time.Now()}, nil
}

// consoles say one line.
type consoles struct{}

func (consoles) Attend(string, time.Duration) {}
func (consoles) Look(_ string, after int64) console.Look {
	text := []byte("login:\n")
	return console.Look{Raw: text[min(max(after, 0), int64(len(text))):], Total: int64(len(text)), Open: true}
}
func (consoles) Trust(context.Context, string) error { return nil }

// shelf keeps firmware beside the images.
type shelf struct {
	*blob.Store
	db *store.DB
}

func (s shelf) Put(ctx context.Context, r io.Reader, sum string) (string, int64, error) {
	return s.Store.Put(ctx, r, sum, 1<<20)
}

func (s shelf) Has(digest string) bool {
	f, err := s.OpenFile(digest)
	if err != nil {
		return false
	}
	f.Close()
	return true
}

func (s shelf) Forget(ctx context.Context, digest string) error {
	used, err := s.db.FirmwareDigestUsed(ctx, digest)
	if err != nil || used {
		return err
	}
	return s.RemoveFile(digest)
}

// tickets are for caches, of which there is none.
type tickets struct{}

func (tickets) Key() []byte                { return []byte("key") }
func (tickets) Issue(ticket.Ticket) string { return "ticket" }

func racks() plan.Plan {
	p := plan.Plan{Site: "lab", Projects: []plan.Project{{Name: "p1"}, {Name: "p2"}},
		Networks: []plan.Network{{Name: "prov", CIDR: "10.0.0.0/24", Purpose: "provision", DHCP: inventory.DHCPReservations, Strangers: inventory.StrangerDiscover, Pool: &plan.Pool{First: "10.0.0.200", Last: "10.0.0.220"}}},
		Models: []plan.Model{{Name: "a1", Build: inventory.Build{Vendor: "Acme", Product: "A1", Parts: inventory.Parts{DIMMs: []inventory.DIMM{{Slot: "A1", SizeMiB: 65536}}}},
			BMC: &plan.FactoryLogin{Username: "root", Password: hush + "-factory"}}}}
	for r := range 2 {
		rack := plan.Rack{Name: fmt.Sprintf("r%d", r+1)}
		for u := range 4 {
			i := 4*r + u + 1
			rack.Machines = append(rack.Machines, plan.Machine{Name: fmt.Sprintf("m%d", i), U: u + 1, Project: fmt.Sprintf("p%d", r+1), Serial: fmt.Sprintf("SN-%d", i), Vendor: "Acme", Model: "a1",
				NICs: []plan.NIC{{MAC: fmt.Sprintf("52:54:00:00:00:%02x", i), Network: "prov", Address: fmt.Sprintf("10.0.0.%d", 10+i)}},
				BMC:  &plan.BMC{Address: fmt.Sprintf("https://192.0.2.%d", i), Username: "root", Password: hush + "-bmc"}})
		}
		p.Racks = append(p.Racks, rack)
	}
	p.Racks = append(p.Racks, plan.Rack{Name: "r3", Devices: []plan.Device{{Name: "pp1", Kind: inventory.KindPanel, U: 1}}}) // see handOver
	return p
}

// want ends the test with what went wrong while the world was made.
func want(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newWorld(t *testing.T) *world {
	w := &world{log: &buffer{}, pool: &pool{words: map[string][]string{
		"machine": {"m1", "m2", "m3", "m4", "m5", "m6", "m7"}, "rack": {"r1", "r2", "r3"}, "site": {"lab"}, "project": {"p1", "p2"}, "model": {"a1"}, "network": {"prov"},
		"image": {"debian"}, "step": {"receive", "mount", "cable", "power"}, "u": {"1", "2", "3", "4"}, "cache": {"c1", "c2"}, "webhook": {"w1", "w2"}, "token": {"t1", "t2"},
		"device": {"pp1"}, "address": {"10.0.0.200"}, "rollouts": {"ro1"}, "campaigns": {"ca1"}, "file": {"b1"}, "mac": {"52:54:00:00:00:01", "52-54-00-00-00-09"}, "wait": {"", "1ms"}, "code": {"SN-1", "SN-6"},
		"serial": {"SN-1"}, "ssh_key": {"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ4tXyDlRqfuJ9CcXcxkbRWGlXXJqTqSOvVYXkCC1Nbn x"}, "phase": {"planned"}, "kind": {"op.state", "op", "machine.plan"}, "hash": {""}, "page_token": {""}, "sort": {"", "name", "-name"}, "fields": {"", "name,id", "items.name", "id"},
		"arch": {"", "bios", "uefi-x64"}, "uuid": {""}, "after": {"", "0", "1"}, "state": {""}, "for": {"10m", "1h"}, "relay": {"", "10.0.0.1"}, "link": {""}, "wanted": {"", "10.0.0.11"}, "from": {"", "10.0.0.11"},
		"width": {"", "60"}, "height": {"", "30"}, "columns": {""}, "rows": {""}, "links": {""}, "operation": {""}, "severity": {""}, "before": {""}, "label": {""}, "q": {"m1"}, "tag": {""}, "disk": {""},
	}}}
	ago := time.Duration(0)
	db, err := store.Open(t.Context(), store.Options{DSN: storetest.SQLite{}.Fresh(t), Sealer: storetest.NewSealer("k"), Now: func() time.Time { return time.Now().Add(-ago) }})
	want(t, err)
	t.Cleanup(func() { db.Close() })
	w.db = db
	_, err = db.ApplyPlan(t.Context(), racks(), "", "tester")
	want(t, err)
	ago = 2 * time.Hour
	w.callers(t, time.Now().Add(-time.Hour))
	ago = 0
	rack := bmctest.NewRack()
	for i := range 6 { // the BMCs of m7 and m8 do not answer
		rack.Add(bmc.Access{Address: fmt.Sprintf("https://192.0.2.%d", i+1), Username: "root", Password: hush + "-bmc"}, bmctest.Server(byte(i+1)))
	}
	h := hands{rack, db}
	blobs, err := blob.Open(t.TempDir())
	want(t, err)
	door := &imagesrun.Door{Records: db, Blobs: blobs}
	public, key, err := ed25519.GenerateKey(rand.Reader)
	want(t, err)
	w.things(t, key)
	view, err := current.New(t.Context(), db, current.Options{Log: slog.New(slog.DiscardHandler)})
	want(t, err)
	w.handler = api.New(api.Options{Store: db, BMC: h, Lines: h, Consoles: consoles{}, Importer: door, Forget: door.Forget, Depot: door, Uploads: blobs, Tickets: tickets{}, FirmwareBytes: shelf{blobs, db}, Logins: logins{},
		CertificateKey: public, AuditKey: key, TwoPersonsOver: 2, Explain: explains(view), Traces: trace.New(1, nil), Name: "fuzz/1", BootURL: "http://192.0.2.200", Version: "fuzz",
		Log: slog.New(slog.NewJSONHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	return w
}

func explains(view *current.Follower) *api.Explain {
	return &api.Explain{View: view.View, Settings: dhcp.Settings{HTTPPort: 8080}, Own: func() []netip.Addr { return []netip.Addr{netip.MustParseAddr("10.0.0.1")} },
		Script: func(context.Context, url.Values, netip.Addr, netip.AddrPort) boot.Rehearsal {
			return boot.Rehearsal{Status: 200, Rule: "none", Why: "nothing is wanted"}
		}}
}

// callers are let in, and were: one until over.
func (w *world) callers(t *testing.T, over time.Time) {
	for secret, g := range map[string]access.Grant{
		adminSecret: {Name: "admin", Role: access.Admin}, secondSecret: {Name: "second", Role: access.Admin}, viewerSecret: {Name: "viewer", Role: access.Viewer},
		techSecret:    {Name: "tech", Role: access.Technician},
		scopedSecret:  {Name: "scoped", Role: access.Admin, Scope: access.Scope{Racks: []string{"r1"}}},
		expiredSecret: {Name: "expired", Role: access.Admin, Expires: over}, revokedSecret: {Name: "revoked", Role: access.Admin},
	} {
		_, err := w.db.AddToken(t.Context(), g, secret, "tester")
		want(t, err)
	}
	_, err := w.db.RevokeToken(t.Context(), "revoked")
	want(t, err)
}

// things are what no request makes.
func (w *world) things(t *testing.T, key ed25519.PrivateKey) {
	w.tend(t)
	m, err := w.db.Machine(t.Context(), "m1")
	want(t, err)
	at := time.Now()
	c, err := deploy.Sign(deploy.Certificate{ID: "aa01", Machine: deploy.CertifiedMachine{ID: m.ID, Name: m.Name}, Disk: deploy.CertifiedDisk{Serial: "S1", WWN: "naa.5", Bytes: 8 << 40},
		Method: "discard", Pattern: "zeros", Samples: 290, Began: at, Ended: at, Operation: "11111111-2222-3333-4444-555555555555", Actor: "ann"}, key)
	want(t, err)
	want(t, w.db.AddCertificate(t.Context(), c))
	_, _, err = w.db.BMCAuthority(t.Context(), func() ([]byte, []byte, error) { return []byte("certificate"), []byte("key"), nil })
	want(t, err)
	burn, err := w.db.CreateOperation(t.Context(), deploy.BurnIn, "m1", deploy.Order{Burn: &deploy.BurnOrder{Seconds: 60}}, "tester")
	want(t, err)
	_, err = w.db.BeginBurnIn(t.Context(), burn)
	want(t, err)
}

// tend puts back what requests took away: the image, and machines that nothing works on.
func (w *world) tend(t testing.TB) {
	img := images.Image{Name: "debian", Kind: images.KindDisk, Digest: "sha256:" + fmt.Sprintf("%064x", 1), Source: "sha256:" + fmt.Sprintf("%064x", 1), Format: "raw", Arch: "amd64",
		Firmware: []inventory.Firmware{inventory.BIOS, inventory.UEFI}, Bytes: 2 << 30, Stored: 1 << 29}
	want(t, w.db.AddImage(t.Context(), &img, "tester"))
	file := firmware.File{Name: "b1", Component: "bios", Version: "2", Vendor: "Acme", Original: "B.cap", Digest: fmt.Sprintf("sha256:%064x", 2), Size: 7}
	want(t, file.Complete())
	want(t, w.db.AddFirmware(t.Context(), &file, "tester"))
	_, err := w.db.ApplyPlan(t.Context(), racks(), "", "tester")
	want(t, err)
	w.rest(t)
	w.keep(t)
	w.stop(t)
	w.differ(t, "m2", inventory.Waived{})
	w.differ(t, "m6", inventory.Waived{By: "tester", Reason: "ordered", At: time.Now()})
	w.handOver(t)
	w.lend(t)
	w.climb(t)
}
