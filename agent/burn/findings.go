package burn

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"rackwright/agent/wire"
)

// findings are what went wrong and what could not be worked, in the order they came. Each
// is about one thing: a later one about it takes its place, with a higher count.
type findings struct {
	mu            sync.Mutex
	errors, notes []finding
}

type finding struct{ about, text string }

// wrong says what went wrong with a thing.
func (f *findings) wrong(about, format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.errors = put(f.errors, about, fmt.Sprintf(format, args...))
}

// note says what is no error.
func (f *findings) note(about, format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.notes = put(f.notes, about, fmt.Sprintf(format, args...))
}

func put(list []finding, about, text string) []finding {
	text = strings.ToValidUTF8(text[:min(len(text), wire.MaxBurnLine)], "")
	if i := slices.IndexFunc(list, func(f finding) bool { return f.about == about }); i >= 0 {
		list[i].text = text
		return list
	}
	if len(list) == wire.MaxBurnErrors {
		return list
	}
	return append(list, finding{about, text})
}

func (f *findings) told() (errors, notes []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	texts := func(list []finding) (out []string) {
		for _, one := range list {
			out = append(out, one.text)
		}
		return out
	}
	return texts(f.errors), texts(f.notes)
}

// clock adds up time between looks at it.
type clock struct {
	mu   sync.Mutex
	last time.Time
	all  time.Duration
}

func (c *clock) start(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = now
}

func (c *clock) tick(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all += max(now.Sub(c.last), 0)
	c.last = now
}

func (c *clock) sum() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.all
}

// perSecond is a rate, 0 before any time has passed.
func perSecond(n float64, d time.Duration) float64 {
	if d <= 0 {
		return 0
	}
	return n / d.Seconds()
}

// times words a count.
func times(n int64) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
