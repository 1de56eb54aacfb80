package storetest

import (
	"strings"
	"testing"
	"time"

	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/journal"
	"rackwright/store"
)

func operations() chapter {
	return chapter{
		"an operation is planned, queued and read back with every field": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			order := b.image("debian-12")
			order.SSHKeys, order.UserData = []string{"ssh-ed25519 AAAA a@b"}, "#cloud-config\n"
			o := must(b.CreateOperation(b.ctx(), deploy.Deploy, "n1", order, "alice"))(t)
			if o.State != deploy.Queued || len(o.Steps) == 0 || o.Name != "n1" || o.Actor != "alice" || o.Version != 1 || !o.Created.Equal(b.clock.Now()) || !o.Due.Equal(o.Created) {
				t.Errorf("made %+v", o)
			}
			got := must(b.Operation(b.ctx(), o.ID))(t)
			same(t, "as read", got, o)
			same(t, "order", got.Order, order)
			same(t, "by id in capitals", must(b.Operation(b.ctx(), strings.ToUpper(o.ID)))(t), o)
			same(t, "events", b.count("SELECT count(*) FROM event WHERE kind = 'op.state'"), 1)
			for _, id := range []string{"nonsense", "00000000-0000-7000-8000-000000000000"} {
				_, err := b.Operation(b.ctx(), id)
				refused(t, err, fault.NotFound)
			}
		},
		"what a worker saves is read back with every field": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			b.deployment("n1")
			o := b.claim("w")
			b.clock.Turn(time.Second)
			o.State, o.Current, o.Reason, o.Message, o.Hint, o.Disk, o.Turn = deploy.Parked, 3, "deadline-dhcp", "no packet", "look at the cable", "D1", 2
			o.Due = b.clock.Now().Add(time.Minute)
			o.Steps[3] = deploy.Step{Name: deploy.StepDHCP, Title: "DHCP", State: deploy.StepDoing, Started: b.clock.Now(), Attempts: 2, Budget: 5,
				Limit: time.Hour, Done: 5, Total: 9, Note: "waits"}
			ok(t, b.SaveOperation(b.ctx(), o, journal.Event{Kind: journal.OpStep, Operation: o.ID, Machine: o.Machine, Summary: "parked"}))
			got := must(b.Operation(b.ctx(), o.ID))(t)
			same(t, "as read", got, o)
			same(t, "due and fence", []any{got.Due, got.Fence}, []any{o.Due, o.Fence})
			same(t, "version", got.Version, 2)
			if !got.Updated.Equal(b.clock.Now()) || !got.Finished.IsZero() {
				t.Errorf("updated %s, finished %s", got.Updated, got.Finished)
			}
			same(t, "its events", len(must(b.Events(b.ctx(), store.EventFilter{Operation: o.ID}))(t)), 2)
		},
		"one that ended has its time of ending and never goes on": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			b.deployment("n1")
			o := b.claim("w")
			o.State = deploy.Failed
			ok(t, b.SaveOperation(b.ctx(), o))
			if got := must(b.Operation(b.ctx(), o.ID))(t); !got.Finished.Equal(b.clock.Now()) {
				t.Errorf("finished %s", got.Finished)
			}
			o.State = deploy.Running
			refused(t, b.SaveOperation(b.ctx(), o), fault.Conflict)
			same(t, "state", must(b.Operation(b.ctx(), o.ID))(t).State, deploy.Failed)
		},
		"a machine that is held refuses a second operation and names the first": func(t *testing.T, b *bench) {
			b.apply(planOf(2))
			first := b.deployment("n1")
			for _, kind := range []deploy.Kind{deploy.Deploy, deploy.Inspect, deploy.Power} {
				order := b.image("debian-12")
				order.Power = "on"
				_, err := b.CreateOperation(b.ctx(), kind, "n1", order, "tester")
				if said := refused(t, err, fault.Conflict); !strings.Contains(said, first.ID) {
					t.Errorf("%q does not name %s", said, first.ID)
				}
			}
			b.deployment("n2")
		},
		"of operations that race for a machine one is made and the others are told which": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			order := b.image("debian-12")
			errs := make([]error, 8)
			race(len(errs), func(i int) {
				kind := []deploy.Kind{deploy.Deploy, deploy.Inspect}[i%2]
				_, errs[i] = b.CreateOperation(b.ctx(), kind, "n1", order, "tester")
			})
			open := must(b.Operations(b.ctx(), store.OperationFilter{Open: true}))(t)
			if len(open) != 1 {
				t.Fatalf("%d operations are open", len(open))
			}
			made := 0
			for _, err := range errs {
				if err == nil {
					made++
				} else if said := refused(t, err, fault.Conflict); !strings.Contains(said, open[0].ID) {
					t.Errorf("%q does not name %s", said, open[0].ID)
				}
			}
			same(t, "made", made, 1)
		},
		"a machine may be powered while its operation is parked": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			b.deployment("n1")
			o := b.claim("w")
			o.State = deploy.Parked
			ok(t, b.SaveOperation(b.ctx(), o))
			must(b.CreateOperation(b.ctx(), deploy.Power, "n1", deploy.Order{Power: "cycle"}, "tester"))(t)
			_, err := b.CreateOperation(b.ctx(), deploy.Inspect, "n1", deploy.Order{}, "tester")
			refused(t, err, fault.Conflict)
		},
		"what cannot be planned is refused and nothing is queued": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			_, err := b.CreateOperation(b.ctx(), deploy.Deploy, "n1", deploy.Order{}, "tester")
			refused(t, err, fault.Invalid)
			_, err = b.CreateOperation(b.ctx(), deploy.Deploy, "n1", deploy.Order{Image: "gone", Digest: "sha256:gone"}, "tester")
			refused(t, err, fault.NotFound)
			_, err = b.CreateOperation(b.ctx(), deploy.Inspect, "nobody", deploy.Order{}, "tester")
			refused(t, err, fault.NotFound)
			same(t, "operations", b.count("SELECT count(*) FROM operation"), 0)
		},
		"operations are listed newest first, by machine, kind and openness": func(t *testing.T, b *bench) {
			b.apply(planOf(3))
			var made []*deploy.Operation
			for _, name := range []string{"n1", "n2", "n3"} {
				b.clock.Turn(time.Second)
				made = append(made, must(b.CreateOperation(b.ctx(), deploy.Inspect, name, deploy.Order{}, "tester"))(t))
			}
			must(b.CancelOperation(b.ctx(), made[0].ID, "tester"))(t)
			b.clock.Turn(time.Second)
			made = append(made, must(b.CreateOperation(b.ctx(), deploy.Power, "n1", deploy.Order{Power: "on"}, "tester"))(t))
			for _, c := range []struct {
				f    store.OperationFilter
				want []int
			}{
				{store.OperationFilter{}, []int{3, 2, 1, 0}},
				{store.OperationFilter{Open: true}, []int{3, 2, 1}},
				{store.OperationFilter{Machine: "n1"}, []int{3, 0}},
				{store.OperationFilter{Machine: made[1].Machine}, []int{1}},
				{store.OperationFilter{Kinds: []string{"inspect"}, Limit: 2}, []int{2, 1}},
				{store.OperationFilter{Machine: "nobody"}, nil},
			} {
				var got, want []string
				for _, o := range must(b.Operations(b.ctx(), c.f))(t) {
					got = append(got, o.ID)
				}
				for _, i := range c.want {
					want = append(want, made[i].ID)
				}
				same(t, "listed", got, want)
			}
		},
		"the deeds of a step and its events are written together or not at all": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			b.deployment("n1")
			o := b.claim("w")
			o.Message = "lost"
			err := b.SaveOperation(b.ctx(), o, journal.Event{Kind: journal.OpStep, Operation: "no id at all", Summary: "lost"})
			if isPostgres(b.dsn) && err == nil { // SQLite has no type for ids
				t.Error("an event of no operation was written")
			}
			if err != nil {
				same(t, "message", must(b.Operation(b.ctx(), o.ID))(t).Message, "")
			}
		},
		"a machine in another's order is left alone": func(t *testing.T, b *bench) {
			b.apply(planOf(2))
			b.deployment("n1")
			same(t, "phase", b.machine("n2").Phase, inventory.Planned)
			same(t, "open on n2", len(must(b.Operations(b.ctx(), store.OperationFilter{Machine: "n2"}))(t)), 0)
		},
	}
}
