package storetest

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"rackwright/boot"
	"rackwright/boot/current"
	"rackwright/deploy"
	"rackwright/inventory"
	"rackwright/inventory/plan"
	"rackwright/journal"
	"rackwright/store"
)

func deltas() chapter {
	return chapter{
		"what follows changes is the view that would be read anew": func(t *testing.T, b *bench) {
			for seed := range uint64(3) {
				b := newBench(t, b.kind)
				c := &changer{bench: b, random: rand.New(rand.NewPCG(seed, 7)), wish: planOf(6)}
				ok(t, c.apply())
				v := must(b.View(b.ctx()))(t)
				for range 40 {
					did := c.change()
					v = follow(t, b, v)
					sameHosts(t, did, v, must(b.View(b.ctx()))(t))
					if t.Failed() {
						t.Fatalf("after: %v", c.did)
					}
				}
			}
		},
		"one changed machine is all that is told": func(t *testing.T, b *bench) {
			b.apply(planOf(5))
			at := must(b.Revision(b.ctx()))(t)
			must(b.ChangeMachine(b.ctx(), "n2", func(m *inventory.Machine) ([]journal.Event, error) {
				m.UUID = "observed"
				return nil, nil
			}))(t)
			d := must(b.ViewSince(b.ctx(), at))(t)
			if d == nil || d.Networks != nil || len(d.Machines) != 1 || len(d.Machines[b.machine("n2").ID]) != 2 || d.Revision <= at {
				t.Errorf("told: %+v", d)
			}
			same(t, "nothing more", len(must(b.ViewSince(b.ctx(), d.Revision))(t).Machines), 0)
		},
		"the DHCP options and the loader of a model reach the view and the machines that have it": func(t *testing.T, b *bench) {
			p := planOf(2)
			p.Racks[0].Machines[0].Model = "blade"
			b.apply(p)
			v := must(b.View(b.ctx()))(t)
			same(t, "before", len(v.ModelOptions("blade")), 0)
			p.Models = []plan.Model{{Name: "blade", Build: inventory.Build{Loader: "shim", Options: []inventory.Option{{Code: 209, Type: inventory.OptionText, Value: "a"}}}}}
			b.apply(p)
			for what, v := range map[string]*boot.View{"followed": follow(t, b, v), "read anew": must(b.View(b.ctx()))(t)} {
				same(t, what, v.ModelOptions(v.Host(mac(1)).Model), p.Models[0].Options)
				same(t, what+", its loader", v.LoaderOf(v.Host(mac(1))), boot.Shim)
				same(t, what+", loader of another", v.LoaderOf(v.Host(mac(2))), boot.BuiltIn)
				same(t, what+", of another", len(v.ModelOptions(v.Host(mac(2)).Model)), 0)
			}
		},
		"networks beside another server and such that hold strangers are read back": func(t *testing.T, b *bench) {
			p := planOf(1)
			p.Networks[0].DHCP, p.Networks[0].Strangers = inventory.DHCPProxy, inventory.StrangerHold
			b.apply(p)
			n := must(b.View(b.ctx()))(t).NetworkOf(addr("10.0.0.11"))
			same(t, "DHCP", n.DHCP, inventory.DHCPProxy)
			same(t, "strangers", n.Strangers, inventory.StrangerHold)
		},
		"one machine added to a plan is all that is told": func(t *testing.T, b *bench) {
			b.apply(planOf(5))
			at := must(b.Revision(b.ctx()))(t)
			b.apply(planOf(6))
			d := must(b.ViewSince(b.ctx(), at))(t)
			if d == nil || d.Networks != nil || len(d.Machines) != 1 || len(d.Machines[b.machine("n6").ID]) != 2 {
				t.Errorf("told: %+v", d)
			}
		},
		"who is too far behind, or ahead, reads everything": func(t *testing.T, b *bench) {
			b.apply(planOf(2))
			at := must(b.Revision(b.ctx()))(t)
			if must(b.ViewSince(b.ctx(), at+1))(t) != nil {
				t.Error("it told what will be")
			}
			if must(b.ViewSince(b.ctx(), at))(t) == nil {
				t.Error("it did not tell the present")
			}
			exec := func(query string, args ...any) {
				t.Helper()
				if _, err := b.raw().ExecContext(b.ctx(), query, args...); err != nil {
					t.Fatal(err)
				}
			}
			exec(`UPDATE revision SET n = n + 100000`)
			ok(t, b.Prune(b.ctx()))
			same(t, "kept", b.count(`SELECT count(*) FROM boot_change`), 0)
			if must(b.ViewSince(b.ctx(), at))(t) != nil {
				t.Error("it told what it forgot")
			}
		},
		"a machine in maintenance gets its address and boots its own disk": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			b.deployment("n1")
			b.moveTo(deploy.Running, deploy.StepBootNet)
			same(t, "before", must(b.View(b.ctx()))(t).Host(mac(1)).Intent, boot.RunAgent)
			if _, err := b.raw().ExecContext(b.ctx(), `UPDATE machine SET phase = 'maintenance'`); err != nil {
				t.Fatal(err)
			}
			h := must(b.View(b.ctx()))(t).Host(mac(1))
			if h.Intent != boot.LocalDisk || h.Operation != "" || h.Address != addr("10.0.0.11") {
				t.Errorf("it is told %+v", h)
			}
		},
		"a port whose MAC is not known yet is not in the view": func(t *testing.T, b *bench) {
			p := planOf(1)
			p.Racks[0].Machines[0].NICs[0].MAC = ""
			b.apply(p)
			same(t, "hosts but the BMC", must(b.View(b.ctx()))(t).Hosts(), 1)
		},
		"a change by one process reaches the other without polling": func(t *testing.T, b *bench) {
			if b.Single() {
				t.Skip("SQLite is for one process")
			}
			b.apply(planOf(1))
			other := b.open(b.dsn)
			f := must(current.New(b.ctx(), other, current.Options{Poll: time.Hour, Log: slog.New(slog.DiscardHandler)}))(t)
			b.background(f.Run)
			events, stop := other.NewEvents()
			defer stop()
			work, stop := other.WorkDue()
			defer stop()
			b.background(other.Listener().Run)
			b.hears(work) // that it listens now
			b.hears(events)
			b.apply(planOf(2))
			b.until("the view did not follow", func() bool { return f.View().Host(mac(2)) != nil })
			b.hears(events)
			b.deployment("n1")
			b.hears(work)
		},
		"facts that come to one process are judged by the other without polling": func(t *testing.T, b *bench) {
			if b.Single() {
				t.Skip("SQLite is for one process")
			}
			b.apply(planOf(1))
			other := b.open(b.dsn)
			due, stop := other.ToVerify()
			defer stop()
			b.background(other.Listener().Run)
			b.hears(due) // that it listens now
			must(b.ChangeMachine(b.ctx(), "n1", look(factsOf(2, 1))))(t)
			b.hears(due)
			same(t, "racks to compare", must(other.RacksToVerify(b.ctx(), "", 10))(t), []string{"r1"})
			judged := map[string]int64{b.machine("n1").ID: b.machine("n1").Version}
			ok(t, other.Verified(b.ctx(), must(other.PlanRevision(b.ctx()))(t), judged))
			same(t, "left to compare", len(must(b.RacksToVerify(b.ctx(), "", 10))(t)), 0)
			ok(t, b.VerifyAgain(b.ctx(), []string{b.machine("n1").ID}))
			b.hears(due)
		},
		"who listens does so again after PostgreSQL broke the connection": func(t *testing.T, b *bench) {
			if b.Single() {
				t.Skip("SQLite has no connections to break")
			}
			c, stop := b.WorkDue()
			defer stop()
			b.background(b.Listener().Run)
			b.hears(c)
			if _, err := b.raw().ExecContext(b.ctx(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'`); err != nil {
				t.Fatal(err)
			}
			b.hears(c) // it says so when it listens again
		},
	}
}

