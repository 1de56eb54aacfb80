package rollout

import "time"

// Pipe is what bytes of the image come through on the way to machines: a server, a cache,
// the uplink of a rack.
type Pipe struct {
	Window Window  `json:"window"`
	Using  float64 `json:"using" doc:"Machines that drew on it when last looked"`
	Rate   float64 `json:"rate" doc:"Bytes of the image per second that came through of late"`
}

// Ground is what a rollout needs to know of the world.
type Ground interface {
	// Pipes are what the bytes for a machine come through, by name.
	Pipes(m *Member) []string
	// Power says why a machine may not be started now, "" when it may; flying tells which
	// machines of the rollout are at full power.
	Power(m *Member, flying func(machine string) bool) string
}

// measure takes in how fast machines wrote since the last look, pipe by pipe.
func (f *Fleet) measure(before map[string]Member, g Ground, now time.Time) {
	using, rate := map[string]float64{}, map[string]float64{}
	for i := range f.Members {
		m := &f.Members[i]
		was := before[m.Machine]
		past := now.Sub(was.Seen).Seconds()
		if m.State != Deploying || m.Stage == Boot || was.Stage != Write || past <= 0 || m.Share < was.Share {
			continue
		}
		drew := 1.0
		if m.Stage != Write {
			drew = 0.5 // it came to its end in between
		}
		for _, name := range g.Pipes(m) {
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

// pipe is a pipe by name; one not seen before begins with what another rollout found.
func (f *Fleet) pipe(name string) *Pipe {
	if f.Pipes == nil {
		f.Pipes = map[string]*Pipe{}
	}
	if f.Pipes[name] == nil {
		f.Pipes[name] = &Pipe{Window: NewWindow(0)}
	}
	return f.Pipes[name]
}

// Learn begins with the windows that an earlier rollout found, half as wide: things may
// have changed.
func (f *Fleet) Learn(earlier map[string]*Pipe) {
	for name, p := range earlier {
		if p != nil && p.Window.Mode != Up {
			f.Pipes[name] = &Pipe{Window: NewWindow(p.Window.Size / 2)}
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

// admit picks who begins now: in order, as far as the windows of all pipes on the way and
// the power of the rack allow. What waits says for what.
func (f *Fleet) admit(g Ground, now time.Time) (begin []string) {
	flying, load := map[string]bool{}, map[string]int{}
	for i := range f.Members {
		if m := &f.Members[i]; m.State == Deploying {
			flying[m.Machine] = true
			if m.Stage != Finish {
				for _, name := range g.Pipes(m) {
					load[name]++
				}
			}
		}
	}
	for i := range f.Members {
		m := &f.Members[i]
		if m.State != Waiting || m.Wave != f.Wave || now.Before(m.Next) {
			continue
		}
		pipes := g.Pipes(m)
		if m.Why = f.full(pipes, load); m.Why != "" {
			continue
		}
		if m.Why = g.Power(m, func(id string) bool { return flying[id] }); m.Why != "" {
			f.stuck(m, flying)
			continue
		}
		m.State, m.Stage, m.Share, m.Began, m.Seen, flying[m.Machine] = Deploying, Boot, 0, now, now, true
		begin = append(begin, m.Machine)
		for _, name := range pipes {
			load[name]++
		}
	}
	return begin
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

// stuck skips a machine that power will never be there for: nothing of its rack is in
// motion that could end.
func (f *Fleet) stuck(m *Member, flying map[string]bool) {
	for i := range f.Members {
		if o := &f.Members[i]; o.Rack == m.Rack && flying[o.Machine] {
			return
		}
	}
	m.State = Skipped
}
