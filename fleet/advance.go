package fleet

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// How long a fleet waits for a machine that something else has, and how often it asks.
const (
	busyFor   = time.Hour
	busyAgain = time.Minute
)

// Advance takes in what became of machines, by machine id, and says which are to be begun
// now; they are marked as begun.
func Advance(f Fleet, reports map[string]Report, g Ground, now time.Time) (Fleet, []string) {
	f.Members, f.Pipes = slices.Clone(f.Members), clonePipes(f.Pipes)
	before := map[string]Member{}
	for i := range f.Members {
		m := &f.Members[i]
		if r, told := reports[m.Machine]; told {
			before[m.Machine] = *m
			f.take(m, r, g, now)
		}
	}
	f.measure(before, g, now)
	if f.State.Ended() {
		return f, nil
	}
	if why := f.tooMany(); why != "" {
		f.Why = why
		if f.State == Running {
			f.State = Halted
		}
	}
	var begin []string
	for range f.Members { // what is skipped makes room, or is a canary that another replaces
		f.settle()
		skipped := f.count(Skipped)
		if f.State == Running {
			begin = append(begin, f.admit(g, now)...)
		}
		if f.count(Skipped) == skipped {
			break
		}
	}
	if f.count(Waiting)+f.count(Running) == 0 && f.State != Halted { // what halted it is a person's to see
		f.State, f.Finished, f.Why = Done, now, f.result()
	}
	f.foresee(now)
	return f, begin
}

// Take takes in what became of machines that were just to be begun, and begins none.
func Take(f Fleet, reports map[string]Report, g Ground, now time.Time) Fleet {
	f.Members, f.Pipes = slices.Clone(f.Members), clonePipes(f.Pipes)
	for i := range f.Members {
		if r, told := reports[f.Members[i].Machine]; told {
			f.take(&f.Members[i], r, g, now)
		}
	}
	return f
}

func clonePipes(pipes map[string]*Pipe) map[string]*Pipe {
	out := maps.Clone(pipes)
	for name, p := range out {
		c := *p
		out[name] = &c
	}
	return out
}

// take writes a report down. A machine that failed may be taken up again by a person.
func (f *Fleet) take(m *Member, r Report, g Ground, now time.Time) {
	if m.State != Running && m.State != Failed {
		return
	}
	if r.Operation != "" {
		m.Operation = r.Operation
	}
	was := m.State
	if m.Stage == Boot && was == Running && r.Boot > 0 {
		f.Pace.booted(r.Boot)
	}
	m.Reason, m.Why = r.Reason, r.Why
	if r.State != Failed {
		m.Forgiven = false
	}
	switch r.State {
	case Running:
		m.State, m.Busy, m.Next = Running, time.Time{}, time.Time{}
		m.Stage, m.Share, m.Seen = r.Stage, r.Share, now
	case Done:
		m.State, m.Stage, m.Share = Done, "", 1
		f.Pace.took(r.Times)
	case Failed:
		if m.State = Failed; was == Running && strings.HasPrefix(r.Reason, "fetch") { // the way of the bytes, not the machine
			for _, name := range f.way(m, g) {
				f.pipe(name).Window.Shrink(0.5)
			}
		}
	case Skipped:
		m.State = Skipped
	case Waiting:
		if m.Busy.IsZero() || now.Sub(m.Next) > busyAgain { // not tried for a while, as in a pause: that counts from now
			m.Busy = now
		}
		m.State, m.Stage, m.Next = Waiting, "", now.Add(busyAgain)
		if now.Sub(m.Busy) >= busyFor {
			m.State, m.Why = Skipped, "it never was free: "+r.Why
		}
	}
}