// follow brings a view up to date as the follower does.
func follow(t *testing.T, b *bench, v *boot.View) *boot.View {
	t.Helper()
	if d := must(b.ViewSince(b.ctx(), v.Revision))(t); d != nil {
		return v.With(d)
	}
	t.Fatal("nothing was told")
	return nil
}

func sameHosts(t *testing.T, what string, got, want *boot.View) {
	t.Helper()
	same(t, what+": revision", got.Revision, want.Revision)
	same(t, what+": networks", got.Networks(), want.Networks())
	same(t, what+": hosts", slices.Collect(got.All()), slices.Collect(want.All()))
	same(t, what+": NICs", got.Hosts(), want.Hosts())
	for h := range want.All() {
		same(t, what+": by MAC", got.Host(h.MAC), h)
		same(t, what+": by address", got.HostAt(h.Address), want.HostAt(h.Address))
	}
}

// hears waits for a signal.
func (b *bench) hears(c <-chan struct{}) {
	b.t.Helper()
	select {
	case <-c:
	case <-time.After(20 * time.Second):
		b.t.Fatal("no signal")
	}
}

// background runs a task until the test ends.
func (b *bench) background(run func(context.Context) error) {
	ctx, cancel := context.WithCancel(b.ctx())
	ended := make(chan struct{})
	go func() {
		run(ctx)
		close(ended)
	}()
	b.t.Cleanup(func() {
		cancel()
		<-ended
	})
}

