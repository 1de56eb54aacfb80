package deploy_test

import (
	"context"
	"testing"
	"time"

	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/journal"
)

// shelf is operations by id, and an id that the database does not answer about.
type shelf map[string]*deploy.Operation

func (s shelf) Operation(_ context.Context, id string) (*deploy.Operation, error) {
	if id == "unreadable" {
		return nil, fault.Unreachablef("the database is away")
	}
	if s[id] == nil {
		return nil, fault.NotFoundf("there is no operation %s", id)
	}
	return s[id], nil
}

func TestOnlyADeploymentOfTheMachineMakesItsDiskOurs(t *testing.T) {
	ops := shelf{"mine": {Kind: deploy.Deploy, Machine: "m1"}, "other": {Kind: deploy.Deploy, Machine: "m2"}, "erase": {Kind: deploy.Erase, Machine: "m1"}}
	disk := func(op string) inventory.Disk { return inventory.Disk{Owner: &inventory.DiskOwner{Operation: op}} }
	m := &inventory.Machine{ID: "m1"}
	ours, err := deploy.Ours(t.Context(), ops, m, []inventory.Disk{disk("mine"), disk("other"), disk("erase"), disk("gone"), disk(""), {}})
	if err != nil {
		t.Fatal(err)
	}
	for op, want := range map[string]bool{"mine": true, "other": false, "erase": false, "gone": false, "": false, "unasked": false} {
		if ours(op) != want {
			t.Errorf("%q is ours: %v", op, !want)
		}
	}
	if _, err := deploy.Ours(t.Context(), ops, m, []inventory.Disk{disk("unreadable")}); !fault.Is(err, fault.Unreachable) {
		t.Errorf("a disk was judged without its operation: %v", err)
	}
}

// ledger is one machine, and how often it was changed.
type ledger struct {
	m       inventory.Machine
	changes int
}

func (l *ledger) ChangeMachine(_ context.Context, _ string, change func(*inventory.Machine) ([]journal.Event, error)) (*inventory.Machine, error) {
	l.changes++
	_, err := change(&l.m)
	return &l.m, err
}

func TestTheProofOfEmptyDisksIsTakenOffOnce(t *testing.T) {
	l := &ledger{m: inventory.Machine{Erased: time.Unix(1, 0)}}
	for range 2 {
		m := l.m
		if err := deploy.Soil(t.Context(), l, &m); err != nil {
			t.Fatal(err)
		}
	}
	if !l.m.Erased.IsZero() || l.changes != 1 {
		t.Errorf("erased at %v after %d changes", l.m.Erased, l.changes)
	}
}
