package bmctest

import (
	"context"
	"slices"
	"testing"
	"time"

	"rackwright/bmc"
	"rackwright/fault"
)

// Upgrade is firmware for the suite to install: of which component, and the version that
// runs when it is done. Reset says that it takes effect at the machine's next start.
type Upgrade struct {
	Update             bmc.Update
	Component, Version string
	Reset              bool
}

// caretaker is the contract of Updater, Readings, Logbook and Announcer. Of those a BMC may
// lack each, unless hooks.With names it; it then says Invalid with a hint.
func (s suite) caretaker(t *testing.T) {
	t.Run("firmware is listed once each and agrees with the facts", s.components)
	t.Run("an update for a part that is not there is refused", s.strangeTarget)
	t.Run("a task nobody knows is lost", s.strangeTask)
	t.Run("an update is followed to its end from another session", s.upgrade)
	t.Run("readings are sane", s.readings)
	t.Run("the log is bounded and newest first", s.log)
	t.Run("what happens is logged", s.logged)
	t.Run("a subscription is made once and ended twice", s.subscription)
	t.Run("events go to https only", s.plainDestination)
	t.Run("a stream tells what happens and ends with its context", s.stream)
	t.Run("the log is cleared", s.clearLog)
}

// may skips what a BMC lacks, and fails where it must not or where it lacks it rudely.
func (s suite) may(t *testing.T, g Group, err error) {
	t.Helper()
	switch {
	case slices.Contains(s.hooks.Without, g):
		if !fault.Is(err, fault.Invalid) || fault.HintOf(err) == "" {
			t.Errorf("a BMC without %s answers %v (%s), want Invalid with a hint", g, err, fault.HintOf(err))
		}
		t.SkipNow()
	case err == nil:
	case fault.Is(err, fault.Invalid) && fault.HintOf(err) != "" && !slices.Contains(s.hooks.With, g):
		t.Skipf("this BMC has none: %v", err)
	default:
		t.Fatalf("%s: %v (%s)", g, err, fault.HintOf(err))
	}
}

// wait looks until a condition holds or the time for one call is over.
func (s suite) wait(t *testing.T, what string, holds func(context.Context) bool) {
	t.Helper()
	ctx := s.context(t)
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for !holds(ctx) {
		select {
		case <-again.C:
		case <-ctx.Done():
			t.Fatalf("it never came true that %s", what)
		}
	}
}

func (s suite) components(t *testing.T) {
	c := s.dial(t)
	all, err := c.Components(s.context(t))
	s.may(t, Updates, err)
	versions := map[string]string{}
	for _, o := range all {
		if o.Name == "" || o.Version == "" {
			t.Errorf("component %+v without a name or a version", o)
		}
		if _, twice := versions[o.Name]; twice {
			t.Errorf("component %s is listed twice", o.Name)
		}
		versions[o.Name] = o.Version
	}
	f, err := c.Facts(s.context(t))
	ok(t, "Facts", err)
	for _, v := range f.Versions {
		if got, listed := versions[v.Component]; !listed || got != v.Version {
			t.Errorf("the facts have %s %s, the components %q", v.Component, v.Version, got)
		}
	}
}

func (s suite) strangeTarget(t *testing.T) {
	c := s.dial(t)
	_, err := c.Components(s.context(t))
	s.may(t, Updates, err)
	u := Firmware("no-such-part", "1")
	u.Targets = []string{"no-such-part"}
	if _, err := c.StartUpdate(s.context(t), u); !fault.Is(err, fault.Invalid) || fault.HintOf(err) == "" {
		t.Errorf("StartUpdate = %v (%s), want Invalid with a hint", err, fault.HintOf(err))
	}
}

func (s suite) strangeTask(t *testing.T) {
	c := s.dial(t)
	const id = "/redfish/v1/TaskService/Tasks/no-such-task"
	task, err := c.Task(s.context(t), id)
	s.may(t, Updates, err)
	if task.State != bmc.TaskLost || task.ID != id {
		t.Errorf("Task = %+v, want it lost", task)
	}
}

func (s suite) upgrade(t *testing.T) {
	up := s.hooks.Upgrade
	if up.Component == "" {
		t.Skip("no firmware given that it takes")
	}
	c := s.dial(t)
	task, err := c.StartUpdate(s.context(t), up.Update)
	ok(t, "StartUpdate", err)
	other := s.dial(t)
	if up.Reset {
		s.wait(t, "the update waits for a reset", func(ctx context.Context) bool {
			task, err = other.Task(ctx, task.ID)
			ok(t, "Task", err)
			return task.State != bmc.TaskRunning
		})
		if task.State == bmc.TaskWaiting {
			ok(t, "Cycle", other.Cycle(s.context(t)))
		}
	}
	s.wait(t, "the task ends", func(ctx context.Context) bool {
		if task.ID == "" || task.State == bmc.TaskDone || task.State == bmc.TaskLost {
			return true
		}
		task, err = other.Task(ctx, task.ID)
		if err != nil && !fault.Is(err, fault.Unreachable) {
			t.Fatalf("Task: %v", err)
		}
		if task.State == bmc.TaskFailed || task.Percent < 0 || task.Percent > 100 {
			t.Fatalf("task %+v", task)
		}
		return task.State == bmc.TaskDone || task.State == bmc.TaskLost
	})
	s.wait(t, up.Component+" "+up.Version+" runs", func(ctx context.Context) bool {
		all, err := other.Components(ctx)
		return err == nil && slices.ContainsFunc(all, func(o bmc.Component) bool { return o.Name == up.Component && o.Version == up.Version })
	})
	ok(t, "Off", other.Off(s.context(t), 0))
}
