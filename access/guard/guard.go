// Package guard says how often one may ask, by address and by caller, and makes whoever
// guesses at secrets wait. It keeps that in memory, bounded, for one process; it neither
// answers nor logs.
package guard

import (
	"crypto/sha256"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits are what a Guard holds to; a zero switches that limit off.
type Limits struct {
	PerAddress float64 // requests per second, in the long run
	PerCaller  float64
	Burst      time.Duration // of requests at once: those of so long
	Wrong      int           // unknown secrets from one address until it has to wait
	Longest    time.Duration // that it has to wait; it begins with a second and doubles with each more
}

// mostKept bounds each table; the entry that was not asked for longest goes first.
const mostKept = 20_000

// Guard counts. It is safe for concurrent use.
type Guard struct {
	limits Limits
	now    func() time.Time

	mu        sync.Mutex
	addresses table[address]
	callers   table[rate.Limiter]
}

// address is what is known of one address.
type address struct {
	asks  *rate.Limiter
	wrong int // unknown secrets of late
	last  time.Time
	until time.Time   // locked
	good  [8][32]byte // digests of the last secrets from there that opened something
	next  int         // of good to be written over
}

// New returns a guard on a clock.
func New(l Limits, now func() time.Time) *Guard {
	return &Guard{limits: l, now: now, addresses: newTable[address](mostKept), callers: newTable[rate.Limiter](mostKept)}
}

// Key is what a request's remote address counts as: IPv4 addresses one by one, IPv6 by the
// network of 64 bits that one host may have all of, and "" for a socket of this host, which
// its permissions guard.
func Key(remote string) string {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		host = remote
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return ""
	}
	if a = a.Unmap().WithZone(""); a.Is4() {
		return a.String()
	}
	p, _ := a.Prefix(64) // of an IPv6 address
	return p.String()
}

// Ask counts a request of an address. It returns how long to wait when that was too much.
func (g *Guard) Ask(key string) time.Duration {
	if key == "" || g.limits.PerAddress <= 0 {
		return 0
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return wait(g.at(key).asks, g.now())
}

// Call counts a request of a caller, by its id.
func (g *Guard) Call(id string) time.Duration {
	if g.limits.PerCaller <= 0 {
		return 0
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return wait(g.callers.get(id, func() *rate.Limiter { return g.limiter(g.limits.PerCaller) }), g.now())
}

// Locked returns how long a secret from an address is not looked at, because of wrong ones
// from there. One that was good from there lately is: who stands behind the same address
// as a guesser goes on.
func (g *Guard) Locked(key, secret string) time.Duration {
	if key == "" || g.limits.Wrong <= 0 {
		return 0
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	a, now := g.at(key), g.now()
	if !now.Before(a.until) || a.until.Sub(now) > g.limits.Longest { // a clock may be set back
		return 0
	}
	digest := sha256.Sum256([]byte(secret))
	for _, good := range a.good {
		if good == digest {
			return 0
		}
	}
	return a.until.Sub(now)
}

// Wrong counts a secret that nobody has.
func (g *Guard) Wrong(key string) {
	if key == "" || g.limits.Wrong <= 0 {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	a, now := g.at(key), g.now()
	if now.Sub(a.last) > g.limits.Longest {
		a.wrong = 0
	}
	a.wrong, a.last = a.wrong+1, now
	if over := a.wrong - g.limits.Wrong; over >= 0 {
		a.until = now.Add(min(g.limits.Longest, time.Second<<min(over, 20)))
	}
}

// Right remembers a secret that opened something, for Locked.
func (g *Guard) Right(key, secret string) {
	if key == "" || g.limits.Wrong <= 0 {
		return
	}
	digest := sha256.Sum256([]byte(secret))
	g.mu.Lock()
	defer g.mu.Unlock()
	a := g.at(key)
	for _, good := range a.good {
		if good == digest {
			return
		}
	}
	a.good[a.next] = digest
	a.next = (a.next + 1) % len(a.good)
}

func (g *Guard) at(key string) *address {
	return g.addresses.get(key, func() *address { return &address{asks: g.limiter(g.limits.PerAddress)} })
}

func (g *Guard) limiter(perSecond float64) *rate.Limiter {
	return rate.NewLimiter(rate.Limit(perSecond), max(1, int(perSecond*g.limits.Burst.Seconds())))
}

// wait takes a token out of a bucket, or says when there will be one.
func wait(l *rate.Limiter, now time.Time) time.Duration {
	r := l.ReserveN(now, 1)
	d := r.DelayFrom(now)
	if d > 0 {
		r.CancelAt(now)
	}
	return d
}
