package fleet

import "time"

// Pipe is what bytes of the image come through on the way to machines: a server, a cache,
// the uplink of a rack.
type Pipe struct {
	Window Window  `json:"window"`
	Using  float64 `json:"using" doc:"Machines that drew on it when last looked"`
	Rate   float64 `json:"rate" doc:"Bytes of the image per second that came through of late"`
}

// Ground is what a fleet needs to know of the world.
type Ground interface {
	// Pipes are what the bytes for a machine come through, by name.
	Pipes(m *Member) []string
	// Power says why a machine may not be started now, "" when it may, and whether it ever
	// may; flying tells which machines of the fleet are at full power.
	Power(m *Member, flying func(machine string) bool) (why string, ever bool)
}

// way is what the bytes for a machine come through: nothing where there are none to send.
func (f *Fleet) way(m *Member, g Ground) []string {
	if f.Bytes == 0 {
		return nil
	}
	return g.Pipes(m)
}

// measure takes in how fast machines wrote since the last look, pipe by pipe.
func (f *Fleet) measure(before map[string]Member, g Ground, now time.Time) {
	using, rate := map[string]float64{}, map[string]float64{}
	for i := range f.Members {
		m := &f.Members[i]
		was := before[m.Machine]
		past := now.Sub(was.Seen).Seconds()
		if m.State != Running || m.Stage == Boot || was.Stage != Write || past <= 0 || m.Share < was.Share {
			continue
		}
		drew := 1.0
		if m.Stage != Write {
			drew = 0.5 // it came to its end in between
		}
		for _, name := range f.way(m, g) {
			rate[name] += (m.Share - was.Share) * float64(f.Bytes) / past
			using[name] += drew
		}
	}
	for name, p := range f.Pipes {
		p.Using = using[name]
		if p.Rate += (rate[name] - p.Rate) / 2; rate[name] == 0 {
			p.Rate = 0
		}
		p.Window.Look(p.Using, rate[name])
	}
}

// pipe is a pipe by name; one not seen before begins small.
func (f *Fleet) pipe(name string) *Pipe {
	if f.Pipes == nil {
		f.Pipes = map[string]*Pipe{}
	}
	if f.Pipes[name] == nil {
		f.Pipes[name] = &Pipe{Window: newWindow(0)}
	}
	return f.Pipes[name]
}

// Learn begins with the windows that an earlier fleet found, half as wide: things may
// have changed.
func (f *Fleet) Learn(earlier map[string]*Pipe) {
	for name, p := range earlier {
		if p != nil && p.Window.Mode != Up {
			f.Pipes[name] = &Pipe{Window: newWindow(p.Window.Size / 2)}
		}
	}
}

// drained is how many machines get their image through a pipe while another boots: so many
// may boot beside those that draw, and the pipe is never empty.
func (f *Fleet) drained(p *Pipe) float64 {
	if f.Bytes <= 0 {
		return 0
	}
	return p.Rate / float64(f.Bytes) * f.Pace.Boot.Seconds()
}

// admit picks who begins now: in order, as far as the size of the wave, the windows of all
// pipes on the way and the power of the rack allow. What waits says for what. While a
// machine of another wave runs, because a person retried it, nobody begins.
func (f *Fleet) admit(g Ground, now time.Time) (begin []string) {
	flying, load := map[string]bool{}, map[string]int{}
	for i := range f.Members {
		if m := &f.Members[i]; m.State == Running {
			if m.Wave != f.Wave {
				return nil
			}
			flying[m.Machine] = true
			if m.Stage != Finish {
				for _, name := range f.way(m, g) {
					load[name]++
				}
			}
		}
	}
	for i := range f.Members {
		m := &f.Members[i]
		if m.State != Waiting || m.Wave != f.Wave || now.Before(m.Next) || len(flying) >= f.atOnce() {
			continue
		}
		pipes := f.way(m, g)
		if m.Why = f.full(pipes, load); m.Why != "" {
			continue
		}
		ever := true
		if m.Why, ever = g.Power(m, func(id string) bool { return flying[id] }); m.Why != "" {
			if !ever {
				m.State = Skipped
			}
			continue
		}
		m.State, m.Stage, m.Share, m.Began, m.Seen, flying[m.Machine] = Running, Boot, 0, now, now, true
		begin = append(begin, m.Machine)
		for _, name := range pipes {
			load[name]++
		}
	}
	return begin
}

// atOnce is how many machines of the wave may be in motion.
func (f *Fleet) atOnce() int {
	switch {
	case f.Terms.Size == 0:
		return len(f.Members)
	case f.Wave == 0:
		return f.Terms.Canary
	}
	return f.Terms.Size
}

// full names a pipe that has enough to do, "" for none.
func (f *Fleet) full(pipes []string, load map[string]int) string {
	for _, name := range pipes {
		if p := f.pipe(name); float64(load[name]) >= float64(p.Window.Size)+f.drained(p) {
			return "waits for " + name
		}
	}
	return ""
}
