package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/inventory/plan"
	"rackwright/store"
)

func pages() chapter {
	return chapter{
		"racks and devices are read page by page, and what comes and goes meanwhile moves nothing": func(t *testing.T, b *bench) {
			p := plan.Plan{Site: "lab"}
			for i := range 9 {
				name := fmt.Sprintf("a%d", i)
				p.Racks = append(p.Racks, plan.Rack{Name: name, Devices: []plan.Device{{Name: "sw-" + name, Kind: "switch", U: 40}}})
			}
			b.apply(p)
			for _, sort := range []string{"", "name", "-name"} {
				var got, gear []string
				racks, devices := store.Page{Sort: sort, Limit: 2}, store.Page{Sort: sort, Limit: 2}
				for i := range 40 {
					list, more := must(b.RackPage(b.ctx(), racks))(t), must(b.DevicePage(b.ctx(), "", devices))(t)
					if len(list) == 0 {
						break
					}
					for _, r := range list {
						got, racks.After = append(got, r.Name), []string{r.Name}
					}
					for _, d := range more {
						gear, devices.After = append(gear, d.Name), []string{d.Name}
					}
					if i < 3 { // before what was seen, and behind
						b.apply(plan.Plan{Site: "lab", Racks: []plan.Rack{{Name: fmt.Sprintf("a0%s-%d", strings.Trim(sort, "-"), i)}, {Name: fmt.Sprintf("a9%s-%d", strings.Trim(sort, "-"), i)}}})
					}
				}
				old := slices.DeleteFunc(slices.Clone(got), func(n string) bool { return len(n) != 2 })
				want := []string{"a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8"}
				if sort == "-name" {
					slices.Reverse(want)
				}
				same(t, "racks by "+sort, old, want)
				same(t, "devices by "+sort, len(gear), 9)
			}
			_, err := b.RackPage(b.ctx(), store.Page{Sort: "colour"})
			refused(t, err, fault.Invalid)
			_, err = b.RackPage(b.ctx(), store.Page{After: []string{"a", "b"}})
			refused(t, err, fault.Invalid)
		},
		"each operation is seen exactly once while new ones are made and old ones end": func(t *testing.T, b *bench) {
			b.apply(planOf(12))
			var want []string
			for i := 1; i <= 8; i++ {
				want = append(want, must(b.CreateOperation(b.ctx(), deploy.Inspect, fmt.Sprintf("n%d", i), deploy.Order{}, "ann"))(t).ID)
				if i%3 == 0 { // several were made at one time
					b.clock.Turn(time.Second)
				}
			}
			slices.Reverse(want)
			for _, sort := range []string{"-created", "created"} {
				var got []string
				f := store.OperationFilter{Limit: 2}
				f.Sort = sort
				for i := range 12 {
					list := must(b.Operations(b.ctx(), f))(t)
					if len(list) == 0 {
						break
					}
					for _, o := range list {
						got = append(got, o.ID)
						f.After = []string{o.Created.UTC().Format(time.RFC3339Nano), o.ID}
					}
					if i < 2 && sort == "-created" {
						must(b.CreateOperation(b.ctx(), deploy.Inspect, fmt.Sprintf("n%d", 9+i), deploy.Order{}, "ann"))(t)
						must(b.CancelOperation(b.ctx(), want[len(want)-1-i], "ann"))(t)
					}
				}
				seen := slices.DeleteFunc(slices.Clone(got), func(id string) bool { return !slices.Contains(want, id) })
				same(t, sort, seen, want)
				slices.Reverse(want)
			}
			cancelled := must(b.Operations(b.ctx(), store.OperationFilter{States: []string{"cancelled"}}))(t)
			same(t, "cancelled", len(cancelled), 2)
			several := must(b.Operations(b.ctx(), store.OperationFilter{States: []string{"cancelled", "queued"}, Kinds: []string{"inspect", "deploy"}, Rack: "r1"}))(t)
			same(t, "in the rack", len(several), 10)
			same(t, "in another", len(must(b.Operations(b.ctx(), store.OperationFilter{Rack: "r2"}))(t)), 0)
		},
		"machines are read from the end as from the beginning": func(t *testing.T, b *bench) {
			b.apply(planOf(9))
			for name, f := range map[string]store.MachineFilter{"all": {}, "rack": {Rack: "r1"}, "phase": {Phases: []string{"planned"}}, "word": {Text: "acme"}, "both": {Rack: "r1", Text: "acme"}} {
				var there, back []string
				for _, turned := range []bool{false, true} {
					f.Turned, f.Limit, f.After = turned, 2, ""
					for range 10 {
						list, next, err := b.MachinePage(b.ctx(), f)
						ok(t, err)
						for _, m := range list {
							if turned {
								back = append(back, m.Name)
							} else {
								there = append(there, m.Name)
							}
						}
						if f.After = next; next == "" {
							break
						}
					}
				}
				slices.Reverse(back)
				same(t, name, back, there)
				same(t, name, len(there), 9)
			}
		},
		"leases and certificates have pages": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			n := b.provision()
			for i := range 5 {
				must(b.lend(mac(200+i), n, addr(fmt.Sprintf("10.0.0.%d", 100+i))))(t)
			}
			var got []string
			p := store.Page{Limit: 2}
			for range 5 {
				for _, l := range must(b.LeasePage(b.ctx(), store.LeaseFilter{}, p))(t) {
					got, p.After = append(got, l.Address.String()), []string{l.Network, l.Address.String()}
				}
			}
			for want, f := range map[int]store.LeaseFilter{5: {Network: n.Name}, 0: {Network: "other"}, 1: {MAC: mac(203)}} {
				same(t, fmt.Sprintf("%+v", f), len(must(b.LeasePage(b.ctx(), f, store.Page{}))(t)), want)
			}
			same(t, "leases", got, []string{"10.0.0.100", "10.0.0.101", "10.0.0.102", "10.0.0.103", "10.0.0.104"})
		},
	}
}

