package webhook

import (
	"net/http"
	"strconv"
	"time"
)

// Attempts is how often a delivery is tried before it is given up: over about 31 hours.
const Attempts = 12

// How long is waited between attempts.
const (
	firstWait = 5 * time.Second
	mostWait  = 6 * time.Hour
	// mostPause is how long a receiver that fails is left alone altogether.
	mostPause = 10 * time.Minute
	// mostAsked is how long a receiver may ask to be left alone (Retry-After).
	mostAsked = time.Hour
)

// Wait is how long after a failed attempt, the first being 1, the next is made; false: it is
// given up. chance, 0 to 1, spreads what failed together over a fifth either way.
func Wait(attempt int, chance float64) (time.Duration, bool) {
	if attempt >= Attempts {
		return 0, false
	}
	return spread(grown(attempt, 4, mostWait), chance), true
}

// Pause is how long a receiver that failed so often in a row is told of nothing at all.
func Pause(failures int, chance float64) time.Duration {
	return spread(grown(failures, 2, mostPause), chance)
}

// grown is the first wait, grown by a factor each time.
func grown(n int, factor time.Duration, most time.Duration) time.Duration {
	d := firstWait
	for ; n > 1 && d < most; n-- {
		d *= factor
	}
	return min(d, most)
}

func spread(d time.Duration, chance float64) time.Duration {
	return time.Duration(float64(d) * (0.8 + 0.4*min(max(chance, 0), 1)))
}

// Outcome is what an attempt came to.
type Outcome struct {
	Status int           // of the answer; 0: there was none
	Error  string        // why it failed; never what the receiver said
	After  time.Duration // the receiver asked to be left alone for so long
}

// OK reports whether the receiver took it.
func (o Outcome) OK() bool { return o.Error == "" && o.Status/100 == 2 }

// Gone reports whether the receiver wants no more (RFC 9110 section 15.5.11).
func (o Outcome) Gone() bool { return o.Error != "" && o.Status == http.StatusGone }

// Judge is what an answer means.
func Judge(status int, retryAfter string) Outcome {
	o := Outcome{Status: status}
	switch {
	case status/100 == 2:
		return o
	case status/100 == 3:
		o.Error = "the receiver redirects, which is not followed"
	case status == http.StatusGone:
		o.Error = "the receiver wants no more"
	default:
		o.Error = "the receiver answered " + strconv.Itoa(status)
	}
	if n, err := strconv.Atoi(retryAfter); err == nil && n > 0 && (status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable) {
		o.After = min(time.Duration(min(n, 1<<20))*time.Second, mostAsked)
	}
	return o
}

// Next puts down what an attempt came to, and returns how long the receiver is left alone.
func (d *Delivery) Next(o Outcome, failures int, now time.Time, chance float64) time.Duration {
	d.Attempts++
	d.Status, d.Error = o.Status, o.Error
	if o.OK() {
		d.State, d.Finished, d.Due = Delivered, now, time.Time{}
		return 0
	}
	wait, again := Wait(d.Attempts, chance)
	if !again {
		d.State, d.Finished, d.Due = Dead, now, time.Time{}
	} else {
		d.Due = now.Add(max(wait, o.After))
	}
	return max(Pause(failures, chance), o.After)
}
