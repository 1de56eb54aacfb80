package storetest

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/fleet"
	"rackwright/images"
	"rackwright/store"
)

// rollouts is the chapter about rollouts of images.
func rollouts() chapter {
	return chapter{
		"a rollout is kept, lent, saved and steered":            rolloutKept,
		"two who steer a rollout at once are told":              rolloutStale,
		"a rollout deploys a machine once, whoever asks":        rolloutOnce,
		"an image that a rollout needs is not removed":          rolloutKeepsImage,
		"a rollout and a burn-in do not get the same power":     rolloutPower,
		"a new rollout begins with what the last one found out": rolloutLearns,
		"a cache is told of as long as it says how it stands":   cacheBeats,
	}
}

// fleetOf begins a rollout of the image of fixture machines.
func fleetOf(t *testing.T, b *bench, name string) (*fleet.Fleet, deploy.Order) {
	t.Helper()
	b.apply(planOf(3))
	order := b.image("debian")
	order.UserData = "password: hunter2"
	var members []fleet.Member
	list := must(b.Machines(b.ctx(), store.MachineFilter{}))(t)
	for _, m := range list {
		members = append(members, fleet.Member{Machine: m.ID, Name: m.Name, Rack: "r1", Domain: "r1", State: fleet.Waiting})
	}
	f := must(fleet.New(fleet.Rollout, name, fleet.Terms{AllReady: true, MaxFailures: 5}, members))(t)
	f.Image, f.Digest = order.Image, order.Digest
	ok(t, b.CreateFleet(b.ctx(), f, order, "ann"))
	return f, order
}

func rolloutKept(t *testing.T, b *bench) {
	f, order := fleetOf(t, b, "spring")
	if got := must(b.Fleet(b.ctx(), fleet.Rollout, "spring"))(t); got.ID != f.ID || got.State != fleet.Running || len(got.Members) != len(f.Members) || got.Actor != "ann" {
		t.Errorf("%+v", got)
	}
	if got := must(b.FleetOrder(b.ctx(), f.ID))(t); got.UserData != order.UserData || got.Rollout != f.ID {
		t.Errorf("%+v", got)
	}
	if n := b.count(`SELECT count(*) FROM fleet WHERE order_sealed LIKE '%hunter2%'`); n != 0 {
		t.Error("user-data lies in the clear")
	}
	again := *f
	refused(t, b.CreateFleet(b.ctx(), &again, order, "ann"), fault.Conflict)
	one := must(b.ClaimFleet(b.ctx(), "a", time.Minute))(t)
	if two := must(b.ClaimFleet(b.ctx(), "b", time.Minute))(t); one == nil || two != nil {
		t.Fatalf("lent to two: %v, %v", one, two)
	}
	b.clock.Turn(2 * time.Minute)
	one = must(b.ClaimFleet(b.ctx(), "b", time.Minute))(t)
	one.Wave = 7
	ok(t, b.SaveFleet(b.ctx(), one, b.clock.Now().Add(time.Hour)))
	if got := must(b.Fleet(b.ctx(), fleet.Rollout, f.ID))(t); got.Wave != 7 || got.Version != 2 {
		t.Errorf("%+v", got)
	}
	if due := must(b.ClaimFleet(b.ctx(), "a", time.Minute))(t); due != nil {
		t.Error("it is due before its time")
	}
	got := must(b.SteerFleet(b.ctx(), fleet.Rollout, "spring", "ann", "cancelled", (*fleet.Fleet).Cancel))(t)
	if got.State != fleet.Cancelled || len(must(b.Fleets(b.ctx(), fleet.Rollout, store.Page{}))(t)) != 1 {
		t.Errorf("%+v", got)
	}
	if due := must(b.ClaimFleet(b.ctx(), "a", time.Minute))(t); due != nil {
		t.Error("what has ended is looked after")
	}
	_, err := b.Fleet(b.ctx(), fleet.Rollout, "nobody")
	refused(t, err, fault.NotFound)
}

func rolloutStale(t *testing.T, b *bench) {
	f, _ := fleetOf(t, b, "spring")
	mine := must(b.Fleet(b.ctx(), fleet.Rollout, f.ID))(t)
	must(b.SteerFleet(b.ctx(), fleet.Rollout, f.ID, "ann", "paused", func(f *fleet.Fleet, _ time.Time) error { return f.Pause() }))(t)
	refused(t, b.SaveFleet(b.ctx(), mine, b.clock.Now()), fault.Conflict)
}

