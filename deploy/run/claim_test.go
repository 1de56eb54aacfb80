package run_test

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rackwright/bmc"
	"rackwright/deploy"
	"rackwright/deploy/run"
	"rackwright/inventory"
	"rackwright/inventory/plan"
	"rackwright/store"
)

// claims is a bench whose machine n1 has a BMC to be claimed.
type claims struct {
	*bench
	box   *strongbox
	order deploy.ClaimOrder
	plan  plan.Plan
}

func newClaims(t *testing.T) *claims {
	b := emptyBench(t)
	c := &claims{bench: b, box: newStrongbox(b.db)}
	c.box.accounts["root"] = &boxAccount{password: "factory", enabled: true}
	c.plan = plan.Plan{Site: "lab",
		Models:   []plan.Model{{Name: "x200", BMC: &plan.FactoryLogin{Username: "root", Password: "factory"}}},
		Networks: []plan.Network{{Name: "oob", CIDR: "10.0.1.0/24", Purpose: "oob", NTP: []string{"10.0.1.3"}}},
		Racks: []plan.Rack{{Name: "r1", Room: "hall", Row: "C", Machines: []plan.Machine{{Name: "n1", U: 7, Model: "x200", UUID: c.box.facts.System.UUID, Serial: c.box.facts.System.Serial,
			NICs: []plan.NIC{{MAC: c.box.facts.NICs[0].MAC.String()}},
			BMC:  &plan.BMC{Address: "https://10.0.1.11"}}}}}}
	return c
}

// machinePlan is n1 in the plan.
func (c *claims) machinePlan() *plan.Machine { return &c.plan.Racks[0].Machines[0] }

// begin applies the plan and asks for the claim.
func (c *claims) begin() string {
	c.t.Helper()
	_, err := c.db.ApplyPlan(c.ctx, c.plan, "", "test")
	c.ok(err)
	order := c.order
	op, err := c.db.CreateOperation(c.ctx, deploy.Claim, "n1", deploy.Order{Claim: &order}, "test")
	c.ok(err)
	return op.ID
}

// works runs a worker until the operation stops, its waits passing by.
func (c *claims) works(id string) deploy.Operation {
	c.t.Helper()
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	c.run(ctx, nil)
	return c.until(id, "stopped", func(o deploy.Operation) bool {
		c.clock.pass(200 * time.Millisecond)
		return o.State.Ended() || o.State == deploy.Parked
	})
}

// run works until ctx ends.
func (c *claims) run(ctx context.Context, done func()) {
	w := &run.Worker{Store: mortal{c.db, c.box}, BMC: c.box, Log: slog.New(slog.DiscardHandler), Now: c.clock.now, Owner: "w", Concurrency: 1,
		Lease: time.Hour, Poll: 2 * time.Millisecond}
	var over sync.WaitGroup
	over.Go(func() { w.Run(ctx) })
	c.t.Cleanup(over.Wait)
	if done != nil {
		over.Wait()
		done()
	}
}

// refusedAtMost checks that no login was refused more often.
func (c *claims) refusedAtMost(n int) {
	c.t.Helper()
	for login, times := range c.box.failed {
		if times > n {
			c.t.Errorf("%q was refused %d times: that locks accounts", login, times)
		}
	}
}

func (c *claims) access() bmc.Access {
	a, err := c.db.BMCAccess(c.ctx, c.machine().ID)
	c.ok(err)
	return a
}

