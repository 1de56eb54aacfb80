package fleet

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// net is a modelled network with machines on it: a server, an uplink for each rack, and
// machines that are as fast as their disks. Pipes are shared evenly.
type net struct {
	rand    *rand.Rand
	now     time.Time
	image   float64
	pipes   map[string]float64 // bytes per second
	disk    map[string]float64 // by machine
	state   map[string]*job
	boot    time.Duration
	finish  time.Duration
	noise   float64
	crowded float64 // of its rate a pipe loses when twice as many draw as it carries
	watts   int     // machines of a rack that may be in motion; 0: all
	racks   map[string]string
	moved   float64 // bytes
}

type job struct {
	stage Stage
	until time.Time
	share float64
	at    [3]time.Time // begun, writes, is written
}

const tick = 5 * time.Second

func newNet(seed uint64, server float64, racks, perRack int, uplink, disk float64) (*net, []Member) {
	n := &net{rand: rand.New(rand.NewPCG(seed, 1)), now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), image: 4e9, pipes: map[string]float64{"server": server},
		disk: map[string]float64{}, state: map[string]*job{}, boot: 3 * time.Minute, finish: time.Minute, noise: 0.1, racks: map[string]string{}}
	var members []Member
	for r := range racks {
		rack := fmt.Sprintf("r%02d", r)
		n.pipes["rack "+rack] = uplink
		for m := range perRack {
			id := fmt.Sprintf("%s-%02d", rack, m)
			n.disk[id], n.racks[id] = disk*(0.7+0.6*n.rand.Float64()), rack
			members = append(members, Member{Machine: id, Name: id, Rack: rack, Domain: rack, State: Waiting})
		}
	}
	return n, members
}

func (n *net) Pipes(m *Member) []string { return []string{"rack " + m.Rack, "server"} }

func (n *net) Power(m *Member, flying func(string) bool) (string, bool) {
	if n.watts == 0 {
		return "", true
	}
	in := 0
	for id, rack := range n.racks {
		if rack == m.Rack && flying(id) {
			in++
		}
	}
	if in >= n.watts {
		return "waits for power", true
	}
	return "", true
}

// begin boots a machine.
func (n *net) begin(id string) {
	n.state[id] = &job{stage: Boot, at: [3]time.Time{n.now}, until: n.now.Add(time.Duration((0.7 + 0.6*n.rand.Float64()) * float64(n.boot)))}
}

// pass lets a tick go by.
func (n *net) pass() {
	using := map[string]int{}
	for id, j := range n.state {
		if j.stage == Write {
			using["server"]++
			using["rack "+n.racks[id]]++
		}
	}
	for id, j := range n.state {
		switch {
		case j.stage == Write:
			rate := n.disk[id]
			for _, p := range []string{"server", "rack " + n.racks[id]} {
				rate = math.Min(rate, n.carries(p, using[p])/float64(using[p]))
			}
			part := rate * (1 + n.noise*n.rand.NormFloat64()) * tick.Seconds()
			j.share += math.Max(part, 0) / n.image
			n.moved += part
			if j.share >= 1 {
				j.stage, j.until, j.at[2] = Finish, n.now.Add(n.finish), n.now
			}
		case j.stage == Boot && !n.now.Before(j.until):
			j.stage, j.at[1] = Write, n.now
		}
	}
	n.now = n.now.Add(tick)
}

// carries is the rate of a pipe when so many draw on it.
func (n *net) carries(pipe string, using int) float64 {
	c := n.pipes[pipe]
	over := float64(using)*2e8/c - 1 // some 2e8 each
	if n.crowded > 0 && over > 0 {
		c *= math.Max(0.3, 1-n.crowded*math.Min(over, 2))
	}
	return c
}

func (n *net) reports(f *Fleet) map[string]Report {
	out := map[string]Report{}
	for _, m := range f.Members {
		j := n.state[m.Machine]
		if j == nil || m.State != Running {
			continue
		}
		r := Report{State: Running, Operation: "op " + m.Machine, Stage: j.stage, Share: math.Min(j.share, 1)}
		if j.stage != Boot {
			r.Boot = j.at[1].Sub(j.at[0])
		}
		if j.stage == Finish && !n.now.Before(j.until) {
			r.State, r.Times = Done, Times{Write: j.at[2].Sub(j.at[1]), Finish: n.finish}
		}
		out[m.Machine] = r
	}
	return out
}

