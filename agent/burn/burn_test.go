package burn

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rackwright/agent/wire"
	"rackwright/fault"
	"rackwright/inventory"
)

// fakeTest notes when it worked and for how long.
type fakeTest struct {
	idle  bool
	first time.Time
	spent time.Duration
}

func (f *fakeTest) work(ctx context.Context) bool {
	if f.idle {
		return false
	}
	begin := time.Now()
	if f.first.IsZero() {
		f.first = begin
	}
	<-ctx.Done()
	f.spent += time.Since(begin)
	return true
}

func (f *fakeTest) figures() []wire.BurnFact {
	return []wire.BurnFact{{Test: "fake", Name: "x", Value: 1}}
}
func (f *fakeTest) close() {}

// rehearse does rounds of fake tests, in a time that passes by itself.
func rehearse(t *testing.T, o wire.BurnOrder, tests ...*fakeTest) (told []wire.Burned, err error) {
	found := &findings{}
	r := &run{World: World{Root: t.TempDir(), Now: time.Now, Pause: untilTheEnd, Facts: func() inventory.Facts { return inventory.Facts{} }}, order: o, found: found,
		report: func(b wire.Burned) { told = append(told, b) }}
	r.watch = newWatch(r.Root, r.Facts, found)
	r.watch.begin(false)
	for _, f := range tests {
		r.all = append(r.all, f)
	}
	err = r.rounds(t.Context(), r.all)
	return told, err
}

func TestEveryTestIsTouchedEarlyAndTheTimeIsKept(t *testing.T) {
	for _, seconds := range []int{1, 3, 20, 61, 7200} {
		synctest.Test(t, func(t *testing.T) {
			begin := time.Now()
			tests := []*fakeTest{{}, {}, {}, {}}
			told, err := rehearse(t, wire.BurnOrder{Seconds: seconds}, tests...)
			if err != nil {
				t.Fatal(err)
			}
			if took := time.Since(begin); took != time.Duration(seconds)*time.Second {
				t.Errorf("%d seconds took %s", seconds, took)
			}
			share := time.Duration(seconds) * time.Second / 4
			for i, f := range tests {
				if f.first.Sub(begin) > min(6*time.Second, 3*share) || f.first.IsZero() || f.spent < share*8/10 || f.spent > share*12/10 {
					t.Errorf("%d seconds: test %d began after %s and had %s", seconds, i, f.first.Sub(begin), f.spent)
				}
			}
			if last := told[len(told)-1]; last.Seconds != seconds || len(told) > 2*seconds+80 {
				t.Errorf("%d reports, the last of %d seconds", len(told), last.Seconds)
			}
		})
	}
}

func TestOnlyTheRestIsDoneAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		told, err := rehearse(t, wire.BurnOrder{Seconds: 100, Done: 88}, &fakeTest{}, &fakeTest{})
		if took := time.Since(begin); err != nil || took != 12*time.Second || told[len(told)-1].Seconds != 12 {
			t.Errorf("took %s, told %+v, %v", took, told[len(told)-1], err)
		}
	})
}

func TestATestWithoutWorkGivesItsTimeToTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		busy := &fakeTest{}
		if _, err := rehearse(t, wire.BurnOrder{Seconds: 10}, &fakeTest{idle: true}, busy); err != nil || busy.spent != 10*time.Second {
			t.Errorf("%s, %v", busy.spent, err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		if _, err := rehearse(t, wire.BurnOrder{Seconds: 10, Tests: []string{"disk"}}, &fakeTest{idle: true}); !fault.Is(err, fault.Conflict) || fault.HintOf(err) == "" {
			t.Errorf("nothing to work: %v", err)
		}
	})
}

// real is a small machine: two disks that are files, memory of a few pages, no network.
func real(t *testing.T) World {
	t.Helper()
	root := t.TempDir()
	lay(t, root, "proc/meminfo", "MemTotal: 1048576 kB\nMemAvailable: 262144 kB\n")
	w := Here(untilTheEnd)
	w.Root, w.CPUs = root, 2
	pages := 0
	w.Memory = func(int) (Memory, error) {
		if pages++; pages > 2 {
			return Memory{}, errors.New("no more")
		}
		return Memory{Bytes: make([]byte, 64*pageBytes), Release: func() {}}, nil
	}
	var facts inventory.Facts
	for i := range 2 {
		path := filepath.Join(root, fmt.Sprintf("disk%d", i))
		lay(t, root, filepath.Base(path), "")
		if err := os.Truncate(path, 5<<20+4096); err != nil {
			t.Fatal(err)
		}
		facts.Disks = append(facts.Disks, inventory.Disk{Path: path, Serial: fmt.Sprintf("S%d", i), Model: "file", Bytes: 5<<20 + 4096})
	}
	w.Facts = func() inventory.Facts { return facts }
	return w
}

func lay(t *testing.T, root, name, text string) {
	t.Helper()
	path := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestASoundMachinePasses(t *testing.T) {
	w := real(t)
	wrote := 0
	w.Write = func(_ context.Context, d inventory.Disk) (Medium, error) {
		if d.Serial != "S1" {
			return nil, nil
		}
		wrote++
		f, err := os.OpenFile(d.Path, os.O_RDWR, 0)
		return flushed{f}, err
	}
	b, err := Run(t.Context(), w, wire.BurnOrder{Seconds: 1, Tests: []string{"cpu", "memory", "disk", "network"}, Write: true}, func(wire.Burned) {})
	if err != nil || len(b.Errors) > 0 || b.Seconds < 1 || wrote != 1 {
		t.Fatalf("%+v, %v", b, err)
	}
	has := map[string]bool{}
	for _, f := range b.Figures {
		has[strings.TrimSpace(f.Test+" "+f.Part+" "+f.Name)] = true
	}
	for _, want := range []string{"cpu  work", "cpu  slowest_core", "memory  bandwidth", "disk S0 read_linear", "disk S0 read_random", "disk S1 write", "disk S1 wrong_blocks"} {
		if !has[want] {
			t.Errorf("no %s in %+v", want, b.Figures)
		}
	}
	if has["disk S0 write"] {
		t.Error("a disk that is in no permit was written")
	}
	if !strings.Contains(strings.Join(b.Notes, "\n"), "no peer") {
		t.Errorf("notes %v", b.Notes)
	}
}

// flushed is a file as a medium.
type flushed struct{ *os.File }

func (f flushed) Flush() error { return f.Sync() }

func TestAnUnknownTestIsRefused(t *testing.T) {
	if _, err := Run(t.Context(), real(t), wire.BurnOrder{Seconds: 1, Tests: []string{"gpu"}}, func(wire.Burned) {}); !fault.Is(err, fault.Invalid) {
		t.Error(err)
	}
}

// untilTheEnd is a clock on which nothing comes before the end.
func untilTheEnd(ctx context.Context, _ time.Duration) error {
	<-ctx.Done()
	return ctx.Err()
}