// until waits for a condition.
func (b *bench) until(what string, true func() bool) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx(), 20*time.Second)
	defer cancel()
	for !true() {
		select {
		case <-ctx.Done():
			b.t.Fatal(what)
		case <-time.After(time.Millisecond):
		}
	}
}

// changer changes an inventory at random in every way that it can be.
type changer struct {
	*bench
	random *rand.Rand
	wish   plan.Plan
	seen   int
	did    []string
}

// change does one thing; one that is refused changes nothing, which is as good a case.
func (c *changer) change() string {
	ways := []struct {
		name string
		do   func() error
	}{
		{"plan", c.replan}, {"plan", c.replan}, {"stranger", c.stranger}, {"deployment", c.deploy}, {"operation", c.operation}, {"operation", c.operation},
		{"retire", c.retire}, {"observe", c.observe}, {"adopt", c.adopt}, {"network", c.network}, {"withdraw", c.withdraw},
		{"hold", c.hold}, {"hold", c.hold}, {"hold over", c.endHolds}, {"replace", c.replace},
	}
	w := ways[c.random.IntN(len(ways))]
	word := w.name
	if err := w.do(); err != nil {
		word += " (" + err.Error() + ")"
	}
	c.did = append(c.did, word)
	return w.name
}

func (c *changer) apply() error {
	_, err := c.ApplyPlan(c.ctx(), c.wish, "", "tester")
	return err
}

// one is a random machine of the plan.
func (c *changer) one() *plan.Machine {
	list := c.wish.Racks[0].Machines
	return &list[c.random.IntN(len(list))]
}

// replan swaps two machines' MACs, or gives one another address.
func (c *changer) replan() error {
	a, b := c.one(), c.one()
	if c.random.IntN(2) == 0 {
		a.NICs[0].MAC, b.NICs[0].MAC = b.NICs[0].MAC, a.NICs[0].MAC
	} else {
		a.NICs[0].Address, b.NICs[0].Address = b.NICs[0].Address, a.NICs[0].Address
	}
	return c.apply()
}

func (c *changer) network() error {
	c.wish.Networks = slices.Clone(c.wish.Networks)
	c.wish.Networks[0].MTU = 1500 + c.random.IntN(3)
	return c.apply()
}

