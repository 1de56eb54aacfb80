package redfish

import (
	"context"
	"net/http"
	"os"

	"rackwright/fault"
	"rackwright/racksim"
)

// begin starts an update. A file that is here already is begin's to remove.
func (s *Service) begin(o updateOrder) (task, *problem) {
	if !s.updates.busy.TryLock() {
		discard(o)
		return task{}, refuse(http.StatusServiceUnavailable, msgUnavailable, "5")
	}
	t, ok := s.tasks.start("Firmware update")
	if !ok {
		s.updates.busy.Unlock()
		discard(o)
		return t, refuse(http.StatusServiceUnavailable, msgUnavailable, "60")
	}
	s.note(s.bmcLog, updatePath, hapUpdating, t.id)
	s.background(func(ctx context.Context) {
		after := s.update(ctx, t, o)
		s.updates.busy.Unlock()
		if after != nil {
			after()
		}
	})
	return t, nil
}

func discard(o updateOrder) {
	if o.file != "" {
		os.Remove(o.file)
	}
}

// Percentages of a task at its stages.
const (
	percentFetched = 60
	percentProven  = 90
)

// update fetches the file, examines and installs it. What it returns is to be done when the
// task has ended.
func (s *Service) update(ctx context.Context, t task, o updateOrder) func() {
	f, err := s.examine(ctx, t, &o)
	discard(o)
	if ctx.Err() != nil {
		return nil // the BMC restarts: nobody remembers the task
	}
	if err != nil {
		s.fail(t, err)
		return nil
	}
	s.tasks.change(t.id, func(t *task) { t.percent = percentProven })
	return s.install(t, f, o.onReset)
}

func (s *Service) examine(ctx context.Context, t task, o *updateOrder) (f racksim.Firmware, err error) {
	if o.file == "" {
		o.from.progress = func(percent int) {
			s.tasks.change(t.id, func(t *task) { t.percent = percent * percentFetched / 100 })
		}
		if o.file, err = download(ctx, s.MediaDir, "firmware-*.bin", o.from); err != nil {
			return f, err
		}
	}
	s.tasks.change(t.id, func(t *task) { t.percent = percentFetched })
	file, err := os.Open(o.file)
	if err != nil {
		return f, fault.Internalf("firmware file: %w", err)
	}
	defer file.Close()
	if f, err = racksim.ReadFirmware(file); err != nil {
		return f, err
	}
	_, known := s.installed()[f.Component]
	switch {
	case f.Model != "" && f.Model != s.Machine.Model:
		return f, fault.Invalidf("the file is for model %s, this machine is a %s", f.Model, s.Machine.Model)
	case !known:
		return f, fault.Invalidf("this machine has no component %s", f.Component)
	case !wanted(o.targets, f):
		return f, fault.Invalidf("the file is for %s, which is not among the targets", f.Component)
	}
	return f, nil
}

func (s *Service) fail(t task, err error) {
	s.end(t.id, taskFailed, happening{n: hapNotUpdated, args: []any{err.Error()}, origin: updatePath, at: s.now()})
}

// end finishes a task, or makes it wait, and says why.
func (s *Service) end(id, state string, h happening) {
	s.tasks.change(id, func(t *task) { t.state, t.messages = state, append(t.messages, h) })
	s.note(s.bmcLog, h.origin, h.n, h.args...)
}

// install puts the version in place. System firmware always starts with the machine's next
// reset, the BMC's with its own; with OnReset the task waits for it, too, and the BMC restarts
// with the machine.
func (s *Service) install(t task, f racksim.Firmware, onReset bool) func() {
	origin := inventoryPath + "/" + inventoryID(f.Component)
	waits := happening{n: hapWaits, args: []any{f.Version, inventoryID(f.Component)}, origin: origin, at: s.now()}
	if onReset || f.Component == biosKey || f.Component == bmcKey {
		s.memory.change(func(k *kept) { k.Waiting[f.Component] = f.Version })
	}
	switch {
	case onReset:
		s.tasks.change(t.id, func(t *task) { t.waits = f.Component })
		s.end(t.id, taskPending, waits)
	case f.Component == biosKey:
		s.end(t.id, taskDone, waits)
	case f.Component == bmcKey:
		s.end(t.id, taskDone, waits)
		return s.restart
	default:
		s.memory.change(func(k *kept) {
			k.Versions[f.Component] = f.Version
			delete(k.Waiting, f.Component)
		})
		s.end(t.id, taskDone, happening{n: hapUpdated, args: []any{inventoryID(f.Component), f.Version}, origin: origin, at: s.now()})
	}
	return nil
}

// waits tells whether a version of the component waits for a reset.
func (s *Service) waits(component string) (yes bool) {
	s.memory.look(func(k *kept) { _, yes = k.Waiting[component] })
	return yes
}

// started makes waiting versions the running ones: the BMC's when it restarts, all others
// when the machine does.
func (s *Service) started(bmc bool) {
	now := map[string]string{}
	s.memory.look(func(k *kept) {
		for component, version := range k.Waiting {
			if (component == bmcKey) == bmc {
				now[component] = version
			}
		}
	})
	if len(now) == 0 {
		return
	}
	s.memory.change(func(k *kept) {
		for component, version := range now {
			k.Versions[component] = version
			delete(k.Waiting, component)
		}
	})
	for component, version := range now {
		origin := inventoryPath + "/" + inventoryID(component)
		h := happening{n: hapUpdated, args: []any{inventoryID(component), version}, origin: origin, at: s.now()}
		s.tasks.reset(component, func(t *task) { t.state, t.messages = taskDone, append(t.messages, h) })
		s.note(s.bmcLog, origin, h.n, h.args...)
	}
}
