package agent_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"rackwright/agent"
	"rackwright/agent/agenttest"
	"rackwright/agent/burn"
	"rackwright/agent/probe"
	"rackwright/agent/wire"
)

// burnable gives the bench's agent a machine that is soon worked.
func (b *bench) burnable(t *testing.T) {
	t.Helper()
	w := burn.Here(agent.Sleep)
	w.Root, w.CPUs = t.TempDir(), 1
	parts := 0
	w.Memory = func(int) (burn.Memory, error) {
		if parts++; parts > 1 {
			return burn.Memory{}, errors.New("no more")
		}
		return burn.Memory{Bytes: make([]byte, 4096), Release: func() {}}, nil
	}
	b.world.Burn = w
}

func TestABurnInIsWorkedAndToldWithItsFigures(t *testing.T) {
	b := newBench(t, 8)
	b.burnable(t)
	before, err := os.ReadFile(b.disks[0])
	if err != nil {
		t.Fatal(err)
	}
	b.Order(wire.Order{ID: "o1", Verb: wire.Burn, Burn: &wire.BurnOrder{Seconds: 61, Done: 60, Tests: []string{"cpu", "disk", "network"}}})
	stop, _ := b.run(t)
	defer stop()
	e, err := b.Await(deadline, func(e wire.Event) bool {
		return e.Stage == wire.Completed || e.Stage == wire.Failed || e.Stage == wire.Refused
	})
	if err != nil || e.Stage != wire.Completed || e.Done != 61 || e.Total != 61 {
		t.Fatalf("%+v, %v", e, err)
	}
	var found wire.Burned
	if err := json.Unmarshal(e.Result, &found); err != nil || len(found.Errors) > 0 || len(found.Figures) < 8 || found.Seconds != 1 {
		t.Errorf("%+v, %v", found, err)
	}
	after, err := os.ReadFile(b.disks[0])
	if err != nil || string(after) != string(before) {
		t.Errorf("a disk was written: %v", err)
	}
}

func TestOnlyDisksOfThePermitAreWritten(t *testing.T) {
	b := newBench(t, 8)
	b.burnable(t)
	b.Permit = func(o wire.Order, seen *wire.CheckIn) wire.Permit {
		p := agenttest.Everything(o, seen)
		p.Disks = p.Disks[:1]
		return p
	}
	empty, err := os.ReadFile(b.disks[0])
	if err != nil {
		t.Fatal(err)
	}
	b.Order(wire.Order{ID: "o1", Verb: wire.Burn, Burn: &wire.BurnOrder{Seconds: 1, Tests: []string{"disk"}, Write: true}})
	stop, _ := b.run(t)
	defer stop()
	b.await(t, wire.Completed)
	for i, path := range b.disks {
		now, err := os.ReadFile(path)
		if err != nil || string(now) != string(empty) != (i == 0) {
			t.Errorf("disk %d: written is %v, %v", i, i != 0, err)
		}
	}
}

// However a burn-in that writes ends, its disks hold nothing that looks like somebody's data.
func TestABurnInThatWritesTakesTheSignaturesOffFirst(t *testing.T) {
	b := newBench(t, 8)
	b.burnable(t)
	for _, path := range b.disks {
		data := bytes.Repeat([]byte("data"), 2<<20)
		copy(data, "XFSB")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b.Order(wire.Order{ID: "o1", Verb: wire.Burn, Burn: &wire.BurnOrder{Seconds: 1, Tests: []string{"disk"}, Write: true}})
	stop, _ := b.run(t)
	defer stop()
	b.await(t, wire.Completed)
	for i, path := range b.disks {
		now, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		const mib = 1 << 20
		if ends := slices.Concat(now[:mib], now[7*mib:]); bytes.Count(ends, []byte{0}) != len(ends) {
			t.Errorf("disk %d: something stands at its ends", i)
		}
		if found, err := probe.Signatures(bytes.NewReader(now), int64(len(now))); err != nil || len(found) > 0 {
			t.Errorf("disk %d holds %v, %v", i, found, err)
		}
	}
}

func TestABurnInThatWritesNeedsAPermitForItself(t *testing.T) {
	b := newBench(t, 8)
	b.burnable(t)
	b.Permit = func(wire.Order, *wire.CheckIn) wire.Permit { return wire.Permit{Order: "another"} }
	b.Order(wire.Order{ID: "o1", Verb: wire.Burn, Burn: &wire.BurnOrder{Seconds: 1, Tests: []string{"disk"}, Write: true}})
	stop, _ := b.run(t)
	defer stop()
	e, err := b.Await(deadline, func(e wire.Event) bool { return e.Stage == wire.Completed || e.Stage == wire.Refused })
	if err != nil || e.Stage != wire.Refused || e.Reason != wire.ReasonPermit || e.Hint == "" {
		t.Errorf("%s %s, %v", e.Stage, e.Reason, err)
	}
}

func TestAnUnknownTestOfABurnInFailsWithAHint(t *testing.T) {
	b := newBench(t, 8)
	b.burnable(t)
	b.Order(wire.Order{ID: "o1", Verb: wire.Burn, Burn: &wire.BurnOrder{Seconds: 1, Tests: []string{"gpu"}}})
	stop, _ := b.run(t)
	defer stop()
	e, err := b.Await(deadline, func(e wire.Event) bool { return e.Stage == wire.Failed })
	if err != nil || !strings.Contains(e.Detail, `"gpu"`) || e.Hint == "" {
		t.Errorf("%+v, %v", e, err)
	}
}