func rolloutOnce(t *testing.T, b *bench) {
	f, order := fleetOf(t, b, "spring")
	order.Rollout = f.ID
	var made atomic.Int32
	race(8, func(int) {
		if _, err := b.CreateOperation(b.ctx(), deploy.Deploy, f.Members[0].Machine, order, "rollout spring"); err == nil {
			made.Add(1)
		} else if !fault.Is(err, fault.Conflict) {
			t.Error(err)
		}
	})
	found := must(b.FleetOperations(b.ctx(), f.ID))(t)
	if made.Load() != 1 || len(found) != 1 || found[f.Members[0].Machine] == nil {
		t.Fatalf("%d were made, %d found", made.Load(), len(found))
	}
	must(b.CancelOperation(b.ctx(), found[f.Members[0].Machine].ID, "ann"))(t)
	_, err := b.CreateOperation(b.ctx(), deploy.Deploy, f.Members[0].Machine, order, "rollout spring")
	refused(t, err, fault.Conflict)
	order.Rollout = ""
	must(b.CreateOperation(b.ctx(), deploy.Deploy, f.Members[0].Machine, order, "ann"))(t)
}

func rolloutKeepsImage(t *testing.T, b *bench) {
	f, _ := fleetOf(t, b, "spring")
	_, err := b.RemoveImage(b.ctx(), f.Image, "ann")
	if said := refused(t, err, fault.Conflict); !strings.Contains(said, "rollout spring") {
		t.Errorf("%q does not name the rollout", said)
	}
	must(b.SteerFleet(b.ctx(), fleet.Rollout, "spring", "ann", "cancelled", (*fleet.Fleet).Cancel))(t)
	must(b.RemoveImage(b.ctx(), f.Image, "ann"))(t)
}

func rolloutPower(t *testing.T, b *bench) {
	b.apply(narrowPlan(3))
	o1, r1 := b.burn("n1")
	o2, r2 := b.burn("n2")
	same(t, "n1 burns", must(b.PowerBurnIn(b.ctx(), r1, o1))(t).Fits, true)
	order := b.image("debian")
	var members []fleet.Member
	for _, m := range must(b.Machines(b.ctx(), store.MachineFilter{Names: []string{"n3"}}))(t) {
		members = append(members, fleet.Member{Machine: m.ID, Name: m.Name, Rack: "r1", State: fleet.Waiting})
	}
	f := must(fleet.New(fleet.Rollout, "spring", fleet.Terms{Racks: []string{"r1"}}, members))(t)
	ok(t, b.CreateFleet(b.ctx(), f, order, "ann"))
	order.Rollout = f.ID
	var in atomic.Int32
	race(2, func(i int) {
		switch {
		case i == 0:
			if got, err := b.PowerBurnIn(b.ctx(), r2, o2); err == nil && got.Fits {
				in.Add(1)
			}
		default:
			if _, err := b.CreateOperation(b.ctx(), deploy.Deploy, "n3", order, "rollout spring"); err == nil {
				in.Add(1)
			}
		}
	})
	if in.Load() > 1 {
		t.Error("both got the last power of the rack")
	}
}

func rolloutLearns(t *testing.T, b *bench) {
	f, order := fleetOf(t, b, "spring")
	f.Pipes = map[string]*fleet.Pipe{"the server": {Window: fleet.Window{Size: 80, Mode: fleet.Rest}}}
	ok(t, b.SaveFleet(b.ctx(), f, b.clock.Now()))
	b.clock.Turn(time.Second)
	next := must(fleet.New(fleet.Rollout, "autumn", f.Terms, f.Members))(t)
	ok(t, b.CreateFleet(b.ctx(), next, order, "ann"))
	if p := must(b.Fleet(b.ctx(), fleet.Rollout, "autumn"))(t).Pipes["the server"]; p == nil || p.Window.Size != 40 {
		t.Errorf("%+v", p)
	}
}

func cacheBeats(t *testing.T, b *bench) {
	b.apply(planOf(1))
	c := images.Cache{Name: "c1", URL: "http://10.0.0.9:8088", Rack: "r1", Report: images.CacheReport{Held: 7}}
	if want := must(b.BeatCache(b.ctx(), c, "cache"))(t); len(want) != 0 {
		t.Errorf("it is to fetch %v", want)
	}
	near := must(b.CachesNear(b.ctx(), "r1"))(t)
	if len(near) != 1 || near[0].Name != "c1" || !near[0].Alive || near[0].Site == "" || near[0].Report.Held != 7 {
		t.Fatalf("%+v", near)
	}
	b.clock.Turn(images.CacheLife + time.Second)
	if near := must(b.CachesNear(b.ctx(), "r1"))(t); len(near) != 0 {
		t.Errorf("agents are sent to one that is silent: %+v", near)
	}
	if all := must(b.Caches(b.ctx()))(t); len(all) != 1 || all[0].Alive {
		t.Errorf("%+v", all)
	}
	c.Rack = "nowhere"
	_, err := b.BeatCache(b.ctx(), c, "cache")
	refused(t, err, fault.Invalid)
	c.Name = "Bad Name"
	_, err = b.BeatCache(b.ctx(), c, "cache")
	refused(t, err, fault.Invalid)
	ok(t, b.ForgetCache(b.ctx(), "c1", "ann"))
	refused(t, b.ForgetCache(b.ctx(), "c1", "ann"), fault.NotFound)
}
