package current

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"rackwright/boot"
	"rackwright/boot/boottest"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/journal"
)

// ladders keeps rungs, the view that follows from them, and when power was changed.
type ladders struct {
	view    *boot.View
	powered time.Time
	away    error
	told    []journal.Event
}

func (l *ladders) SetRung(_ context.Context, model string, was, now boot.Rung, _ string) error {
	if l.view.RungOf(model) != was {
		return fault.Conflictf("it stood elsewhere")
	}
	l.view = l.view.With(&boot.Delta{Revision: l.view.Revision + 1, Models: &boot.Models{Rungs: map[string]boot.Rung{model: now}}})
	return nil
}

func (l *ladders) Powered(_ context.Context, _ string, from, to time.Time) (bool, error) {
	return !l.powered.Before(from) && !l.powered.After(to), l.away
}

func (l *ladders) Record(e journal.Event) {
	if e.Kind == journal.LoaderRung {
		l.told = append(l.told, e)
	}
}

// floor is a machine that boots, and the climber that sees it.
type floor struct {
	*testing.T
	*ladders
	c     *Climber
	host  *boot.Host
	shelf *boot.Loaders
	now   time.Time
}

func newFloor(t *testing.T) *floor {
	f := &floor{T: t, host: &boot.Host{Machine: "m1", Name: "r1-u01", MAC: inventory.MAC{2, 0, 0, 0, 0, 1}, Model: "blade", Firmware: inventory.UEFI}, shelf: boottest.Shelf(t, "shim/shimx64.efi"), now: time.Unix(1e9, 0)}
	f.ladders = &ladders{view: boot.NewView(1, nil, []*boot.Host{f.host})}
	f.c = NewClimber(Climber{View: func() *boot.View { return f.view }, Loaders: f.shelf, Rungs: f.ladders, Journal: f.ladders, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return f.now }})
	return f
}

// boots has the machine fetch its loader, and what comes a while after.
func (f *floor) boots(then map[string]any, kind journal.Kind, after time.Duration) {
	file := boot.Client{Class: boot.PXE, Arch: boot.ArchX64}.Next("", f.view.LoaderOf(f.host), f.shelf)
	f.c.Record(journal.Event{Kind: journal.TFTPSent, Machine: "m1", Detail: map[string]any{"file": file}})
	f.now = f.now.Add(after)
	f.c.Record(journal.Event{Kind: kind, Machine: "m1", Detail: then})
	select {
	case out := <-f.c.outcomes:
		f.c.hear(f.Context(), out)
	default:
	}
}

func (f *floor) fails() {
	f.boots(map[string]any{"message": "DISCOVER", "client": "pxe", "reply": "OFFER", "arch": "uefi-x64"}, journal.DHCPAnswered, time.Minute)
}

func (f *floor) works() {
	f.boots(map[string]any{"file": "grub.cfg", "script": "agent"}, journal.TFTPSent, time.Minute)
}

// waits lets the climber judge what it heard.
func (f *floor) waits() {
	f.now = f.now.Add(hearing)
	f.c.judge(f.Context(), f.now)
}

func (f *floor) stands(what string, want boot.Rung) {
	f.Helper()
	if got := f.view.RungOf("blade"); got != want {
		f.Errorf("%s: %+v, want %+v", what, got, want)
	}
}