func TestAClaimMakesTheBMCOurs(t *testing.T) {
	c := newClaims(t)
	c.machinePlan().BMC.Username, c.machinePlan().BMC.Password = "root", "not the sticker's"
	id := c.begin()
	if op := c.works(id); op.State != deploy.Succeeded {
		t.Fatalf("%s: %s %s", op.State, op.Reason, op.Message)
	}
	c.refusedAtMost(1)
	m, a := c.machine(), c.access()
	if m.BMC.Claimed.IsZero() || a.Password != c.box.accounts["root"].password || len(a.Password) != 20 || a.Username != "root" {
		t.Errorf("claimed %s, %s, %d characters", m.BMC.Claimed, a, len(a.Password))
	}
	if m.BMC.CertificateSHA256 != c.box.shown || c.box.open != 0 {
		t.Errorf("pinned %s, %d sessions open", m.BMC.CertificateSHA256, c.box.open)
	}
	if !slices.Equal(c.box.servers, []string{"10.0.1.3"}) || c.box.place != (bmc.Place{Site: "lab", Room: "hall", Row: "C", Rack: "r1", Unit: 7}) {
		t.Errorf("time from %v, place %+v", c.box.servers, c.box.place)
	}
	if m.Phase != inventory.Discovered {
		t.Errorf("it is %s: serial and UUID agree", m.Phase)
	}
	if got := subjects(m); !slices.Equal(got, []string{"ipmi"}) {
		t.Errorf("exposed: %v", got)
	}
	if !c.said("BMC claimed") || !c.said("the current password of \"root\" is refused") {
		t.Error("the journal lacks it")
	}
	events, err := c.db.Events(c.ctx, store.EventFilter{Machine: "n1", Limit: 1000})
	c.ok(err)
	if text := fmt.Sprint(events); strings.Contains(text, a.Password) || strings.Contains(text, "sticker") {
		t.Error("a password stands in the journal")
	}
}

func subjects(m *inventory.Machine) (out []string) {
	for _, c := range m.Conditions {
		if c.Type == inventory.BMCExposed && c.Waived.At.IsZero() {
			out = append(out, c.Subject)
		}
	}
	return out
}

func TestWhatElseLetsPeopleInIsClosedOrSaid(t *testing.T) {
	c := newClaims(t)
	c.machinePlan().BMC.Username = "rackwright"
	c.machinePlan().Waive = []inventory.Waiver{{Rule: inventory.BMCExposed, On: "ipmi", Reason: "the old console needs it"}}
	if op := c.works(c.begin()); op.State != deploy.Succeeded {
		t.Fatalf("%s: %s %s", op.State, op.Reason, op.Message)
	}
	if got := subjects(c.machine()); !slices.Equal(got, []string{"account root"}) || c.access().Username != "rackwright" {
		t.Errorf("exposed: %v; ours is %s", got, c.access().Username)
	}
	c.order = deploy.ClaimOrder{DisableAccounts: true, DisableIPMI: true, KeepPassword: true}
	if op := c.works(c.begin()); op.State != deploy.Succeeded {
		t.Fatalf("%s: %s %s", op.State, op.Reason, op.Message)
	}
	if got := subjects(c.machine()); len(got) != 0 || c.box.ipmi || c.box.accounts["root"].enabled || !c.box.accounts["rackwright"].enabled {
		t.Errorf("exposed: %v, IPMI %v", got, c.box.ipmi)
	}
	c.refusedAtMost(1)
}

func TestAnExpiredPasswordIsChangedFirst(t *testing.T) {
	c := newClaims(t)
	c.box.accounts["root"].expired = true
	if op := c.works(c.begin()); op.State != deploy.Succeeded {
		t.Fatalf("%s: %s %s", op.State, op.Reason, op.Message)
	}
	if c.access().Password != c.box.accounts["root"].password || len(c.box.wrote) != 1 {
		t.Error("the password is not the BMC's")
	}
}

func TestAPickyBMCIsOfferedOtherShapes(t *testing.T) {
	c := newClaims(t)
	c.box.takes = func(p string) bool { return len(p) <= 16 && !strings.ContainsAny(p, "_@!") }
	if op := c.works(c.begin()); op.State != deploy.Succeeded {
		t.Fatalf("%s: %s %s", op.State, op.Reason, op.Message)
	}
	c.refusedAtMost(0)
	c = newClaims(t)
	c.box.takes = func(string) bool { return false }
	if op := c.works(c.begin()); op.State != deploy.Parked || op.Reason != "password-refused" || !c.box.opens(c.ctx, c.machine().ID) {
		t.Fatalf("%s: %s %s", op.State, op.Reason, op.Message)
	}
}