func onces() chapter {
	of := func(holder, request string) store.Once {
		return store.Once{Caller: "ann", Key: "k1", Holder: holder, Request: request}
	}
	return chapter{
		"a request with a key is done once and its answer kept for a day, sealed": func(t *testing.T, b *bench) {
			if was := must(b.BeginOnce(b.ctx(), of("s1", "r")))(t); was != nil {
				t.Fatalf("begun before: %+v", was)
			}
			was := must(b.BeginOnce(b.ctx(), of("s1", "r")))(t)
			if was == nil || was.Done || was.Broken || was.Request != "r" {
				t.Fatalf("while it runs: %+v", was)
			}
			o := of("s1", "r")
			o.Status, o.Body, o.Header = 202, []byte("told once"), map[string]string{"Location": "/x"}
			ok(t, b.EndOnce(b.ctx(), o))
			was = must(b.BeginOnce(b.ctx(), of("s2", "other")))(t)
			if was == nil || !was.Done || was.Status != 202 || string(was.Body) != "told once" || was.Header["Location"] != "/x" || was.Request != "r" {
				t.Fatalf("afterwards: %+v", was)
			}
			same(t, "in the clear", b.count("SELECT count(*) FROM once WHERE sealed LIKE '%told%'"), 0)
			other := of("s1", "r")
			other.Caller = "bob"
			if was := must(b.BeginOnce(b.ctx(), other))(t); was != nil {
				t.Error("another caller's key is the same key")
			}
			b.clock.Turn(store.OnceFor + time.Minute)
			if was := must(b.BeginOnce(b.ctx(), of("s1", "r")))(t); was != nil {
				t.Errorf("a day later: %+v", was)
			}
			b.clock.Turn(store.OnceFor + time.Minute)
			ok(t, b.Prune(b.ctx()))
			same(t, "rows", b.count("SELECT count(*) FROM once"), 0)
		},
		"one caller has only so many keys, and what is told once is not kept with them": func(t *testing.T, b *bench) {
			must(b.BeginOnce(b.ctx(), of("s1", "r")))(t)
			must(b.raw().ExecContext(b.ctx(), `INSERT INTO once (caller, key, holder, done, sealed, begun_at, until)
				WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
				SELECT caller, 'x' || i, holder, done, sealed, begun_at, until FROM once, n`, store.MostOnce-1))(t)
			o := of("s1", "r")
			o.Key = "one too many"
			_, err := b.BeginOnce(b.ctx(), o)
			refused(t, err, fault.Conflict)
			if !errors.Is(err, store.ErrManyKeys) {
				t.Error(err)
			}
			o.Caller = "bob"
			must(b.BeginOnce(b.ctx(), o))(t)
			o = of("s1", "r")
			o.Status, o.Told = 201, true
			ok(t, b.EndOnce(b.ctx(), o))
			if was := must(b.BeginOnce(b.ctx(), of("s1", "r")))(t); was == nil || !was.Told || !was.Done {
				t.Errorf("%+v", was)
			}
		},
		"it is noted that something was to be written": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			ctx, writes := store.WithWrites(b.ctx())
			must(b.Machine(ctx, "n1"))(t)
			_, err := b.CreateOperation(ctx, deploy.Inspect, "none", deploy.Order{}, "ann")
			refused(t, err, fault.NotFound)
			same(t, "before", writes.Tried(), false)
			must(b.CreateOperation(ctx, deploy.Inspect, "n1", deploy.Order{}, "ann"))(t)
			same(t, "after", writes.Tried(), true)
		},
		"a key whose server is gone says so, and one given back is free": func(t *testing.T, b *bench) {
			must(b.BeginOnce(b.ctx(), of("s1", "r")))(t)
			b.clock.Turn(11 * time.Minute)
			if was := must(b.BeginOnce(b.ctx(), of("s2", "r")))(t); was == nil || !was.Broken || was.Done {
				t.Errorf("%+v", was)
			}
			ok(t, b.DropOnce(b.ctx(), of("s1", "r")))
			if was := must(b.BeginOnce(b.ctx(), of("s2", "r")))(t); was != nil {
				t.Errorf("given back: %+v", was)
			}
			ok(t, b.BreakOnce(b.ctx(), of("s2", "r")))
			if was := must(b.BeginOnce(b.ctx(), of("s2", "r")))(t); was == nil || !was.Broken {
				t.Errorf("broken: %+v", was)
			}
		},
	}
}

