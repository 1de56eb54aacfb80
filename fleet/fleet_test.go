package fleet

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"rackwright/fault"
)

// open is a world without bounds.
type open struct{}

func (open) Pipes(*Member) []string                          { return []string{"server"} }
func (open) Power(*Member, func(string) bool) (string, bool) { return "", true }

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// members makes machines r1-0 and on in so many racks.
func members(racks, each int, active bool) (out []Member) {
	for r := range racks {
		for m := range each {
			name := fmt.Sprintf("r%d-%d", r+1, m)
			out = append(out, Member{Machine: name, Name: name, Rack: fmt.Sprintf("r%d", r+1), Domain: fmt.Sprintf("r%d", r+1), Active: active, State: Waiting})
		}
	}
	return out
}

func begin(t *testing.T, members []Member, max int) Fleet {
	t.Helper()
	f, err := New(Rollout, "f", Terms{AllReady: true, MaxFailures: max}, members)
	if err != nil {
		t.Fatal(err)
	}
	return *f
}

// all reports the same of every machine in motion.
func all(f Fleet, r Report) map[string]Report {
	out := map[string]Report{}
	for _, m := range f.Members {
		if m.State == Running {
			out[m.Machine] = r
		}
	}
	return out
}

func TestOneOfEachDomainGoesFirstThenAllTheOthers(t *testing.T) {
	f := begin(t, members(3, 4, false), 10)
	f, names := Advance(f, nil, open{}, noon)
	if fmt.Sprint(names) != "[r1-0 r2-0 r3-0]" {
		t.Errorf("first %v", names)
	}
	if f, names = Advance(f, all(f, Report{State: Running, Stage: Write}), open{}, noon); len(names) != 0 {
		t.Errorf("while they are deployed %v", names)
	}
	f, names = Advance(f, all(f, Report{State: Done}), open{}, noon)
	if len(names) != 9 {
		t.Errorf("then %v", names)
	}
	f, _ = Advance(f, all(f, Report{State: Done}), open{}, noon)
	if f.State != Done || f.count(Done) != 12 {
		t.Errorf("%s %v", f.State, f.Counts())
	}
}

func TestWhatIsActiveDoneOneDomainAfterTheOther(t *testing.T) {
	f := begin(t, append(members(1, 2, false), members(2, 3, true)...), 10)
	var waves []string
	for range 20 {
		next, names := Advance(f, all(f, Report{State: Done}), open{}, noon)
		f = next
		if len(names) > 0 {
			waves = append(waves, strings.Join(names, " "))
		}
	}
	if got := strings.Join(waves, "; "); got != "r1-0; r1-1; r1-0; r1-1 r1-2; r2-0; r2-1 r2-2" {
		t.Errorf("waves: %s", got)
	}
}

func TestACanaryThatFailsHaltsAndOneThatSkippedIsReplaced(t *testing.T) {
	f := begin(t, members(2, 3, false), 50)
	f, _ = Advance(f, nil, open{}, noon)
	f, _ = Advance(f, map[string]Report{"r1-0": {State: Failed, Reason: "disk-io", Why: "disk-io: it hurts"}}, open{}, noon)
	if f.State != Halted || !strings.Contains(f.Why, "r1-0") || !strings.Contains(f.Why, "it hurts") {
		t.Errorf("%s: %s", f.State, f.Why)
	}
	if err := f.Resume(); err != nil {
		t.Fatal(err)
	}
	f, names := Advance(f, map[string]Report{"r2-0": {State: Skipped, Why: "gone"}}, open{}, noon)
	if f.State != Running || fmt.Sprint(names) != "[r2-1]" {
		t.Errorf("%s, begins %v", f.State, names)
	}
}

func TestItHaltsWhenTooManyFailAndSaysWhy(t *testing.T) {
	for _, c := range []struct {
		machines, failed, ended, max int
		want                         string
	}{
		{100, 1, 1, 5, ""}, // chance
		{100, 2, 40, 5, ""},
		{100, 2, 3, 5, "so more than 5 % will"},
		{100, 6, 90, 5, "6 of 100"},
		{10, 1, 5, 5, "1 of 10"}, // that is 10 %
		{100, 0, 100, 0, ""},
		{100, 1, 50, 0, "1 of 100"},
	} {
		f := Fleet{Terms: Terms{MaxFailures: c.max}, Members: members(1, c.machines, false)}
		for i := range c.ended {
			if f.Members[i].State = Done; i < c.failed {
				f.Members[i].State, f.Members[i].Reason = Failed, []string{"deadline-dhcp", "disk-io"}[min(i, 1)]
			}
		}
		if got := f.tooMany(); (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("%+v: %q", c, got)
		}
		if c.failed == 6 && !strings.Contains(f.tooMany(), "5 x disk-io (r1-1, r1-2, r1-3, ...); 1 x deadline-dhcp (r1-0)") {
			t.Error(f.tooMany())
		}
	}
}

func TestAMachineThatWaitingIsWaitedForButNotForever(t *testing.T) {
	f := begin(t, members(1, 2, false), 50)
	now := noon
	f, _ = Advance(f, nil, open{}, now)
	for f.Members[0].State != Skipped {
		f, _ = Advance(f, map[string]Report{"r1-0": {State: Waiting, Why: "held by ann"}}, open{}, now)
		if now = now.Add(busyAgain); now.Sub(noon) > 2*busyFor {
			t.Fatalf("still %+v", f.Members[0])
		}
		if f.Members[0].State == Waiting {
			f, _ = Advance(f, nil, open{}, now)
		}
	}
	if !strings.Contains(f.Members[0].Why, "held by ann") {
		t.Errorf("%+v", f.Members[0])
	}
}

// dark has power for nobody.
type dark struct{ open }

func (dark) Power(*Member, func(string) bool) (string, bool) { return "feed A carries no more", false }

func TestWhereThereNeverIsPowerNobodyWaits(t *testing.T) {
	f := begin(t, members(1, 3, false), 5)
	f, names := Advance(f, nil, dark{}, noon)
	if len(names) != 0 || f.count(Skipped) != 3 || f.State != Done {
		t.Errorf("%v %s %v", names, f.State, f.Counts())
	}
}

func TestSteering(t *testing.T) {
	f := begin(t, members(1, 3, false), 5)
	f, _ = Advance(f, nil, open{}, noon)
	if err := f.Pause(); err != nil {
		t.Fatal(err)
	}
	f, names := Advance(f, all(f, Report{State: Done}), open{}, noon)
	if len(names) != 0 || f.State != Paused || f.count(Done) != 1 {
		t.Errorf("paused: %v %s %v", names, f.State, f.Counts())
	}
	if err := f.Pause(); !fault.Is(err, fault.Conflict) {
		t.Errorf("twice: %v", err)
	}
	if err := f.Cancel(noon); err != nil || f.State != Cancelled || f.Follows() {
		t.Errorf("%v %s", err, f.State)
	}
	if err := f.Resume(); !fault.Is(err, fault.Conflict) {
		t.Errorf("resumed what was cancelled: %v", err)
	}
	for _, bad := range []Terms{{}, {AllReady: true, MaxFailures: 101}} {
		if _, err := New(Rollout, "f", bad, members(1, 1, false)); !fault.Is(err, fault.Invalid) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	if _, err := New(Rollout, "f", Terms{AllReady: true}, nil); !fault.Is(err, fault.Conflict) {
		t.Errorf("nobody: %v", err)
	}
}
