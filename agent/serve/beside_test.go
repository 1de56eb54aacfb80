package serve_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"rackwright/agent/serve"
	"rackwright/deploy"
	"rackwright/inventory"
)

// beside is a store in which something else happens, once, between two calls of the server.
type beside struct {
	serve.Store
	once          sync.Once
	read, witness func() // after an operation was read, after what was seen of a machine was kept
}

func (b *beside) Operation(ctx context.Context, id string) (*deploy.Operation, error) {
	op, err := b.Store.Operation(ctx, id)
	if b.read != nil {
		b.once.Do(b.read)
	}
	return op, err
}

func (b *beside) Witness(ctx context.Context, machine string, e inventory.Evidence) (inventory.Evidence, error) {
	e, err := b.Store.Witness(ctx, machine, e)
	if b.witness != nil {
		b.once.Do(b.witness)
	}
	return e, err
}

// A DHCP message of the machine is weighed while its agent checks in: whoever is adopted by what
// the agent saw has its facts too, by which it learns its MACs.
func TestAStrangerThatIsWeighedDuringItsCheckInIsAdoptedWithItsFacts(t *testing.T) {
	d := newDesk(t)
	s, nonce := d.stray()
	weighed := make(chan error, 1)
	d.server.Store = &beside{Store: d.db, witness: func() {
		go func() {
			_, err := d.db.Recognise(d.ctx, s.ID, inventory.Evidence{Source: "dhcp", MACs: []inventory.MAC{strayMAC}})
			weighed <- err
		}()
		time.Sleep(50 * time.Millisecond) // it would be through, if nothing kept it
	}}
	w := d.greet(nonce, seen("SN-n2", "2"))
	d.ok(<-weighed)
	if w.Machine != "n2" && w.Machine != s.Name { // it is greeted as who it was or who it is
		t.Errorf("it was greeted as %s", w.Machine)
	}
	d.adopted(s, w.Session)
}

func TestAStrangerThatWasJustAdoptedChecksInAsThePlannedMachine(t *testing.T) {
	d := newDesk(t)
	s, nonce := d.stray()
	d.server.Store = &beside{Store: d.db, read: func() {
		facts := seen("SN-n2", "2")
		facts.Source = "agent"
		if p, err := d.db.Recognise(d.ctx, s.ID, inventory.FromFacts(&facts)); err != nil || p == nil {
			t.Errorf("%+v, %v", p, err)
		}
	}}
	if w := d.greet(nonce, seen("SN-n2", "2")); w.Machine != "n2" {
		t.Errorf("it was greeted as %s", w.Machine)
	}
}