// run drives a rollout until it ends; look sees each step.
func (n *net) run(t interface{ Fatalf(string, ...any) }, f *Fleet, look func(f *Fleet)) *Fleet {
	f.Bytes = int64(n.image)
	now := *f
	for range 20_000 {
		next, begin := Advance(now, n.reports(&now), n, n.now)
		for _, id := range begin {
			n.begin(id)
		}
		now = next
		if look != nil {
			look(&now)
		}
		if now.State != Running {
			return &now
		}
		n.pass()
	}
	t.Fatalf("it never ended: %v, wave %d", now.Counts(), now.Wave)
	return nil
}

func fleetOf(t interface{ Fatalf(string, ...any) }, members []Member) *Fleet {
	f, err := New(Rollout, "sim", Terms{AllReady: true, MaxFailures: 5}, members)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return f
}

func TestTheServerIsKeptBusyAndNotCrowded(t *testing.T) {
	for _, c := range []struct {
		name                 string
		server, uplink, disk float64
		knee                 float64 // machines that fill the server
	}{
		{"1 GbE and disks of 200 MB/s", 1.2e8, 1.2e9, 2e8, 1},
		{"10 GbE", 1.2e9, 1.2e9, 2e8, 6},
		{"100 GbE, uplinks of 10 GbE", 1.2e10, 1.2e9, 2e8, 60},
	} {
		n, members := newNet(7, c.server, 25, 40, c.uplink, c.disk)
		start, most := n.now, 0.0
		f := n.run(t, fleetOf(t, members), func(f *Fleet) {
			if f.count(Done) > 300 {
				most = max(most, f.Pipes["server"].Using)
			}
		})
		took := n.now.Sub(start).Seconds()
		ideal := 1000*n.image/c.server + (n.boot + n.finish).Seconds()
		t.Logf("%s: %.0f s, ideal %.0f s; window %d, knee %.0f, at most %.0f at once", c.name, took, ideal, f.Pipes["server"].Window.Size, c.knee, most)
		if f.State != Done || f.count(Done) != 1000 {
			t.Errorf("%s: %s %v", c.name, f.State, f.Counts())
		}
		if took > 1.6*ideal+1200 {
			t.Errorf("%s: it took %.0f s, ideal %.0f s", c.name, took, ideal)
		}
	}
}

func TestAPipeThatCarriesLessIsAskedForLess(t *testing.T) {
	n, members := newNet(3, 4e9, 25, 40, 4e9, 2e8)
	before, after := 0, math.MaxInt
	n.run(t, fleetOf(t, members), func(f *Fleet) {
		switch d := f.count(Done); {
		case d < 400:
			before = f.Pipes["server"].Window.Size
		case d < 900:
			n.pipes["server"] = 4e8
			after = min(after, f.Pipes["server"].Window.Size)
		}
	})
	t.Logf("window %d, then %d", before, after)
	if after > before/2 {
		t.Errorf("the window was %d, and no smaller than %d when a tenth came through", before, after)
	}
}

func TestEveryMachineIsDeployedInAnyNetwork(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		racks, each := rapid.IntRange(1, 8).Draw(t, "racks"), rapid.IntRange(1, 12).Draw(t, "machines")
		n, members := newNet(rapid.Uint64().Draw(t, "seed"), rapid.Float64Range(5e7, 2e10).Draw(t, "server"), racks, each,
			rapid.Float64Range(5e7, 2e9).Draw(t, "uplink"), rapid.Float64Range(2e7, 2e9).Draw(t, "disk"))
		n.noise, n.crowded = rapid.Float64Range(0, 0.3).Draw(t, "noise"), rapid.Float64Range(0, 0.3).Draw(t, "crowded")
		n.watts = rapid.IntRange(0, 3).Draw(t, "watts")
		f := n.run(t, fleetOf(t, members), func(f *Fleet) {
			for name, p := range f.Pipes {
				if p.Window.Size < 1 || p.Window.Size > 8000 {
					t.Fatalf("%s has a window of %d", name, p.Window.Size)
				}
			}
			in := map[string]int{}
			for _, m := range f.Members {
				if m.State == Running {
					in[m.Rack]++
				}
			}
			for rack, k := range in {
				if n.watts > 0 && k > n.watts {
					t.Fatalf("%d machines of %s are in motion, its power is for %d", k, rack, n.watts)
				}
			}
		})
		if f.count(Done) != racks*each {
			t.Fatalf("%v: %s", f.Counts(), f.Why)
		}
	})
}
