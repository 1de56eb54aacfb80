package run_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"rackwright/bmc"
	"rackwright/bmc/broker"
	"rackwright/bmc/redfish"
	"rackwright/deploy"
	"rackwright/deploy/run"
	"rackwright/firmware"
	"rackwright/firmware/serve"
	"rackwright/images/blob"
	"rackwright/inventory"
	"rackwright/inventory/plan"
	"rackwright/journal/record"
	"rackwright/racksim"
	"rackwright/racksim/simtest"
	"rackwright/store"
)

// real is a bench whose machine has racksim's Redfish service for a BMC, and whose files
// and HTTPS server are those of a server.
type real struct {
	*bench
	iron    *simtest.Machine
	files   *blob.Store
	host    string // of the HTTPS server for BMCs
	fetches bool   // the BMC is not pushed to
}

func newReal(t *testing.T) *real {
	t.Helper()
	b := &real{bench: emptyBench(t)}
	address := b.simulate()
	_, err := b.db.ApplyPlan(b.ctx, plan.Plan{Site: "lab",
		Models: []plan.Model{{Name: "x1", Build: inventory.Build{Firmware: []inventory.Version{{Component: "bios", Version: "2.4"}, {Component: "bmc", Version: "1.9"}, {Component: "NIC.1", Version: "23.0"}}}}},
		Racks: []plan.Rack{{Name: "r1", Machines: []plan.Machine{{Name: "n1", U: 1, Model: "x1", Serial: "RS0001",
			BMC: &plan.BMC{Address: address, Username: "root", Password: "racked-and-stacked"}}}}}}, "", "test")
	b.ok(err)
	b.files, err = blob.Open(t.TempDir())
	b.ok(err)
	words := record.New(b.db, slog.New(slog.DiscardHandler), b.clock.now)
	ctx, cancel := context.WithCancel(context.WithoutCancel(b.ctx))
	done := make(chan struct{})
	go func() { defer close(done); words.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	s := httptest.NewTLSServer(&serve.Server{Store: b.db, Bytes: b.files, Journal: words, Log: slog.New(slog.DiscardHandler), Now: b.clock.now})
	t.Cleanup(s.Close)
	b.host = strings.TrimPrefix(s.URL, "https://")
	return b
}

// simulate starts racksim's BMC, of a machine that is on.
func (b *real) simulate() (address string) {
	b.iron, _, address = simtest.Start(b.t, `{name: n1, u: 1, firmware: uefi, memory: 2048, cpus: 2, serial: RS0001,
		nics: [{mac: "52:54:00:77:00:01"}], disks: [{size: 2GiB, serial: DISK0001}], versions: {bios: "2.1", NIC.1: "22.5"},
		bmc: {address: 127.0.0.1, mac: "52:54:00:77:ff:01", username: root, password: racked-and-stacked}}`)
	b.ok(b.iron.PowerOn(b.ctx))
	return address
}

// OpenFile and URL make it the worker's Depot.
func (b *real) OpenFile(digest string) (io.ReadCloser, error) { return b.files.OpenFile(digest) }

func (b *real) URL(_, ticket, original string) string { return serve.URL(b.host, ticket, original) }

// fetchers are Hands of BMCs that take no push.
type fetchers struct{ bmc.Hands }

func (f fetchers) Hand(ctx context.Context, id string) (bmc.Controller, error) {
	c, err := f.Hands.Hand(ctx, id)
	return fetcher{c}, err
}

type fetcher struct{ bmc.Controller }

func (f fetcher) StartUpdate(ctx context.Context, u bmc.Update) (bmc.Task, error) {
	u.Open = nil
	return f.Controller.StartUpdate(ctx, u)
}

func (b *real) worker() {
	timing := redfish.DefaultTiming()
	timing.PollMin, timing.PollMax = time.Millisecond, 10*time.Millisecond
	var hands bmc.Hands = broker.New(broker.Options{Store: b.db, Dialer: &redfish.Dialer{Timing: timing}, Log: slog.New(slog.DiscardHandler), Now: time.Now, Owner: "w"})
	if b.fetches {
		hands = fetchers{hands}
	}
	ctx, cancel := context.WithCancel(b.ctx)
	w := &run.Worker{Store: b.db, BMC: hands, Depot: b, Log: slog.New(slog.DiscardHandler), Now: b.clock.now, Owner: "w", Concurrency: 4, Lease: 1000 * time.Hour, Poll: 5 * time.Millisecond}
	done := make(chan struct{})
	go func() { defer close(done); w.Run(ctx) }()
	b.t.Cleanup(func() { cancel(); <-done })
}

// add puts a file of the simulator's into the catalogue.
func (b *real) add(component, version string, needs ...firmware.Need) {
	b.t.Helper()
	var body bytes.Buffer
	b.ok(racksim.WriteFirmware(&body, racksim.Firmware{Component: component, Version: version}, 300<<10))
	digest, size, err := b.files.Put(b.ctx, &body, "", 1<<30)
	b.ok(err)
	f := firmware.File{Name: strings.ToLower(component) + "-" + version, Component: component, Version: version, Models: []string{"x1"}, Requires: needs, Original: component + ".bin", Digest: digest, Size: size}
	b.ok(f.Complete())
	b.ok(b.db.AddFirmware(b.ctx, &f, "test"))
}

// baseline updates the machine to its baseline, by what its BMC says.
func (b *real) baseline() deploy.Operation {
	b.t.Helper()
	hands := broker.New(broker.Options{Store: b.db, Dialer: &redfish.Dialer{}, Log: slog.New(slog.DiscardHandler), Now: time.Now, Owner: "look"})
	id := b.machine().ID
	hand, err := hands.Hand(b.ctx, id)
	b.ok(err)
	facts, err := hand.Facts(b.ctx)
	b.ok(err)
	b.ok(hand.Close(b.ctx))
	ctx, cancel := context.WithCancel(b.ctx)
	cancel()
	_ = hands.Run(ctx) // gives the BMC back
	_, err = b.db.ChangeMachine(b.ctx, id, func(m *inventory.Machine) ([]Event, error) {
		m.Facts = &facts
		return nil, nil
	})
	b.ok(err)
	b.worker()
	m, _, err := b.db.FirmwareMachine(b.ctx, id)
	b.ok(err)
	files, err := b.db.FirmwareFiles(b.ctx)
	b.ok(err)
	choice := firmware.Choose(*m, files, firmware.Wish{})
	if len(choice.Picks) != 3 || len(choice.Lacks) > 0 || choice.Picks[0].Component != "bmc" {
		b.t.Fatalf("%+v of %+v", choice, m)
	}
	op, err := b.db.CreateOperation(b.ctx, deploy.Firmware, id, deploy.Order{Firmware: &deploy.FirmwareOrder{Files: choice.Picks}}, "test")
	b.ok(err)
	end := b.passes(op.ID, 200*time.Millisecond, func(o deploy.Operation) bool { return o.State.Ended() || o.State == deploy.Parked })
	if m, _, err = b.db.FirmwareMachine(b.ctx, id); err != nil || firmware.Comply(*m, files).Standing != firmware.Compliant {
		b.t.Errorf("it stands %+v, %v", firmware.Comply(*m, files), err)
	}
	return end
}

func (b *real) updated(op deploy.Operation) {
	b.t.Helper()
	if op.State != deploy.Succeeded {
		b.t.Fatalf("%s (%s): %s", op.State, op.Reason, op.Message)
	}
	if n := b.iron.Starts() - 1; n != 1 { // but for the start by which it is on
		b.t.Errorf("the machine was restarted %d times", n)
	}
}

func TestARedfishBMCIsBroughtToItsBaselineByPushes(t *testing.T) {
	b := newReal(t)
	b.add("bmc", "1.9")
	b.add("bios", "2.4", firmware.Need{Component: "bmc", AtLeast: "1.9"})
	b.add("NIC.1", "23.0")
	b.updated(b.baseline())
	if sent, err := b.db.Events(b.ctx, store.EventFilter{Limit: 1000}); err != nil || len(fetched(sent)) > 0 {
		t.Errorf("it was pushed to and fetched %v, %v", fetched(sent), err)
	}
}

func TestARedfishBMCThatOnlyFetchesIsBroughtToItsBaseline(t *testing.T) {
	b := newReal(t)
	b.fetches = true
	b.add("bmc", "1.9")
	b.add("bios", "2.4", firmware.Need{Component: "bmc", AtLeast: "1.9"})
	b.add("NIC.1", "23.0")
	b.updated(b.baseline())
	deadline := time.After(20 * time.Second)
	for {
		sent, err := b.db.Events(b.ctx, store.EventFilter{Limit: 1000})
		b.ok(err)
		if len(fetched(sent)) >= 3 {
			break
		}
		select {
		case <-deadline:
			t.Fatalf("the journal has %v", fetched(sent))
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func fetched(events []Event) (out []string) {
	for _, e := range events {
		if strings.HasPrefix(e.Summary, "its BMC fetched") {
			out = append(out, e.Summary)
		}
	}
	return out
}
