package deploy

import (
	"math"
	"slices"
	"time"
)

// Progress is how far an operation is, and when it may end if nothing comes between.
type Progress struct {
	Fraction float64   `json:"fraction" minimum:"0" maximum:"1" doc:"Of the time that all steps take"`
	Step     StepName  `json:"step,omitempty" doc:"The step being done"`
	ETA      time.Time `json:"eta,omitzero" doc:"When it may end; absent when it waits for a person"`
	By       Basis     `json:"by,omitempty" enum:"measured,history,usual" doc:"What the ETA is told from: the rate of the step being done, earlier operations of the kind, or what is usual"`
}

// Basis is what an ETA is told from.
type Basis string

// The bases, the best first.
const (
	ByRate    Basis = "measured"
	ByHistory Basis = "history"
	ByUsual   Basis = "usual"
)

// usual is how long steps take where nothing is known of earlier ones.
func usual(o *Operation, s StepName) time.Duration {
	switch s {
	case StepDHCP, StepPower: // firmware trains its memory
		return 2 * time.Minute
	case StepRamdisk:
		return time.Minute
	case StepWrite, StepPhone:
		return 4 * time.Minute
	case StepInstall:
		return 15 * time.Minute
	case StepErase:
		return time.Hour
	case StepBurn:
		if o.Order.Burn != nil {
			return time.Duration(o.Order.Burn.Seconds) * time.Second
		}
	case StepRescue:
		if o.Order.Rescue != nil {
			return time.Duration(o.Order.Rescue.Seconds) * time.Second
		}
	case StepLocate:
		return time.Duration(o.Order.Seconds) * time.Second
	}
	return 5 * time.Second
}

// Durations are how long steps of earlier operations took, in the middle.
type Durations map[StepName]time.Duration

// HowFar tells how far an operation is at a time. took may be nil.
func (o *Operation) HowFar(now time.Time, took Durations) *Progress {
	if o.State == Succeeded {
		return &Progress{Fraction: 1}
	}
	var all, done, left time.Duration
	p := &Progress{By: ByUsual}
	for i := range o.Steps {
		s := &o.Steps[i]
		long := took[s.Name]
		if long > 0 {
			p.By = ByHistory
		} else {
			long = usual(o, s.Name)
		}
		switch {
		case i < o.Current:
			done += long
		case i > o.Current || s.Started.IsZero() || o.State == Queued:
			left += long
		default:
			been, rest := s.rest(now, long)
			done, left = done+been, left+rest
		}
		all = done + left
	}
	if s := o.Step(); s != nil {
		p.Step = s.Name
		if s.Total > 0 && s.Done > 0 {
			p.By = ByRate
		}
	}
	if all > 0 {
		p.Fraction = math.Round(1000*float64(done)/float64(all)) / 1000
	}
	if o.State == Queued || o.State == Running {
		p.ETA = now.Add(left).UTC().Truncate(time.Second)
	} else {
		p.By = ""
	}
	return p
}

// rest is how much of a step that usually takes so long is done, and is left. What says how
// far it is goes on as it went; what takes longer than it should is never all but done.
func (s *Step) rest(now time.Time, long time.Duration) (been, left time.Duration) {
	been = max(now.Sub(s.Started), 0)
	if s.Total > 0 && s.Done > 0 {
		done := min(float64(s.Done)/float64(s.Total), 1)
		return been, time.Duration(float64(been) * (1 - done) / done)
	}
	return been, max(long-been, long/20)
}

// Took is how long the steps of operations that ended well took, in the middle of them.
func Took(list []Operation) Durations {
	all := map[StepName][]time.Duration{}
	for _, o := range list {
		for _, s := range o.Steps {
			if !s.Started.IsZero() && s.Ended.After(s.Started) {
				all[s.Name] = append(all[s.Name], s.Ended.Sub(s.Started))
			}
		}
	}
	out := Durations{}
	for name, times := range all {
		slices.Sort(times)
		out[name] = times[len(times)/2]
	}
	return out
}
