package serve_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"rackwright/agent/serve"
	"rackwright/agent/wire"
	"rackwright/boot"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/images"
	"rackwright/inventory"
	"rackwright/inventory/plan"
	"rackwright/journal"
	"rackwright/store"
	"rackwright/store/storetest"
)

// The image of the tests: one chunk of one byte.
const (
	blob     = "00000000000000000000000000000000000000000000000000000000000000bb"
	manifest = `{"bytes":1,"chunks":[{"offset":0,"bytes":1,"sha256":"` + blob + `","packed":10,"blob":"` + blob + `"}]}`
)

var digest = func() string { s := sha256.Sum256([]byte(manifest)); return "sha256:" + hex.EncodeToString(s[:]) }()

var mac = inventory.MAC{0x52, 0x54, 0, 0, 0, 1}

// shelf is one image's bytes.
type shelf struct{ chunk string }

func (s shelf) Manifest(d string) ([]byte, error) {
	if d != digest {
		return nil, fault.NotFoundf("no image %s", d)
	}
	return []byte(manifest), nil
}

func (s shelf) Chunk(string) (*os.File, error) { return os.Open(s.chunk) }

func (s shelf) OpenFile(string) (*os.File, error) { return os.Open(s.chunk) }

// silent is a journal nobody reads.
type silent struct{}

func (silent) Record(journal.Event) {}

// desk is the server over a real store, with one planned machine under deployment.
type desk struct {
	t   *testing.T
	ctx context.Context
	db  *store.DB
	url string
	op  *deploy.Operation

	server *serve.Server
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, ctx: t.Context()}
	var err error
	d.db, err = store.Open(d.ctx, store.Options{DSN: filepath.Join(t.TempDir(), "db"), Sealer: storetest.NewSealer("desk")})
	d.ok(err)
	t.Cleanup(func() { d.db.Close() })
	_, err = d.db.ApplyPlan(d.ctx, plan.Plan{Site: "lab",
		Networks: []plan.Network{{Name: "provision", CIDR: "10.0.0.0/24", Gateway: "10.0.0.1", DHCP: inventory.DHCPAuthoritative}},
		Racks: []plan.Rack{{Name: "r1", Machines: []plan.Machine{{Name: "n1", U: 1, Serial: "SN1", UUID: "11111111-2222-3333-4444-555555555501",
			NICs: []plan.NIC{{MAC: mac.String(), Network: "provision", Address: "10.0.0.11"}}}}}}}, "", "test")
	d.ok(err)
	d.ok(d.db.AddImage(d.ctx, &images.Image{Name: "debian", Digest: digest, Arch: "amd64"}, "test"))
	d.op, err = d.db.CreateOperation(d.ctx, deploy.Deploy, "n1", deploy.Order{Image: "debian", Digest: digest, SSHKeys: []string{"ssh-ed25519 AAAA"}}, "test")
	d.ok(err)
	chunk := filepath.Join(t.TempDir(), "chunk")
	d.ok(os.WriteFile(chunk, []byte("0123456789"), 0o600))
	s := &serve.Server{Store: d.db, Bytes: shelf{chunk}, Journal: silent{}, Log: slog.New(slog.DiscardHandler), Now: time.Now, Key: []byte("key"), Permits: ed25519.NewKeyFromSeed(make([]byte, 32)),
		PhoneAt: func(*http.Request) string { return d.url }}
	d.server = s
	r := chi.NewRouter()
	s.Routes(r)
	s.AnswerRoutes(r)
	s.PhoneRoutes(r)
	srv := httptest.NewServer(r)
	t.Cleanup(srv.Close)
	d.url = srv.URL
	return d
}

