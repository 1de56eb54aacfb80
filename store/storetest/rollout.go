package storetest

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"rackwright/deploy"
	"rackwright/deploy/rollout"
	"rackwright/fault"
	"rackwright/images"
	"rackwright/store"
)

// rollouts is the chapter about rollouts of images.
func rollouts() chapter {
	return chapter{
		"a rollout is kept, lent, saved and steered":                   rolloutKept,
		"two who steer a rollout at once are told":                     rolloutStale,
		"a rollout deploys a machine once, whoever asks":               rolloutOnce,
		"a new rollout begins with what the last one found out":        rolloutLearns,
		"a cache is told of as long as it says how it stands":          cacheBeats,
		"a cache is asked to fetch an image until it says that it did": cacheWarms,
	}
}

// fleetOf begins a rollout of the image of fixture machines.
func fleetOf(t *testing.T, b *bench, name string) (*rollout.Fleet, deploy.Order) {
	t.Helper()
	b.apply(planOf(3))
	order := b.image("debian")
	order.UserData = "password: hunter2"
	var members []rollout.Member
	list := must(b.Machines(b.ctx(), store.MachineFilter{}))(t)
	for _, m := range list {
		members = append(members, rollout.Member{Machine: m.ID, Name: m.Name, Rack: "r1", Domain: "r1", State: rollout.Waiting})
	}
	f := must(rollout.New(name, rollout.Terms{AllReady: true, MaxFailures: 5}, members))(t)
	f.Image, f.Digest = order.Image, order.Digest
	ok(t, b.CreateRollout(b.ctx(), f, order, "ann"))
	return f, order
}

func rolloutKept(t *testing.T, b *bench) {
	f, order := fleetOf(t, b, "spring")
	if got := must(b.Rollout(b.ctx(), "spring"))(t); got.ID != f.ID || got.State != rollout.Running || len(got.Members) != len(f.Members) || got.Actor != "ann" {
		t.Errorf("%+v", got)
	}
	if got := must(b.RolloutOrder(b.ctx(), f.ID))(t); got.UserData != order.UserData || got.Rollout != f.ID {
		t.Errorf("%+v", got)
	}
	if n := b.count(`SELECT count(*) FROM rollout WHERE order_sealed LIKE '%hunter2%'`); n != 0 {
		t.Error("user-data lies in the clear")
	}
	again := *f
	refused(t, b.CreateRollout(b.ctx(), &again, order, "ann"), fault.Conflict)
	one := must(b.ClaimRollout(b.ctx(), "a", time.Minute))(t)
	if two := must(b.ClaimRollout(b.ctx(), "b", time.Minute))(t); one == nil || two != nil {
		t.Fatalf("lent to two: %v, %v", one, two)
	}
	b.clock.Turn(2 * time.Minute)
	one = must(b.ClaimRollout(b.ctx(), "b", time.Minute))(t)
	one.Wave = 7
	ok(t, b.SaveRollout(b.ctx(), one, b.clock.Now().Add(time.Hour)))
	if got := must(b.Rollout(b.ctx(), f.ID))(t); got.Wave != 7 || got.Version != 2 {
		t.Errorf("%+v", got)
	}
	if due := must(b.ClaimRollout(b.ctx(), "a", time.Minute))(t); due != nil {
		t.Error("it is due before its time")
	}
	got := must(b.SteerRollout(b.ctx(), "spring", "ann", "aborted", (*rollout.Fleet).Abort))(t)
	if got.State != rollout.Aborted || len(must(b.Rollouts(b.ctx()))(t)) != 1 {
		t.Errorf("%+v", got)
	}
	if due := must(b.ClaimRollout(b.ctx(), "a", time.Minute))(t); due != nil {
		t.Error("what has ended is looked after")
	}
	_, err := b.Rollout(b.ctx(), "nobody")
	refused(t, err, fault.NotFound)
}

func rolloutStale(t *testing.T, b *bench) {
	f, _ := fleetOf(t, b, "spring")
	mine := must(b.Rollout(b.ctx(), f.ID))(t)
	must(b.SteerRollout(b.ctx(), f.ID, "ann", "paused", func(f *rollout.Fleet, _ time.Time) error { return f.Pause() }))(t)
	refused(t, b.SaveRollout(b.ctx(), mine, b.clock.Now()), fault.Conflict)
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
	found := must(b.RolloutOperations(b.ctx(), f.ID))(t)
	if made.Load() != 1 || len(found) != 1 || found[f.Members[0].Machine] == nil {
		t.Fatalf("%d were made, %d found", made.Load(), len(found))
	}
	must(b.CancelOperation(b.ctx(), found[f.Members[0].Machine].ID, "ann"))(t)
	_, err := b.CreateOperation(b.ctx(), deploy.Deploy, f.Members[0].Machine, order, "rollout spring")
	refused(t, err, fault.Conflict)
	order.Rollout = ""
	must(b.CreateOperation(b.ctx(), deploy.Deploy, f.Members[0].Machine, order, "ann"))(t)
}

func rolloutLearns(t *testing.T, b *bench) {
	f, order := fleetOf(t, b, "spring")
	f.Pipes = map[string]*rollout.Pipe{"the server": {Window: rollout.Window{Size: 80, Mode: rollout.Rest}}}
	ok(t, b.SaveRollout(b.ctx(), f, b.clock.Now()))
	b.clock.Turn(time.Second)
	next := must(rollout.New("autumn", f.Terms, f.Members))(t)
	ok(t, b.CreateRollout(b.ctx(), next, order, "ann"))
	if p := must(b.Rollout(b.ctx(), "autumn"))(t).Pipes["the server"]; p == nil || p.Window.Size != 40 {
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

func cacheWarms(t *testing.T, b *bench) {
	_, err := b.WarmCaches(b.ctx(), "sha256:a", nil, "ann")
	refused(t, err, fault.Conflict)
	c := images.Cache{Name: "c1", URL: "http://10.0.0.9:8088"}
	must(b.BeatCache(b.ctx(), c, "cache"))(t)
	for range 2 { // asked twice is asked once
		must(b.WarmCaches(b.ctx(), "sha256:a", nil, "ann"))(t)
	}
	must(b.WarmCaches(b.ctx(), "sha256:b", []string{"c1"}, "ann"))(t)
	_, err = b.WarmCaches(b.ctx(), "sha256:a", []string{"c1", "nobody"}, "ann")
	refused(t, err, fault.NotFound)
	if want := must(b.BeatCache(b.ctx(), c, "cache"))(t); fmt.Sprint(want) != "[sha256:a sha256:b]" {
		t.Errorf("%v", want)
	}
	c.Report.Warming = []images.Warm{{Digest: "sha256:a", Done: 3, Total: 3}, {Digest: "sha256:b", Done: 1, Total: 3}}
	if want := must(b.BeatCache(b.ctx(), c, "cache"))(t); fmt.Sprint(want) != "[sha256:b]" {
		t.Errorf("%v", want)
	}
}
