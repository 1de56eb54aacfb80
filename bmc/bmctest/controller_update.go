package bmctest

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"rackwright/bmc"
	"rackwright/fault"
	"rackwright/inventory"
)

// The Updater's calls.
const (
	Components  Op = "components"
	StartUpdate Op = "start-update"
	Task        Op = "task"
)

// maxImage bounds a file that a fake BMC takes.
const maxImage = 1 << 20

// Firmware is a file that a fake BMC takes for a component: bios, bmc, or as in the
// versions of its facts.
func Firmware(component, version string) bmc.Update {
	text := component + " " + version + "\n"
	return bmc.Update{Name: component + ".bin", Size: int64(len(text)), Open: func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(text)), nil
	}}
}

// flashing is firmware on its way into a fake.
type flashing struct {
	bmc.Task
	component, version string
}

// bench is what a fake has of updates.
type bench struct {
	tasks    []*flashing
	versions []inventory.Version // set by updates, before those of the facts
}

// ForgetTasks makes the BMC lose its tasks, as a restart of it does; what they did and what
// is staged stays.
func (b *BMC) ForgetTasks() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, t := range b.bench.tasks {
		t.ID = ""
	}
}

// known is what is known of the machine, as it is now.
func (b *BMC) known() inventory.Facts { b.mu.Lock(); defer b.mu.Unlock(); return b.facts }

// components is the firmware that runs. The caller holds mu.
func (b *BMC) components() []bmc.Component {
	all := slices.Clone(b.bench.versions)
	add := func(v inventory.Version) {
		if v.Version != "" && !slices.ContainsFunc(all, func(o inventory.Version) bool { return o.Component == v.Component }) {
			all = append(all, v)
		}
	}
	add(inventory.Version{Component: "bios", Version: b.facts.System.BIOSVersion})
	for _, v := range b.facts.Versions {
		add(v)
	}
	add(inventory.Version{Component: "bmc", Version: "1.0"})
	out := make([]bmc.Component, 0, len(all))
	for _, v := range all {
		out = append(out, bmc.Component{ID: v.Component, Name: v.Component, Version: v.Version, Updatable: true})
	}
	return out
}

// flash puts firmware in place. The caller holds mu.
func (b *BMC) flash(f *flashing) {
	b.bench.versions = slices.DeleteFunc(b.bench.versions, func(v inventory.Version) bool { return v.Component == f.component })
	b.bench.versions = append(b.bench.versions, inventory.Version{Component: f.component, Version: f.version})
	if f.component == "bios" {
		b.facts.System.BIOSVersion = f.version
	}
	if at := slices.IndexFunc(b.facts.Versions, func(v inventory.Version) bool { return v.Component == f.component }); at >= 0 {
		b.facts.Versions = slices.Clone(b.facts.Versions)
		b.facts.Versions[at].Version = f.version
	}
	f.State, f.Percent, f.Message = bmc.TaskDone, 100, ""
}

// flashStaged is what a start of the machine does. The caller holds mu.
func (b *BMC) flashStaged() {
	for _, t := range b.bench.tasks {
		if t.State == bmc.TaskWaiting {
			b.flash(t)
		}
	}
}

func (c *controller) Components(ctx context.Context) ([]bmc.Component, error) {
	if err := c.called(ctx, Components); err != nil {
		return nil, err
	}
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	return c.b.components(), nil
}

// StartUpdate takes what Firmware makes. The task runs for one look.
func (c *controller) StartUpdate(ctx context.Context, u bmc.Update) (bmc.Task, error) {
	if err := c.called(ctx, StartUpdate); err != nil {
		return bmc.Task{}, err
	}
	component, version, err := readImage(u)
	if err != nil {
		return bmc.Task{}, err
	}
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	all := c.b.components()
	for _, id := range append(slices.Clone(u.Targets), component) {
		if !slices.ContainsFunc(all, func(o bmc.Component) bool { return o.ID == id }) {
			return bmc.Task{}, fault.Invalidf("BMC %s has no firmware %q in its inventory", c.b.access.Address, id).WithHint("list the components")
		}
	}
	f := &flashing{bmc.Task{ID: strconv.Itoa(len(c.b.bench.tasks) + 1), State: bmc.TaskRunning}, component, version}
	if u.OnReset {
		f.State, f.Message = bmc.TaskWaiting, "waiting for a reset"
	}
	c.b.bench.tasks = append(c.b.bench.tasks, f)
	return f.Task, nil
}

func readImage(u bmc.Update) (component, version string, err error) {
	if u.Open == nil {
		return "", "", fault.Invalidf("this BMC takes firmware by a push only").WithHint("give the file")
	}
	r, err := u.Open()
	if err != nil {
		return "", "", fault.Internalf("open firmware %q: %w", u.Name, err).WithHint("import the file anew")
	}
	defer r.Close()
	text, err := io.ReadAll(io.LimitReader(r, maxImage))
	if err != nil || int64(len(text)) != u.Size {
		return "", "", fault.Internalf("firmware %q has %d bytes, not %d: %w", u.Name, len(text), u.Size, err).WithHint("import the file anew")
	}
	if _, err := fmt.Sscanf(string(text), "%s %s", &component, &version); err != nil {
		return "", "", fault.Conflictf("the BMC says that %q is no firmware", u.Name).WithHint("give one for this machine")
	}
	return component, version, nil
}

func (c *controller) Task(ctx context.Context, id string) (bmc.Task, error) {
	if err := c.called(ctx, Task); err != nil {
		return bmc.Task{}, err
	}
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	for _, t := range c.b.bench.tasks {
		if t.ID != id || id == "" {
			continue
		}
		now := t.Task
		if now.State == bmc.TaskRunning {
			now.Percent = 50
			c.b.flash(t)
		}
		return now, nil
	}
	return bmc.Task{ID: id, State: bmc.TaskLost, Message: "the BMC does not know the task"}, nil
}
