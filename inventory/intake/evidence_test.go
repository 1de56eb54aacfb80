package intake_test

import (
	"log/slog"
	"testing"
	"time"

	"rackwright/boot"
	"rackwright/deploy"
	"rackwright/inventory"
	"rackwright/inventory/intake"
)

// While the database is away sightings wait, and an operation may begin before they are taken in.
func TestWhatWasSeenBeforeAnOperationBeganIsNoneOfIts(t *testing.T) {
	b := newBench(t, inventory.StrangerIgnore)
	v, err := b.db.View(t.Context())
	b.ok(err)
	desk := intake.New(b.db, func() *boot.View { return v }, slog.New(slog.DiscardHandler))
	s := boot.Sighting{At: time.Now(), Source: "dhcp", MAC: planned, UUID: uuid, Network: "provision", Class: boot.PXE, Settled: true}
	desk.Sighted(s)
	op, err := b.db.CreateOperation(t.Context(), deploy.Inspect, "n1", deploy.Order{}, "test")
	b.ok(err)
	v, err = b.db.View(t.Context())
	b.ok(err)
	for _, want := range []int{0, 1} {
		b.ok(desk.TakeAll(t.Context()))
		seen, err := b.db.EvidenceOf(t.Context(), op.ID)
		b.ok(err)
		if len(seen) != want {
			t.Errorf("%d pieces of evidence, want %d: %v", len(seen), want, seen)
		}
		desk.Sighted(s)
	}
}
