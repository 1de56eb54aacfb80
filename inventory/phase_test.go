package inventory_test

import (
	"strings"
	"testing"

	"rackwright/fault"
	"rackwright/inventory"
)

func TestPhasesMoveAlongTheTableAlone(t *testing.T) {
	all := []inventory.Phase{inventory.Planned, inventory.Racked, inventory.Discovered, inventory.Verified, inventory.Ready, inventory.Active,
		inventory.Maintenance, inventory.Retired}
	edges := map[[2]inventory.Phase]bool{}
	for _, e := range inventory.Edges() {
		if edges[[2]inventory.Phase{e.From, e.To}] || e.Gate == "" {
			t.Errorf("%s to %s stands twice or has no gate", e.From, e.To)
		}
		edges[[2]inventory.Phase{e.From, e.To}] = true
	}
	for _, from := range all {
		if !from.Known() {
			t.Errorf("%s is in no edge", from)
		}
		for _, to := range all {
			err := inventory.Move(from, to)
			if open := edges[[2]inventory.Phase{from, to}]; open != (err == nil) || open != inventory.CanMove(from, to) {
				t.Errorf("%s to %s: %v", from, to, err)
			} else if err != nil && !fault.Is(err, fault.Conflict) {
				t.Errorf("%s to %s: %v is of kind %s", from, to, err, fault.KindOf(err))
			}
		}
		if inventory.CanMove(inventory.Retired, from) {
			t.Errorf("a retired machine became %s", from)
		}
	}
	if inventory.Phase("broken").Known() {
		t.Error("a failure is no phase")
	}
}

func TestTheDrawingShowsEveryEdge(t *testing.T) {
	drawing := inventory.Drawing()
	for _, e := range inventory.Edges() {
		if !strings.Contains(drawing, string(e.From)+" --> "+string(e.To)+": ") {
			t.Errorf("%s to %s is not drawn", e.From, e.To)
		}
	}
	if strings.Contains(drawing, ";") {
		t.Error("Mermaid ends a line at a semicolon")
	}
}
