package run_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"rackwright/bmc"
	"rackwright/bmc/broker"
	"rackwright/bmc/redfish"
	"rackwright/deploy"
	"rackwright/deploy/run"
	"rackwright/inventory"
	"rackwright/inventory/plan"
	"rackwright/racksim/simtest"
	"rackwright/store"
)

// simulated runs racksim's BMC and returns its address.
func simulated(t *testing.T, more string) string {
	t.Helper()
	_, _, address := simtest.Start(t, `{name: n1, u: 7, firmware: uefi, memory: 2048, cpus: 2, serial: RS0001,
		nics: [{mac: "52:54:00:77:00:01"}], disks: [{size: 2GiB, serial: DISK0001}],
		bmc: {address: 127.0.0.1, mac: "52:54:00:77:ff:01", username: root, password: factory-password, `+more+`}}`)
	return address
}

// The driver, the broker and a BMC that locks its account at the third wrong password and
// wants the first one changed.
func TestASimulatedBMCIsClaimedThroughTheBrokerAndTheDriver(t *testing.T) {
	for _, more := range []string{"lockout: 3", "lockout: 3, expired: true"} {
		t.Run(more, func(t *testing.T) {
			b := emptyBench(t)
			_, err := b.db.ApplyPlan(b.ctx, plan.Plan{Site: "lab", Models: []plan.Model{{Name: "sim", BMC: &plan.FactoryLogin{Username: "root", Password: "factory-password"}}},
				Racks: []plan.Rack{{Name: "r1", Machines: []plan.Machine{{Name: "n1", U: 7, Model: "sim", Serial: "RS0001",
					NICs: []plan.NIC{{MAC: "52:54:00:77:00:01"}},
					BMC:  &plan.BMC{Address: simulated(t, more), Username: "root", Password: "wrong on the sticker"}}}}}}, "", "test")
			b.ok(err)
			hands := b.server()
			order := deploy.ClaimOrder{Certificate: true, DisableIPMI: true}
			for range 2 { // the second time it is ours already
				if end := b.claim(order); end.State != deploy.Succeeded {
					t.Fatalf("%s: %s: %s (%s)", end.State, end.Reason, end.Message, end.Hint)
				}
			}
			m := b.machine()
			hand, err := hands.Hand(b.ctx, m.ID)
			b.ok(err)
			defer hand.Close(b.ctx)
			if p, err := hand.Power(b.ctx); err != nil || p != inventory.PowerOff {
				t.Errorf("power %s, %v", p, err)
			}
			if hand.Certificate() != m.BMC.CertificateSHA256 || m.BMC.Claimed.IsZero() {
				t.Errorf("it shows %s, pinned is %s", hand.Certificate(), m.BMC.CertificateSHA256)
			}
			if place, err := hand.Place(b.ctx); err != nil || place.Unit != 7 || place.Rack != "r1" {
				t.Errorf("it stands in %+v, %v", place, err)
			}
			a, err := b.db.BMCAccess(b.ctx, m.ID)
			b.ok(err)
			events, err := b.db.Events(b.ctx, eventsOfN1)
			b.ok(err)
			for _, e := range events {
				if text := fmt.Sprintf("%+v", e); len(a.Password) < 12 || contains(text, a.Password, "factory-password", "wrong on the sticker") {
					t.Errorf("a password stands in %s", e.Summary)
				}
			}
		})
	}
}

var eventsOfN1 = store.EventFilter{Machine: "n1", Limit: 1000}

func contains(text string, words ...string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) })
}

// server runs a broker over the real driver, and a worker.
func (b *bench) server() *broker.Broker {
	return b.serverOf(&redfish.Dialer{Log: slog.New(slog.DiscardHandler)})
}

func (b *bench) serverOf(driver bmc.Dialer) *broker.Broker {
	ctx, stop := context.WithCancel(b.ctx)
	quiet := slog.New(slog.DiscardHandler)
	hands := broker.New(broker.Options{Store: b.db, Dialer: driver, Log: quiet, Now: time.Now, Owner: "w"})
	for _, task := range []func(context.Context) error{hands.Run,
		(&run.Worker{Store: b.db, BMC: hands, Log: quiet, Now: b.clock.now, Owner: "w", Concurrency: 2, Poll: 5 * time.Millisecond}).Run} {
		done := make(chan struct{})
		go func() { defer close(done); task(ctx) }()
		b.t.Cleanup(func() { <-done })
	}
	b.t.Cleanup(stop) // runs first
	return hands
}

// claim has n1 claimed, and waits until that has ended or needs hands.
func (b *bench) claim(order deploy.ClaimOrder) deploy.Operation {
	b.t.Helper()
	op, err := b.db.CreateOperation(b.ctx, deploy.Claim, "n1", deploy.Order{Claim: &order}, "test")
	b.ok(err)
	return b.until(op.ID, "over", func(o deploy.Operation) bool { return o.State.Ended() || o.State == deploy.Parked })
}

// The sweeps meet the other certificate first, and the broker asks no more: a claim that
// a person confirmed gets through all the same.
func TestAReplacedBMCIsClaimedAfterTheSweepsWereRefused(t *testing.T) {
	for _, c := range []struct {
		factory, sticker, reason string
	}{{"factory-password", "", "certificate-changed"}, {"", "factory-password", "login-refused"}} {
		t.Run(c.reason, func(t *testing.T) {
			b := emptyBench(t)
			_, err := b.db.ApplyPlan(b.ctx, plan.Plan{Site: "lab", Models: []plan.Model{{Name: "sim", BMC: &plan.FactoryLogin{Username: "root", Password: c.factory}}},
				Racks: []plan.Rack{{Name: "r1", Machines: []plan.Machine{{Name: "n1", U: 7, Model: "sim", Serial: "RS0001",
					NICs: []plan.NIC{{MAC: "52:54:00:77:00:01"}},
					BMC:  &plan.BMC{Address: simulated(t, "lockout: 3"), Username: "root", Password: c.sticker, CertificateSHA256: strings.Repeat("b", 64)}}}}}}, "", "test")
			b.ok(err)
			hands := b.server()
			if hand, err := hands.Hand(b.ctx, b.machine().ID); err == nil {
				_, err = hand.Power(b.ctx)
				if !bmc.Refused(err) {
					t.Fatalf("the other certificate passed: %v", err)
				}
				hand.Close(b.ctx)
			}
			end := b.claim(deploy.ClaimOrder{})
			if end.State != deploy.Parked || end.Reason != c.reason || !strings.Contains(end.Message, "certificate") || !strings.Contains(end.Hint, "--confirm") {
				t.Fatalf("%s: %s: %s (%s)", end.State, end.Reason, end.Message, end.Hint)
			}
			_, err = b.db.CancelOperation(b.ctx, end.ID, "test")
			b.ok(err)
			b.state(end.ID, deploy.Cancelled)
			if end := b.claim(deploy.ClaimOrder{Confirm: true}); end.State != deploy.Succeeded {
				t.Fatalf("%s: %s: %s (%s)", end.State, end.Reason, end.Message, end.Hint)
			}
		})
	}
}