func TestALadderIsClimbedUntilALoaderAsksForItsScript(t *testing.T) {
	f := newFloor(t)
	for _, step := range []struct {
		works bool
		want  boot.Rung
	}{
		{false, boot.Rung{}},
		{false, boot.Rung{Kind: boot.Shim}},
		{false, boot.Rung{Kind: boot.Shim}},
		{false, boot.Rung{}}, // that failed too
		{false, boot.Rung{}},
		{false, boot.Rung{Kind: boot.Shim}},
		{true, boot.Rung{Kind: boot.Shim, Worked: true}},
		{false, boot.Rung{Kind: boot.Shim, Worked: true}}, // it is remembered
		{false, boot.Rung{Kind: boot.Shim, Worked: true}},
	} {
		if step.works {
			f.works()
		} else {
			f.fails()
			f.waits()
		}
		f.stands("after a boot", step.want)
	}
	if len(f.told) != 4 {
		t.Fatalf("told: %+v", f.told)
	}
	e := f.told[0]
	if e.Machine != "m1" || e.Name != "r1-u01" || e.Severity() != journal.Warning || e.Detail["model"] != "blade" || e.Detail["loader"] != "shim" || e.Detail["was"] != "built-in" ||
		e.Summary != "the built-in loader failed again and again: machines of model blade are told of shim now" {
		t.Errorf("%+v", e)
	}
	if e := f.told[3]; e.Severity() != journal.Info || e.Summary != "the shim loader worked: it is remembered for model blade" {
		t.Errorf("%+v", e)
	}
}

func TestAPowerCycleHalfwayIsNoFailure(t *testing.T) {
	f := newFloor(t)
	for range 5 {
		f.powered = f.now.Add(30 * time.Second)
		f.fails()
		f.waits()
	}
	f.stands("its power was changed while the loader came", boot.Rung{})
	for range 2 {
		f.fails()
		f.powered = f.now.Add(20 * time.Second) // its BMC confirmed it late
		f.waits()
	}
	f.stands("that was written after the machine was back", boot.Rung{})
	f.away = errors.New("database away")
	for range 2 {
		f.fails()
		f.waits()
	}
	f.stands("nobody can tell", boot.Rung{})
	f.away, f.powered = nil, f.now.Add(-time.Hour)
	for range 2 {
		f.fails()
		f.waits()
	}
	f.stands("it was long before", boot.Rung{Kind: boot.Shim})
}

func TestALoaderThatHungUntilSomebodyCycledItsMachineFailed(t *testing.T) {
	f := newFloor(t)
	for range 2 {
		f.powered = f.now.Add(boot.LoaderTime + time.Minute)
		f.boots(map[string]any{"message": "DISCOVER", "client": "pxe", "reply": "OFFER", "arch": "uefi-x64"}, journal.DHCPAnswered, boot.LoaderTime+2*time.Minute)
		f.waits()
	}
	f.stands("it had its time", boot.Rung{Kind: boot.Shim})
}

func TestASuccessForgivesFailuresThatAreNotJudgedYet(t *testing.T) {
	f := newFloor(t)
	f.fails()
	f.fails()
	f.works()
	f.waits()
	f.stands("it worked in the end", boot.Rung{Worked: true})
}

func TestALoaderThatWasRefusedItsScriptRan(t *testing.T) {
	f := newFloor(t)
	for range 3 {
		f.boots(map[string]any{"file": "script", "reason": "unreachable"}, journal.HTTPRefused, time.Second)
		f.c.Record(journal.Event{Kind: journal.DHCPAnswered, Machine: "m1", Detail: map[string]any{"message": "DISCOVER", "client": "pxe", "reply": "OFFER", "arch": "uefi-x64"}})
		f.waits()
	}
	if f.stands("what stopped it is another's fault", boot.Rung{}); len(f.c.outcomes) > 0 {
		t.Error("a failure was heard")
	}
}

func TestMachinesOfAPinnedModelOrOfBIOSMoveNothing(t *testing.T) {
	f := newFloor(t)
	f.view = f.view.With(&boot.Delta{Revision: 2, Models: &boot.Models{Loaders: map[string]boot.Kind{"blade": boot.Shim}}})
	f.works()
	f.stands("the plan names shim", boot.Rung{})
	f.view = f.view.With(&boot.Delta{Revision: 3, Models: &boot.Models{}})
	f.c.Record(journal.Event{Kind: journal.TFTPSent, Machine: "m1", Detail: map[string]any{"file": "undionly.kpxe"}})
	f.c.Record(journal.Event{Kind: journal.HTTPSent, Machine: "m1", Detail: map[string]any{"file": "script", "script": "agent"}})
	f.c.hear(t.Context(), <-f.c.outcomes)
	f.stands("BIOS has but one", boot.Rung{})
}
