package watch

import (
	"testing"
	"time"

	"rackwright/inventory"
)

// parts is a task, and its machine whose parts are due.
func parts(t *testing.T) (*Task, *inventory.Machine, func(time.Duration)) {
	t.Helper()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	task := &Task{Now: func() time.Time { return now }, looked: map[string]*look{}}
	m := &inventory.Machine{ID: "m1", Phase: inventory.Discovered}
	if !task.takeParts(m) {
		t.Fatal("the parts of a discovered machine are not due")
	}
	return task, m, func(d time.Duration) { now = now.Add(d) }
}

func TestPartsThatMayHaveChangedWhileTheyWereReadAreReadAgain(t *testing.T) {
	task, m, _ := parts(t)
	task.stale(m)
	task.rememberParts(m, true)
	if !task.takeParts(m) {
		t.Fatal("what an operation may have changed is not read")
	}
	task.rememberParts(m, true)
	if task.takeParts(m) {
		t.Error("the parts are read a third time")
	}
}

func TestPartsThatCouldNotBeReadAreSoonTriedAgainAndThenLessOften(t *testing.T) {
	task, m, pass := parts(t)
	for try := range 20 {
		task.rememberParts(m, false)
		wait := min(again<<try, rarely)
		if try > 10 {
			wait = rarely
		}
		if pass(wait - time.Second); task.takeParts(m) {
			t.Errorf("try %d: within %s", try, wait)
		}
		if pass(time.Second); !task.takeParts(m) {
			t.Errorf("try %d: not after %s", try, wait)
		}
	}
	task.rememberParts(m, true)
	if pass(daily - time.Second); task.takeParts(m) {
		t.Error("the parts are read twice a day")
	}
}
