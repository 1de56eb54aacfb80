package agent_test

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"rackwright/agent/agenttest"
	"rackwright/agent/wire"
	"rackwright/inventory"
)

func eraseOrder() wire.Order {
	return wire.Order{ID: "e1", Verb: wire.Erase, Erase: &wire.EraseOrder{Samples: 32}}
}

// erased runs an erase to its end and returns what came out.
func (b *bench) erased(t *testing.T) (wire.Event, []wire.Erased) {
	t.Helper()
	b.Order(eraseOrder())
	stop, _ := b.run(t)
	defer stop()
	e, err := b.Await(deadline, func(e wire.Event) bool {
		return e.Stage == wire.Completed || e.Stage == wire.Failed || e.Stage == wire.Refused
	})
	if err != nil {
		t.Fatal(err)
	}
	var out []wire.Erased
	if len(e.Result) > 0 {
		if err := json.Unmarshal(e.Result, &out); err != nil {
			t.Fatal(err)
		}
	}
	return e, out
}

func TestTheDisksOfThePermitAreErasedAndNoOther(t *testing.T) {
	b := newBench(t, 8)
	b.put(0, 0, "XFSB")
	b.put(1, 4<<20, "somebody's data")
	b.permits(func(p *wire.Permit) { p.Disks = p.Disks[1:] })
	was := b.contents(t)
	e, out := b.erased(t)
	if e.Stage != wire.Completed || len(out) != 1 || !out[0].Succeeded || out[0].Disk.Serial != "S1" || out[0].Pattern != "zeros" || out[0].Samples < 32 {
		t.Errorf("%+v", e)
	}
	now := b.contents(t)
	if !bytes.Equal(now[0], was[0]) || !bytes.Equal(now[1], make([]byte, 8<<20)) {
		t.Error("the disk of the permit is not empty, or the other was touched")
	}
}

func TestADiskThatCannotBeErasedKeepsNoOtherFromIt(t *testing.T) {
	b := newBench(t, 8)
	b.put(1, 4<<20, "somebody's data")
	b.permits(func(p *wire.Permit) {
		p.Disks[0].Holds = wire.HoldsNothing
		p.Disks = append(p.Disks, wire.PermittedDisk{Serial: "GONE", Bytes: 1, Holds: wire.HoldsAny})
	})
	b.put(0, 0, "XFSB") // more than its permit allows
	e, out := b.erased(t)
	if e.Stage != wire.Failed || e.Reason != wire.ReasonNotErased || len(out) != 3 || !strings.Contains(e.Detail, "S0") || !strings.Contains(e.Detail, "GONE") || strings.Contains(e.Detail, "S1") {
		t.Fatalf("%+v", e)
	}
	if out[0].Succeeded || !out[1].Succeeded || out[2].Succeeded {
		t.Errorf("%+v", out)
	}
	if got, err := os.ReadFile(b.disks[0]); err != nil || !bytes.HasPrefix(got, []byte("XFSB")) {
		t.Errorf("the disk that was not to be erased is (%v)", err)
	}
}

func TestAnEraseWithoutAPermitIsRefused(t *testing.T) {
	b := newBench(t, 8)
	b.Permit = func(wire.Order, *wire.CheckIn) wire.Permit { return agenttest.Everything(wire.Order{ID: "other"}, nil) }
	if e, out := b.erased(t); e.Stage != wire.Refused || e.Reason != wire.ReasonPermit || len(out) != 0 {
		t.Errorf("%+v", e)
	}
}

func TestTwoDisksOfOneIdentityAreNotErasedAndSoSaid(t *testing.T) {
	b := newBench(t, 8)
	b.put(0, 4<<20, "somebody's data")
	facts := b.world.Facts()
	facts.Disks[1].Serial = facts.Disks[0].Serial
	b.world.Facts = func() inventory.Facts { return facts }
	was := b.contents(t)
	e, out := b.erased(t)
	if e.Stage != wire.Failed || len(out) != 2 || strings.Contains(e.Detail, "gone") || !strings.Contains(e.Detail, "tell one identity") {
		t.Errorf("%+v of %d disks", e, len(out))
	}
	b.untouched(t, was)
}