func TestABMCThatOnlySaysYesParksAndIsLostByNobody(t *testing.T) {
	c := newClaims(t)
	c.box.deaf = true
	id := c.begin()
	op := c.works(id)
	if op.State != deploy.Parked || op.Reason != "password-unproven" || len(c.box.wrote) > 2 || !c.machine().BMC.Claimed.IsZero() {
		t.Fatalf("%s: %s %s after %d writes", op.State, op.Reason, op.Message, len(c.box.wrote))
	}
	c.refusedAtMost(3)
	c.box.deaf = false
	_, err := c.db.RetryOperation(c.ctx, id, "test")
	c.ok(err)
	if op := c.works(id); op.State != deploy.Succeeded {
		t.Fatalf("%s: %s %s", op.State, op.Reason, op.Message)
	}
}

func TestWhatCannotBeClaimedParksWithTheReason(t *testing.T) {
	for reason, c := range map[string]func(*claims){
		"no-password":   func(c *claims) { c.plan.Models[0].BMC = nil },
		"login-refused": func(c *claims) { c.box.accounts["root"].password = "who knows" },
		"identity-disagrees": func(c *claims) {
			c.box.facts.System.UUID = "8a1f3c52-0000-4000-8000-0000000000ff"
		},
		"factory-password": func(c *claims) { c.order.KeepPassword = true },
		"certificate-changed": func(c *claims) {
			c.machinePlan().BMC.CertificateSHA256 = strings.Repeat("b", 64)
		},
	} {
		b := newClaims(t)
		c(b)
		op := b.works(b.begin())
		if op.State != deploy.Parked || op.Reason != reason || op.Hint == "" || len(b.box.wrote) != 0 || !b.machine().BMC.Claimed.IsZero() {
			t.Errorf("%s: %s %s: %s (%s)", reason, op.State, op.Reason, op.Message, op.Hint)
		}
		b.refusedAtMost(1)
		if reason == "identity-disagrees" && (!strings.Contains(op.Message, "0000000000ff") || !strings.Contains(op.Message, b.machine().UUID)) {
			t.Errorf("not both are named: %s", op.Message)
		}
	}
}

func TestAfterABoardSwapAPersonsWordIsNeeded(t *testing.T) {
	c := newClaims(t)
	if op := c.works(c.begin()); op.State != deploy.Succeeded {
		t.Fatalf("%s: %s %s", op.State, op.Reason, op.Message)
	}
	c.box.accounts, c.box.shown = map[string]*boxAccount{"root": {password: "factory", enabled: true}}, strings.Repeat("c", 64)
	c.box.facts.System.UUID = "8a1f3c52-0000-4000-8000-0000000000ff"
	id := c.begin()
	if op := c.works(id); op.State != deploy.Parked || op.Reason != "certificate-changed" || !strings.Contains(op.Message, c.box.shown) {
		t.Fatalf("%s: %s %s", op.State, op.Reason, op.Message)
	}
	_, err := c.db.CancelOperation(c.ctx, id, "test")
	c.ok(err)
	c.works(id)
	c.order.Confirm = true
	if op := c.works(c.begin()); op.State != deploy.Succeeded {
		t.Fatalf("%s: %s %s", op.State, op.Reason, op.Message)
	}
	if m := c.machine(); m.BMC.CertificateSHA256 != c.box.shown || c.access().Password != c.box.accounts["root"].password {
		t.Error("the new board's BMC is not ours")
	}
	c.refusedAtMost(1)
}