func expectations() chapter {
	return chapter{
		"a change that expects another version writes nothing": func(t *testing.T, b *bench) {
			b.apply(planOf(2))
			m := b.machine("n1")
			stale := store.Expect(b.ctx(), "machines", m.Version-1)
			for what, err := range map[string]error{
				"hold":    second(b.Hold(stale, "n1", "fan", time.Hour, "ann")),
				"retire":  second(b.Retire(stale, "n1", inventory.Retirement{Reason: "sold"}, "ann")),
				"inspect": second(b.CreateOperation(stale, deploy.Inspect, "n1", deploy.Order{}, "ann")),
			} {
				refused(t, err, fault.Conflict)
				if !errors.Is(err, store.ErrChanged) {
					t.Errorf("%s: %v", what, err)
				}
			}
			same(t, "version", b.machine("n1").Version, m.Version)
			must(b.Hold(store.Expect(b.ctx(), "machines", m.Version), "n1", "fan", time.Hour, "ann"))(t)
			o := must(b.CreateOperation(b.ctx(), deploy.Inspect, "n2", deploy.Order{}, "ann"))(t)
			_, err := b.CancelOperation(store.Expect(b.ctx(), "operations", o.Version+1), o.ID, "ann")
			refused(t, err, fault.Conflict)
			must(b.CancelOperation(store.Expect(b.ctx(), "operations", o.Version), o.ID, "ann"))(t)
		},
		"operations of many machines are made all or not at all": func(t *testing.T, b *bench) {
			b.apply(planOf(4))
			must(b.CreateOperation(b.ctx(), deploy.Inspect, "n3", deploy.Order{}, "ann"))(t)
			var list []store.Work
			for _, name := range []string{"n4", "n3", "n2", "n1"} {
				list = append(list, store.Work{Kind: deploy.Inspect, Machine: name})
			}
			_, failed, err := b.CreateOperations(b.ctx(), list, "ann")
			refused(t, err, fault.Conflict)
			same(t, "failed", failed, 1)
			same(t, "operations", b.count("SELECT count(*) FROM operation"), 1)
			made, _, err := b.CreateOperations(b.ctx(), []store.Work{list[0], list[2], list[3]}, "ann")
			ok(t, err)
			var names []string
			for _, o := range made {
				names = append(names, o.Name)
			}
			same(t, "made", names, []string{"n4", "n2", "n1"})
		},
	}
}

func second[T any](_ T, err error) error { return err }
