package serve_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"rackwright/agent/wire"
	"rackwright/boot"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/inventory/plan"
	"rackwright/store"
)

var strayMAC = inventory.MAC{0x52, 0x54, 0, 0, 0, 9}

// stray is a machine nobody planned, with an inspection whose agent is about to check in.
// The plan has n2 and n3 on two ports of leaf-1, by serial number and without MACs.
func (d *desk) stray() (s *inventory.Machine, nonce string) {
	d.t.Helper()
	node := func(name string, u int, port string) plan.Machine {
		return plan.Machine{Name: name, U: u, Serial: "SN-" + name, NICs: []plan.NIC{{Network: "provision", Address: "10.0.0.2" + port,
			Cable: &inventory.Cable{To: inventory.End{Owner: "leaf-1", Port: port}}}}}
	}
	_, err := d.db.ApplyPlan(d.ctx, plan.Plan{Site: "lab", Racks: []plan.Rack{{Name: "r2",
		Devices:  []plan.Device{{Name: "leaf-1", Kind: inventory.KindSwitch, U: 40, Ports: []inventory.Port{{Name: "1-4"}}}},
		Machines: []plan.Machine{node("n2", 1, "2"), node("n3", 2, "3")}}}}, "", "test")
	d.ok(err)
	s, err = d.db.AddStranger(d.ctx, strayMAC, "", "provision")
	d.ok(err)
	_, err = d.db.CancelOperation(d.ctx, d.op.ID, "test") // of n1: the desk moves the one that is left
	d.ok(err)
	d.op, err = d.db.CreateOperation(d.ctx, deploy.Inspect, s.ID, deploy.Order{}, "network policy")
	d.ok(err)
	d.move(deploy.StepRamdisk)
	nonce, err = d.db.Begin(d.ctx, &boot.Host{Operation: d.op.ID, MAC: strayMAC})
	d.ok(err)
	return s, nonce
}

// seen is what the agent of a stray machine sees: its serial number, and the port of
// leaf-1 it hears, "" for none.
func seen(serial, port string) inventory.Facts {
	f := inventory.Facts{Firmware: inventory.UEFI, System: inventory.System{Vendor: "Acme", Serial: serial, UUID: "11111111-2222-3333-4444-555555555509"},
		NICs: []inventory.SeenNIC{{Name: "eth0", MAC: strayMAC, Link: true}}}
	if port != "" {
		f.LLDP = []inventory.Neighbor{{NIC: "eth0", System: "leaf-1", Port: "Ethernet" + port}}
	}
	return f
}

func (d *desk) greet(nonce string, f inventory.Facts) wire.Welcome {
	d.t.Helper()
	body, err := json.Marshal(wire.CheckIn{Version: wire.Version, Nonce: nonce, Agent: "test", Facts: f})
	d.ok(err)
	code, text := d.request("POST", "/agent/v1/checkin", "", string(body))
	d.expect("check-in", http.StatusOK, code)
	var w wire.Welcome
	d.ok(json.Unmarshal([]byte(text), &w))
	return w
}

func (d *desk) tell(session string, f inventory.Facts) {
	d.t.Helper()
	body, err := json.Marshal(f)
	d.ok(err)
	code, _ := d.request("POST", "/agent/v1/facts", session, string(body))
	d.expect("facts", http.StatusNoContent, code)
}

// adopted checks that n2 took the stray machine over, and that its agent's session goes on
// with the operation.
func (d *desk) adopted(stranger *inventory.Machine, session string) {
	d.t.Helper()
	m, err := d.db.Machine(d.ctx, "n2")
	d.ok(err)
	if m.Phase != inventory.Discovered || m.NICs[0].MAC != strayMAC || m.UUID == "" || m.Facts == nil || len(m.Conditions) != 0 {
		d.t.Errorf("n2 is %s with %+v, facts %v, conditions %v", m.Phase, m.NICs, m.Facts != nil, m.Conditions)
	}
	if _, err := d.db.Machine(d.ctx, stranger.ID); !fault.Is(err, fault.NotFound) {
		d.t.Errorf("the stranger's record is still there: %v", err)
	}
	op, err := d.db.Operation(d.ctx, d.op.ID)
	d.ok(err)
	if op.Machine != m.ID || op.Name != "n2" {
		d.t.Errorf("the operation is %s's", op.Name)
	}
	more := seen("SN-n2", "2")
	more.MemoryMiB = 4096
	d.tell(session, more)
	d.move(deploy.StepReboot)
	code, text := d.request("GET", "/agent/v1/order", session, "")
	d.expect("order", http.StatusOK, code)
	if !strings.Contains(text, `"reboot"`) {
		d.t.Errorf("order %s", text)
	}
	if m, err = d.db.Machine(d.ctx, "n2"); err != nil || m.Facts.MemoryMiB != 4096 {
		d.t.Errorf("later facts did not come to n2: %v", err)
	}
	evidence, err := d.db.EvidenceOf(d.ctx, d.op.ID)
	d.ok(err)
	if evidence[store.SawAgent].At.IsZero() {
		d.t.Error("the operation does not know that the agent is there")
	}
	story, err := d.db.Events(d.ctx, store.EventFilter{Machine: "n2", Limit: 100})
	d.ok(err)
	text = ""
	for _, e := range story {
		text += e.Summary + "\n"
	}
	for _, want := range []string{"unknown machine", "agent test checked in", stranger.Name + " is this machine"} {
		if !strings.Contains(text, want) {
			d.t.Errorf("its story lacks %q:\n%s", want, text)
		}
	}
}

