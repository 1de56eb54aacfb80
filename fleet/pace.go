package fleet

import (
	"slices"
	"time"
)

// Pace is how long the work on machines took, and when the rest is likely done.
type Pace struct {
	Boot   time.Duration `json:"boot_ns,omitempty" doc:"From its order until an agent writes; median"`
	Write  time.Duration `json:"write_ns,omitempty" doc:"Written and read back; median"`
	Finish time.Duration `json:"finish_ns,omitempty" doc:"The rest: until the system phoned home, or the firmware is there; median"`
	Rate   float64       `json:"rate,omitempty" doc:"Bytes of the image per second that all machines write at present"`
	Flying int           `json:"in_motion" doc:"Machines in motion"`
	ETA    time.Time     `json:"eta,omitzero" doc:"When the last is likely done; absent while nothing is known"`
	Booted []float64     `json:"booted_seconds,omitempty" nullable:"false" doc:"Of the machines that began to write last"`
	Taken  []Times       `json:"taken,omitempty" nullable:"false" doc:"Of the machines that were done last"`
}

// remembered is of how many machines the times are kept.
const remembered = 64

// booted takes in how long one machine took from its order until it wrote.
func (p *Pace) booted(d time.Duration) {
	p.Booted = append(slices.Clone(p.Booted[max(0, len(p.Booted)-remembered+1):]), d.Seconds())
	p.Boot = time.Duration(median(p.Booted) * float64(time.Second))
}

// took takes in how long one that is done took from then on.
func (p *Pace) took(t Times) {
	p.Taken = append(slices.Clone(p.Taken[max(0, len(p.Taken)-remembered+1):]), t)
	var write, finish []float64
	for _, t := range p.Taken {
		write, finish = append(write, t.Write.Seconds()), append(finish, t.Finish.Seconds())
	}
	p.Write, p.Finish = time.Duration(median(write)*float64(time.Second)), time.Duration(median(finish)*float64(time.Second))
}

func median(list []float64) float64 {
	list = slices.Clone(list)
	slices.Sort(list)
	return list[len(list)/2]
}

// foresee says when the rest is likely done: those that wait come after each other, so many
// at a time as are in motion now or as a wave has, and the last takes its whole time.
func (f *Fleet) foresee(now time.Time) {
	p := &f.Pace
	p.Flying, p.Rate, p.ETA = f.count(Running), 0, time.Time{}
	for _, pipe := range f.Pipes {
		p.Rate = max(p.Rate, pipe.Rate)
	}
	each := p.Boot + p.Write + p.Finish
	if each <= 0 || f.State != Running || p.Flying == 0 {
		return
	}
	rounds := float64(f.count(Waiting)) / float64(max(p.Flying, f.Terms.Size))
	left := time.Duration(float64(each) * rounds)
	p.ETA = now.Add(left + f.tail(now, each)).Truncate(time.Second)
}

// tail is how long the machine that was begun last still takes.
func (f *Fleet) tail(now time.Time, each time.Duration) time.Duration {
	if f.count(Waiting) > 0 {
		return each
	}
	most := time.Duration(0)
	for i := range f.Members {
		m := &f.Members[i]
		if m.State != Running {
			continue
		}
		left := each
		switch m.Stage {
		case Write:
			left = time.Duration((1-m.Share/2)*float64(f.Pace.Write)) + f.Pace.Finish
		case Finish:
			left = f.Pace.Finish
		}
		most = max(most, left)
	}
	return most
}