func (d *desk) ok(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

// move puts the operation at a step, as the worker would.
func (d *desk) move(to deploy.StepName) {
	d.t.Helper()
	d.ok(d.db.PokeOperation(d.ctx, d.op.ID))
	op, err := d.db.ClaimOperation(d.ctx, "test", time.Minute)
	d.ok(err)
	op.State = deploy.Running
	for i, s := range op.Steps {
		if s.Name == to {
			op.Current = i
		}
	}
	d.ok(d.db.SaveOperation(d.ctx, op))
	d.op = op
}

func (d *desk) nonce() string {
	d.t.Helper()
	n, err := d.db.Begin(d.ctx, &boot.Host{Operation: d.op.ID, MAC: mac})
	d.ok(err)
	return n
}

// request returns status and body.
func (d *desk) request(method, path, session, body string, header ...string) (int, string) {
	d.t.Helper()
	r, err := http.NewRequestWithContext(d.ctx, method, d.url+path, strings.NewReader(body))
	d.ok(err)
	if session != "" {
		r.Header.Set("Authorization", "Bearer "+session)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	d.ok(err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	d.ok(err)
	return res.StatusCode, string(b)
}

func (d *desk) checkIn(nonce, serial string) (int, wire.Welcome) {
	d.t.Helper()
	in := wire.CheckIn{Version: wire.Version, Nonce: nonce, Agent: "test", Facts: inventory.Facts{Firmware: inventory.UEFI,
		System: inventory.System{Serial: serial, UUID: "11111111-2222-3333-4444-555555555501"}, NICs: []inventory.SeenNIC{{Name: "eth0", MAC: mac}}}}
	body, err := json.Marshal(in)
	d.ok(err)
	code, text := d.request("POST", "/agent/v1/checkin", "", string(body))
	var w wire.Welcome
	json.Unmarshal([]byte(text), &w)
	return code, w
}

func (d *desk) session() string {
	d.t.Helper()
	code, w := d.checkIn(d.nonce(), "SN1")
	if code != http.StatusOK || w.Session == "" || w.Machine != "n1" {
		d.t.Fatalf("check-in: %d %+v", code, w)
	}
	return w.Session
}

func (d *desk) expect(what string, want, got int) {
	d.t.Helper()
	if got != want {
		d.t.Errorf("%s: status %d, want %d", what, got, want)
	}
}

func TestANonceOpensOneSession(t *testing.T) {
	d := newDesk(t)
	d.move(deploy.StepRamdisk)
	nonce := d.nonce()
	first, _ := d.checkIn(nonce, "SN1")
	second, _ := d.checkIn(nonce, "SN1")
	d.expect("first use", http.StatusOK, first)
	d.expect("second use", http.StatusUnauthorized, second)
	m, err := d.db.Machine(d.ctx, "n1")
	d.ok(err)
	if m.Phase != inventory.Discovered || m.Facts == nil || m.Facts.Source != "agent" {
		t.Errorf("machine is %s with facts %+v", m.Phase, m.Facts)
	}
	seen, err := d.db.EvidenceOf(d.ctx, d.op.ID)
	d.ok(err)
	if seen[store.SawAgent].At.IsZero() {
		t.Error("the operation does not know that the agent is there")
	}
}

func TestAnotherMachineInTheSlotGetsNoOrders(t *testing.T) {
	d := newDesk(t)
	d.move(deploy.StepRamdisk)
	code, w := d.checkIn(d.nonce(), "SN-OTHER")
	d.expect("check-in of another machine", http.StatusConflict, code)
	if w.Session != "" {
		t.Error("it was given a session")
	}
	m, err := d.db.Machine(d.ctx, "n1")
	d.ok(err)
	if len(m.Conditions) != 1 || m.Conditions[0].Type != inventory.IdentityMismatch || !strings.Contains(m.Conditions[0].Evidence, "SN-OTHER") {
		t.Errorf("conditions %+v", m.Conditions)
	}
}

func TestOrdersFollowTheOperation(t *testing.T) {
	d := newDesk(t)
	d.move(deploy.StepRamdisk)
	session := d.session()
	d.move(deploy.StepWrite)
	code, text := d.request("GET", "/agent/v1/order", session, "")
	d.expect("order", http.StatusOK, code)
	var o wire.Order
	d.ok(json.Unmarshal([]byte(text), &o))
	if o.Verb != wire.Write || o.Write.Digest != digest || o.Write.Firmware != inventory.UEFI || o.ID != deploy.OrderID(d.op, "write") {
		t.Errorf("order %+v", o)
	}
	for what, text := range map[string]string{"host name": o.Write.Seed.File("meta-data"), "address": o.Write.Seed.File("network-config"), "phone number": o.Write.Seed.File("vendor-data")} {
		want := map[string]string{"host name": `"n1"`, "address": "10.0.0.11/24", "phone number": d.url + "/phone-home/" + d.op.ID}[what]
		if !strings.Contains(text, want) {
			t.Errorf("the seed has no %s %s:\n%s", what, want, text)
		}
	}
	d.move(deploy.StepReboot)
	_, text = d.request("GET", "/agent/v1/order", session, "")
	if !strings.Contains(text, `"reboot"`) {
		t.Errorf("order at reboot: %s", text)
	}
	_, err := d.db.CancelOperation(d.ctx, d.op.ID, "test")
	d.ok(err)
	d.ok(d.db.EndSessions(d.ctx, d.op.ID))
	code, _ = d.request("GET", "/agent/v1/order", session, "")
	d.expect("order after the end", http.StatusUnauthorized, code)
}

// An order that comes while the agent waits reaches it at once.
func TestAWaitingAgentHearsOfItsOrder(t *testing.T) {
	d := newDesk(t)
	d.move(deploy.StepRamdisk)
	session := d.session()
	got := make(chan int, 1)
	go func() {
		code, _ := d.request("GET", "/agent/v1/order", session, "")
		got <- code
	}()
	d.move(deploy.StepWrite)
	select {
	case code := <-got:
		d.expect("order", http.StatusOK, code)
	case <-time.After(15 * time.Second): // less than the long poll, much more than a wake-up
		t.Error("the agent waits on")
	}
}

func TestOnlyReportsOnTheOrderNowGivenCount(t *testing.T) {
	d := newDesk(t)
	d.move(deploy.StepRamdisk)
	session := d.session()
	d.move(deploy.StepWrite)
	for _, id := range []string{"an-older-order", deploy.OrderID(d.op, "write")} {
		body, _ := json.Marshal(wire.Event{Order: id, Stage: wire.Completed})
		code, _ := d.request("POST", "/agent/v1/events", session, string(body))
		d.expect("event of "+id, http.StatusNoContent, code)
		seen, err := d.db.EvidenceOf(d.ctx, d.op.ID)
		d.ok(err)
		if counted := !seen[store.SawReport].At.IsZero(); counted != (id != "an-older-order") {
			t.Errorf("report of %s: counted %v", id, counted)
		}
	}
}

func TestASessionReadsOnlyItsOwnImage(t *testing.T) {
	d := newDesk(t)
	d.move(deploy.StepRamdisk)
	session := d.session()
	code, _ := d.request("GET", "/agent/v1/manifest/"+digest, session, "")
	d.expect("its manifest", http.StatusOK, code)
	code, got := d.request("GET", "/agent/v1/chunk/"+blob, session, "")
	d.expect("its chunk", http.StatusOK, code)
	if got != "0123456789" {
		t.Errorf("its chunk is %q", got)
	}
	for _, other := range []string{strings.Replace(blob, "bb", "cc", 1), "bb", strings.Repeat("zz", 32)} {
		code, _ = d.request("GET", "/agent/v1/chunk/"+other, session, "")
		d.expect("another chunk", http.StatusUnauthorized, code)
	}
	code, _ = d.request("GET", "/agent/v1/manifest/"+strings.Replace(digest, "a", "b", 1), session, "")
	d.expect("another manifest", http.StatusUnauthorized, code)
	code, _ = d.request("GET", "/agent/v1/chunk/"+blob, "", "")
	d.expect("without a session", http.StatusUnauthorized, code)
}

func TestLateFactsAreKept(t *testing.T) {
	d := newDesk(t)
	d.move(deploy.StepRamdisk)
	session := d.session()
	code, _ := d.request("POST", "/agent/v1/facts", session, `{"lldp":[{"nic":"eth0","chassis":"aa","port":"Ethernet1","system":"leaf-1"}],"system":{}}`)
	d.expect("facts", http.StatusNoContent, code)
	m, err := d.db.Machine(d.ctx, "n1")
	d.ok(err)
	if len(m.Facts.LLDP) != 1 || m.Facts.LLDP[0].System != "leaf-1" {
		t.Errorf("neighbours %+v", m.Facts.LLDP)
	}
}

func TestMalformedAndHugeMessagesAreRefused(t *testing.T) {
	d := newDesk(t)
	for what, body := range map[string]string{"no JSON": "{", "another type": `{"version":"x"}`,
		"too large": `{"agent":"` + strings.Repeat("x", wire.MaxCheckIn) + `"}`} {
		code, text := d.request("POST", "/agent/v1/checkin", "", body)
		d.expect(what, http.StatusBadRequest, code)
		if !strings.Contains(text, `"detail"`) {
			t.Errorf("%s: %s", what, text)
		}
	}
	code, _ := d.request("POST", "/agent/v1/checkin", "", `{"version":99}`)
	d.expect("another version", http.StatusConflict, code)
}

// phoneURL is the address a deployed system was given.
func (d *desk) phoneURL(session string) string {
	d.t.Helper()
	_, text := d.request("GET", "/agent/v1/order", session, "")
	var o wire.Order
	d.ok(json.Unmarshal([]byte(text), &o))
	_, at, _ := strings.Cut(o.Write.Seed.File("vendor-data"), `"url": "`)
	at, _, _ = strings.Cut(at, `"`)
	return strings.TrimPrefix(at, d.url)
}

func (d *desk) phone(path string) int {
	code, _ := d.request("POST", path, "", url.Values{"hostname": {"n1"}, "instance_id": {d.op.ID}}.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	return code
}

// otherDigit is a hexadecimal digit that is not c.
func otherDigit(c byte) string {
	if c == '0' {
		return "1"
	}
	return "0"
}

func TestPhoningHomeCountsOnceTheImageIsProven(t *testing.T) {
	d := newDesk(t)
	d.move(deploy.StepRamdisk)
	session := d.session()
	d.move(deploy.StepWrite)
	number := d.phoneURL(session)
	d.expect("before the image is proven", http.StatusConflict, d.phone(number))
	d.move(deploy.StepPhone)
	d.expect("with another token", http.StatusUnauthorized, d.phone(number[:len(number)-1]+otherDigit(number[len(number)-1])))
	d.expect("with no token", http.StatusUnauthorized, d.phone("/phone-home/x"))
	d.expect("in time", http.StatusOK, d.phone(number))
	d.expect("again, for it was not heard", http.StatusOK, d.phone(number))
	seen, err := d.db.EvidenceOf(d.ctx, d.op.ID)
	d.ok(err)
	if !bytes.Contains(seen[store.SawPhone].Detail, []byte("n1")) {
		t.Errorf("evidence %s", seen[store.SawPhone].Detail)
	}
}