func (c *changer) stranger() error {
	c.seen++
	_, err := c.AddStranger(c.ctx(), mac(1000+c.seen), "", "provision")
	return err
}

// adopt plans a machine with the MAC of a stranger, whose record goes.
func (c *changer) adopt() error {
	n := len(c.wish.Racks[0].Machines) + 1
	m := planned(n)
	m.NICs[0].MAC = mac(1000 + c.seen).String()
	c.wish.Racks[0].Machines = append(c.wish.Racks[0].Machines, m)
	err := c.apply()
	if err != nil {
		c.wish.Racks[0].Machines = c.wish.Racks[0].Machines[:n-1]
	}
	return err
}

// withdraw takes the last machine out of the plan and of the inventory.
func (c *changer) withdraw() error {
	list := c.wish.Racks[0].Machines
	if len(list) < 4 {
		return nil
	}
	c.wish.Racks[0].Machines = list[:len(list)-1]
	c.wish.Prune = true
	err := c.apply()
	c.wish.Prune = false
	if err != nil {
		c.wish.Racks[0].Machines = list
	}
	return err
}

func (c *changer) deploy() error {
	c.seen++
	i := debian(fmt.Sprintf("image-%d-%d", c.random.Uint32(), c.seen))
	if err := c.AddImage(c.ctx(), &i, "tester"); err != nil {
		return err
	}
	_, err := c.CreateOperation(c.ctx(), deploy.Deploy, c.one().Name, deploy.Order{Image: i.Name, Digest: i.Digest}, "tester")
	return err
}

// operation moves one that is open to a step and a state at random, or cancels it.
func (c *changer) operation() error {
	open, err := c.Operations(c.ctx(), store.OperationFilter{Open: true})
	if err != nil || len(open) == 0 {
		return err
	}
	o := &open[c.random.IntN(len(open))]
	if c.random.IntN(4) == 0 {
		_, err := c.CancelOperation(c.ctx(), o.ID, "tester")
		return err
	}
	o.Current = c.random.IntN(len(o.Steps))
	o.State = []deploy.State{deploy.Running, deploy.Running, deploy.Parked, deploy.Succeeded, deploy.Failed}[c.random.IntN(5)]
	o.Due = c.clock.Now().Add(time.Hour)
	return c.SaveOperation(c.ctx(), o)
}

func (c *changer) retire() error {
	_, err := c.ChangeMachine(c.ctx(), c.one().Name, setPhase(inventory.Retired))
	return err
}

func (c *changer) hold() error {
	if c.random.IntN(3) == 0 {
		_, err := c.ReleaseHold(c.ctx(), c.one().Name, "tester", true)
		return err
	}
	_, err := c.Hold(c.ctx(), c.one().Name, "a fan rattles", time.Hour, "tester")
	return err
}

func (c *changer) endHolds() error {
	c.clock.Turn(2 * time.Hour)
	return c.EndHolds(c.ctx())
}

// replace puts other hardware in a machine's place, with a port of another MAC or of none
// that is known.
func (c *changer) replace() error {
	c.seen++
	m, err := c.Machine(c.ctx(), c.one().Name)
	if err != nil {
		return err
	}
	r := inventory.Replacement{Part: "machine", Reason: "it broke"}
	if c.random.IntN(2) == 0 {
		r.MACs = map[string]inventory.MAC{m.NICs[0].Name: mac(2000 + c.seen)}
	}
	_, err = c.Replace(c.ctx(), m.ID, r, "tester")
	return err
}

func (c *changer) observe() error {
	_, err := c.ChangeMachine(c.ctx(), c.one().Name, func(m *inventory.Machine) ([]journal.Event, error) {
		m.UUID, m.Power = fmt.Sprintf("uuid-%d", c.random.IntN(3)), inventory.PowerOn
		return nil, nil
	})
	return err
}
