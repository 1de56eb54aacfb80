package fleet

// Window is how many machines may draw on one pipe at once. Nobody sets it: it is found by
// watching what comes through. While more machines bring more, it grows; where they do not
// (the knee), it stops. From time to time it tries a smaller and a larger size, and it
// shrinks when the pipe carries less than it did.
type Window struct {
	Size int   `json:"size" doc:"Machines that may draw at once"`
	Mode Mode  `json:"mode" enum:"up,rest,down" doc:"up: more are tried; rest: more brought nothing; down: fewer are tried"`
	Was  int   `json:"was,omitempty" doc:"The size before this try"`
	Ref  Point `json:"ref,omitzero" doc:"What came through then"`

	Sum   Point `json:"sum,omitzero"` // of the looks since the last decision
	Looks int   `json:"looks,omitempty"`
	Left  int   `json:"left,omitempty"`  // decisions until the next try
	Calm  int   `json:"calm,omitempty"`  // how many the last rest had
	Short int   `json:"short,omitempty"` // decisions in a row at which the pipe carried less
	Next  Mode  `json:"next,omitempty"`  // which way the next try goes
}

// Mode is what a window is doing.
type Mode string

// The modes.
const (
	Up   Mode = "up"
	Rest Mode = "rest"
	Down Mode = "down"
)

// Point is what so many machines brought.
type Point struct {
	Machines float64 `json:"machines"`
	Rate     float64 `json:"rate" doc:"Bytes per second, all together"`
}

func (p Point) each() float64 { return p.Rate / p.Machines }

// What decides. They are shares of what is measured, not paces, and hold for any network;
// only the first size is a number of machines.
const (
	firstSize = 16   // of a pipe of which nothing is known: few enough for 1 Gbit/s
	fewest    = 4    // tried: with fewer a pipe is empty while one ends and the next begins
	looksEach = 3    // looks whose mean decides, against noise
	filled    = 0.75 // of the window must be in use, else a look says nothing of its size
	crowded   = 1.2  // of the window in use: what was begun before it shrank has to end first
	worthIt   = 0.5  // of what a machine brings, one more must bring, or one less cost
	fallen    = 0.7  // of what the window brought, and it brings less
	firstRest = 4    // decisions
	maxRest   = 64
)

// newWindow begins small, or with what was found the last time.
func newWindow(size int) Window { return Window{Size: max(firstSize, size), Mode: Up} }

// Look takes in that n machines are drawing bytes at so many per second together, and
// decides when enough was seen.
func (w *Window) Look(n, rate float64) {
	if n < filled*float64(w.Size) || rate <= 0 || w.Mode != Up && n > crowded*float64(w.Size)+1 {
		w.Sum, w.Looks = Point{}, 0
		return
	}
	w.Sum.Machines += n
	w.Sum.Rate += rate
	if w.Looks++; w.Looks < looksEach {
		return
	}
	now := Point{w.Sum.Machines / looksEach, w.Sum.Rate / looksEach}
	w.Sum, w.Looks = Point{}, 0
	switch w.Mode {
	case Rest:
		w.rest(now)
	case Down:
		w.down(now)
	default:
		w.up(now)
	}
}

// up grows as long as more machines bring more: twice as many while nothing is known, a
// quarter more later.
func (w *Window) up(now Point) {
	more := now.Machines - w.Ref.Machines
	switch {
	case w.Ref.Machines > 0 && more < 0.1*w.Ref.Machines:
		return // not grown into yet
	case w.Ref.Machines > 0 && now.Rate-w.Ref.Rate < worthIt*w.Ref.each()*more:
		w.settle(w.Was, Down)
		return
	}
	w.Ref, w.Was = now, max(w.Size, int(now.Machines))
	if w.Size = 2 * w.Was; w.Calm > 0 {
		w.Size = w.Was + max(1, w.Was/4)
	}
}

// down shrinks as long as fewer machines bring as much.
func (w *Window) down(now Point) {
	less := w.Ref.Machines - now.Machines
	if less > 0 && w.Ref.Rate-now.Rate > worthIt*now.each()*less {
		w.settle(w.Was, Up)
		return
	}
	if w.Size <= fewest {
		w.settle(w.Size, Up)
		return
	}
	w.Ref, w.Was = now, w.Size
	w.Size = smaller(w.Size)
}

func smaller(size int) int { return max(min(size, fewest), size*3/4) }

// settle ends a try; the next is later than this one was, and goes the other way.
func (w *Window) settle(size int, next Mode) {
	w.Size, w.Mode, w.Next, w.Was, w.Ref, w.Short = max(1, size), Rest, next, 0, Point{}, 0
	w.Calm = min(max(firstRest, 2*w.Calm), maxRest)
	w.Left = w.Calm
}

// rest stays until the pipe carries less, or it is time to try again.
func (w *Window) rest(now Point) {
	if w.Ref.Machines == 0 {
		w.Ref = now
	}
	if now.Rate < fallen*w.Ref.Rate*min(1, now.Machines/w.Ref.Machines) {
		if w.Short++; w.Short > 1 { // once is chance
			w.Shrink(fallen)
		}
		return
	}
	w.Short = 0
	if w.Left--; w.Left > 0 {
		return
	}
	w.Ref, w.Was, w.Mode = now, w.Size, w.Next
	if w.Mode == Down {
		w.Size = smaller(w.Size)
		return
	}
	w.Size += max(1, w.Size/4)
}

// Shrink makes the window smaller: the pipe carries less than it did, or fails machines.
// Soon it is looked for whether fewer still would do.
func (w *Window) Shrink(to float64) {
	*w = Window{Size: max(1, int(float64(w.Size)*to)), Mode: Rest, Next: Down, Left: 1, Calm: firstRest}
}
