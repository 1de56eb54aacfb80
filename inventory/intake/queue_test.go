package intake

import (
	"log/slog"
	"testing"
	"time"

	"rackwright/boot"
	"rackwright/inventory"
)

func TestManyStrangersWaitAndKnownMachinesDoNot(t *testing.T) {
	known := inventory.MAC{2, 0, 0, 0, 0, 1}
	v := boot.NewView(1, nil, []*boot.Host{{Machine: "m", Name: "n1", MAC: known}})
	d := New(nil, func() *boot.View { return v }, slog.New(slog.DiscardHandler))
	start := time.Now()
	for i := range 4 * strangerQueue {
		d.Sighted(boot.Sighting{MAC: inventory.MAC{2, 9, 0, 0, byte(i >> 8), byte(i)}})
	}
	recorded := 0
	for range 4 * strangerQueue / atOnce {
		d.some = d.some[:0]
		d.gather()
		recorded += len(d.some)
	}
	burst := int(strangerBurst / strangerEvery)
	if most := burst + 2 + int(time.Since(start)/strangerEvery); recorded < burst || recorded > most {
		t.Errorf("%d strangers at once, not %d to %d", recorded, burst, most)
	}
	if len(d.strangers) != strangerQueue-recorded {
		t.Errorf("%d wait, of %d", len(d.strangers), strangerQueue)
	}
	d.Sighted(boot.Sighting{MAC: known})
	d.some = d.some[:0]
	if d.gather(); len(d.some) == 0 || d.some[0].MAC != known {
		t.Errorf("a known machine waits behind strangers: %v", d.some)
	}
}