func TestAStrangerIsThePlannedMachineAtItsCheckIn(t *testing.T) {
	d := newDesk(t)
	s, nonce := d.stray()
	w := d.greet(nonce, seen("SN-n2", "2"))
	if w.Machine != "n2" {
		t.Errorf("it was greeted as %s", w.Machine)
	}
	d.adopted(s, w.Session)
}

func TestAStrangerIsThePlannedMachineOnceItHearsItsSwitch(t *testing.T) {
	d := newDesk(t)
	s, nonce := d.stray()
	w := d.greet(nonce, seen("SN-n2", ""))
	if w.Machine != s.Name {
		t.Errorf("by its serial number alone it was greeted as %s", w.Machine)
	}
	d.tell(w.Session, seen("SN-n2", "2"))
	d.adopted(s, w.Session)
}

func TestAStrangerThatMayBeTwoMachinesIsNeither(t *testing.T) {
	d := newDesk(t)
	s, nonce := d.stray()
	w := d.greet(nonce, seen("SN-n2", "3"))
	if w.Machine != s.Name {
		t.Errorf("it was greeted as %s", w.Machine)
	}
	for _, name := range []string{s.ID, "n2", "n3"} {
		m, err := d.db.Machine(d.ctx, name)
		d.ok(err)
		if len(m.Conditions) != 1 || m.Conditions[0].Type != inventory.IdentityMismatch || !strings.Contains(m.Conditions[0].Evidence, "n2 by serial") ||
			!strings.Contains(m.Conditions[0].Evidence, "n3 by lldp leaf-1:3") || m.Conditions[0].Hint == "" {
			t.Errorf("%s has %+v", m.Name, m.Conditions)
		}
		if m.Name != s.Name && (m.Phase != inventory.Planned || !m.NICs[0].MAC.IsZero()) {
			t.Errorf("%s is %s with %+v", m.Name, m.Phase, m.NICs)
		}
	}
	op, err := d.db.Operation(d.ctx, d.op.ID)
	d.ok(err)
	if op.Machine != s.ID {
		t.Errorf("the inspection is %s's", op.Name)
	}
	d.tell(w.Session, seen("SN-n2", "2")) // its cable was moved
	d.adopted(s, w.Session)
	if m, err := d.db.Machine(d.ctx, "n3"); err != nil || len(m.Conditions) != 0 {
		t.Errorf("n3 keeps %+v, %v", m.Conditions, err)
	}
}

// The work that waits for the planned machine goes on with the agent that looked at the
// stranger, also when that agent is waiting for an order just then.
func TestAnAgentThatWaitsGoesOnWithTheWorkOfThePlannedMachine(t *testing.T) {
	d := newDesk(t)
	_, nonce := d.stray()
	w := d.greet(nonce, seen("SN-n2", ""))
	waiting, err := d.db.CreateOperation(d.ctx, deploy.Inspect, "n2", deploy.Order{}, "test")
	d.ok(err)
	got := make(chan int, 1)
	go func() {
		code, _ := d.request("GET", "/agent/v1/order", w.Session, "")
		got <- code
	}()
	d.tell(w.Session, seen("SN-n2", "2"))
	d.op = waiting
	d.move(deploy.StepReboot)
	select {
	case code := <-got:
		if code != http.StatusOK { // it asked before it was adopted, and is to ask again
			d.expect("order while it is adopted", http.StatusNoContent, code)
		}
	case <-time.After(15 * time.Second): // less than the long poll
		t.Fatal("the agent waits on")
	}
	code, text := d.request("GET", "/agent/v1/order", w.Session, "")
	d.expect("order", http.StatusOK, code)
	if d.op.ID != waiting.ID || !strings.Contains(text, `"reboot"`) {
		t.Errorf("operation %s, order %s", d.op.ID, text)
	}
}