func TestACertificateOfOurAuthorityIsInstalledAndPinned(t *testing.T) {
	c := newClaims(t)
	c.order.Certificate = true
	if op := c.works(c.begin()); op.State != deploy.Succeeded {
		t.Fatalf("%s: %s %s", op.State, op.Reason, op.Message)
	}
	text, _, err := c.db.BMCAuthority(c.ctx, nil)
	c.ok(err)
	block, _ := pem.Decode(text)
	root, err := x509.ParseCertificate(block.Bytes)
	c.ok(err)
	pool := x509.NewCertPool()
	pool.AddCert(root)
	if _, err := c.box.leaf.Verify(x509.VerifyOptions{Roots: pool, DNSName: "10.0.1.11", CurrentTime: time.Now()}); err != nil {
		t.Errorf("what it shows does not verify: %v", err)
	}
	if c.machine().BMC.CertificateSHA256 != c.box.shown {
		t.Error("another is pinned than it shows")
	}
	if d, err := c.db.DiffPlan(c.ctx, c.plan); err != nil || len(d.Changes) != 0 {
		t.Errorf("the plan would change %+v, %v", d, err)
	}
}

// Whoever dies between any two calls, of the BMC or of the database: one password that is
// kept opens the BMC, and the claim goes on to its end.
func TestAClaimSurvivesADeathAtEveryPoint(t *testing.T) {
	for name, set := range map[string]func(*claims){
		"from the factory": func(*claims) {},
		"an account of its own": func(c *claims) {
			c.machinePlan().BMC.Username = "rackwright"
		},
		"claimed, and then another account in the plan": func(c *claims) {
			c.works(c.begin())
			c.machinePlan().BMC.Username = "rackwright"
		},
		"a wrong sticker, picky, with a certificate": func(c *claims) {
			c.machinePlan().BMC.Username, c.machinePlan().BMC.Password, c.order.Certificate = "root", "wrong", true
			c.box.takes = func(p string) bool { return len(p) <= 16 }
		},
	} {
		t.Run(name, func(t *testing.T) {
			for point := 1; ; point++ {
				if !diesAt(t, point, set) {
					if point < 20 {
						t.Errorf("there were %d points only", point)
					}
					return
				}
			}
		})
	}
}

var errDead = errors.New("killed")

// diesAt runs a claim whose worker dies at a point, and another that ends it. It reports
// whether the point was reached.
func diesAt(t *testing.T, point int, set func(*claims)) bool {
	c := newClaims(t)
	set(c)
	id, machine := c.begin(), c.machine().ID
	ctx, kill := context.WithCancel(c.ctx)
	defer kill()
	n, dead, where := 0, false, ""
	var mu sync.Mutex
	c.box.at = func(at string) error {
		mu.Lock()
		defer mu.Unlock()
		if dead {
			return errDead
		}
		if n++; n == point {
			dead, where = true, at
			kill()
			return errDead
		}
		return nil
	}
	stop := make(chan struct{})
	go c.run(ctx, func() { close(stop) })
	for over := false; !over; {
		select {
		case <-stop:
			over = true
		case <-time.After(time.Millisecond):
			c.clock.pass(200 * time.Millisecond)
			if op, err := c.db.Operation(c.ctx, id); err == nil && (op.State.Ended() || op.State == deploy.Parked) {
				kill()
			}
		}
	}
	if !c.box.opens(c.ctx, machine) {
		t.Fatalf("dead at %q (%d): nothing that is kept opens the BMC", where, point)
	}
	mu.Lock()
	reached := dead
	mu.Unlock()
	c.box.at = func(at string) error {
		if !c.box.opens(c.ctx, machine) {
			t.Errorf("resumed after %q, at %q: nothing that is kept opens the BMC", where, at)
		}
		return nil
	}
	c.ok(c.db.ReleaseLeases(c.ctx))
	if op := c.works(id); op.State != deploy.Succeeded {
		t.Fatalf("dead at %q (%d): %s: %s %s", where, point, op.State, op.Reason, op.Message)
	}
	a := c.access()
	if c.box.accounts[a.Username].password != a.Password || c.machine().BMC.CertificateSHA256 != c.box.shown {
		t.Errorf("dead at %q: the BMC is not ours", where)
	}
	c.refusedAtMost(2) // a refusal that was not written down any more is met again
	return reached
}
