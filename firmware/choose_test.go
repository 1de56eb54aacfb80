package firmware_test

import (
	"fmt"
	"strings"
	"testing"

	"rackwright/firmware"
	"rackwright/inventory"
)

// machine is an Acme X1 with versions that it has and is to have: "bios 1>2, bmc 3".
func machine(versions string) firmware.Machine {
	m := firmware.Machine{ID: "m", Name: "n1", Rack: "r1", Model: "x1", Models: []string{"x1", "Acme X1"}, Vendors: []string{"Acme Inc."}, BMC: true}
	for item := range strings.SplitSeq(versions, ", ") {
		component, v, _ := strings.Cut(item, " ")
		have, want, planned := strings.Cut(v, ">")
		if have != "" {
			m.Have = append(m.Have, inventory.Version{Component: component, Version: have})
		}
		if planned {
			m.Baseline = append(m.Baseline, inventory.Version{Component: component, Version: want})
		}
	}
	return m
}

// files reads a line each: "NAME COMPONENT VERSION [from=a,b] [needs=c=1] [reset=none]".
func files(t *testing.T, text string) (out []firmware.File) {
	t.Helper()
	for line := range strings.Lines(strings.TrimSpace(text)) {
		w := strings.Fields(line)
		f := firmware.File{Name: w[0], Component: w[1], Version: w[2], Vendor: "Acme", Models: []string{"x1"}, Original: w[0] + ".bin", Digest: "sha256:" + w[0], Size: 1}
		for _, option := range w[3:] {
			switch key, value, _ := strings.Cut(option, "="); key {
			case "from":
				f.From = strings.Split(value, ",")
			case "needs":
				n, err := firmware.ParseNeed(value)
				if err != nil {
					t.Fatal(err)
				}
				f.Requires = append(f.Requires, n)
			case "reset":
				f.Reset = firmware.Reset(value)
			case "models":
				f.Models = strings.Split(value, ",")
			}
		}
		if err := f.Complete(); err != nil {
			t.Fatal(line, err)
		}
		out = append(out, f)
	}
	return out
}

func told(c firmware.Choice) string {
	var out []string
	for _, p := range c.Picks {
		out = append(out, fmt.Sprintf("%d:%s", p.Stage, p.File))
	}
	for _, l := range c.Lacks {
		out = append(out, fmt.Sprintf("(%s %s: %s)", l.Component, l.To, l.Why))
	}
	return strings.Join(out, " ")
}

func TestTheFilesOfAMachineAreChosenInOrder(t *testing.T) {
	for _, c := range []struct{ name, machine, files, want string }{
		{"nothing to do", "bios 2>2, bmc 3>3", "b2 bios 2", ""},
		{"one file", "bios 1>2", "b2 bios 2", "1:b2"},
		{"the BMC first, though the baseline names it last", "bios 1>2, bmc 1>3", "b2 bios 2\nc3 bmc 3", "1:c3 1:b2"},
		{"several share a reset", "bios 1>2, nic 5>6, drive 7>8", "b2 bios 2\nn6 nic 6\nd8 drive 8", "1:b2 1:n6 1:d8"},
		{"an intermediate version on the way", "bios 1.0>3.0", "b2 bios 2.0 from=1.*\nb3 bios 3.0 from=2.0", "1:b2 2:b3"},
		{"the shortest way", "bios 1.0>3.0", "b2 bios 2.0\nb3 bios 3.0", "1:b3"},
		{"a need that its baseline meets", "bios 1>2, bmc 1>3", "b2 bios 2 needs=bmc=2\nc3 bmc 3", "1:c3 1:b2"},
		{"a need outside the baseline is met by the lowest that will do", "bios 1>2, cpld 1", "b2 bios 2 needs=cpld=2\np3 cpld 3\np2 cpld 2", "1:p2 2:b2"},
		{"needs that cross are met by an intermediate", "bios 1.0>2.0, bmc 1>3", "b15 bios 1.5\nb2 bios 2.0 needs=bmc=3\nc3 bmc 3 needs=bios=1.5", "1:b15 2:c3 2:b2"},
		{"what needs no reset is in nobody's way", "bios 1>2, drive 7>8", "b2 bios 2\nd8 drive 8 reset=none", "1:b2 1:d8"},
		{"the other way when the short one's need cannot be met", "bios 1>3", "b3a bios 3 needs=cpld=9\nb2 bios 2\nb3 bios 3 from=2", "1:b2 2:b3"},
		{"no file", "bios 1>2", "c3 bmc 3", "(bios 2: no file has bios 2 for this machine)"},
		{"no way", "bios 1>3", "b3 bios 3 from=2", "(bios 3: no file leads from 1: b3 goes on 2 only)"},
		{"a need that nobody can meet", "bios 1>2, bmc 1", "b2 bios 2 needs=bmc=2", "(bios 2: b2 needs bmc 2 or later: no file has it)"},
		{"a need against the baseline", "bios 1>2, bmc 1>1", "b2 bios 2 needs=bmc=2\nc2 bmc 2", "(bios 2: b2 needs bmc 2 or later: the baseline is 1)"},
		{"needs in a circle", "bios 1>2, bmc 1>2", "b2 bios 2 needs=bmc=2\nc2 bmc 2 needs=bios=2",
			"(bmc 2: c2 needs bios 2 or later: b2 needs bmc 2 or later: it is needed by what it needs itself) (bios 2: b2 needs bmc 2 or later: c2 needs bios 2 or later: it is needed by what it needs itself)"},
		{"what nobody saw", "bios >2", "b2 bios 2", "(bios 2: nobody saw which version it has)"},
		{"later than the baseline is left alone", "bios 3>2", "b2 bios 2", ""},
		{"what goes well is done beside what lacks", "bios 1>2, bmc 1>2", "b2 bios 2", "1:b2 (bmc 2: no file has bmc 2 for this machine)"},
		{"of another model", "bios 1>2", "b2 bios 2 models=x2", "(bios 2: no file has bios 2 for this machine)"},
		{"as the machine says its model", "bios 1>2", "b2 bios 2 models=acme*", "1:b2"},
	} {
		if got := told(firmware.Choose(machine(c.machine), files(t, c.files), firmware.Wish{})); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestAFileThatIsNamedIsChosenByName(t *testing.T) {
	list := files(t, "b1 bios 1\nb2a bios 2\nb2 bios 2 from=1.5\nb15 bios 1.5\nother bios 9 models=x2")
	for name, want := range map[string]string{
		"b2": "1:b15 2:b2", "b2a": "1:b2a", "b1": "", "none": "( : there is no firmware file none)",
		"other": "(bios 9: other is for Acme x2, and this is x1, Acme X1, Acme Inc.)",
	} {
		if got := told(firmware.Choose(machine("bios 1>1"), list, firmware.Wish{File: name})); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	if got := told(firmware.Choose(machine("bios 3>1"), list, firmware.Wish{Downgrade: true})); got != "1:b1" {
		t.Errorf("a downgrade that is asked for: %s", got)
	}
}

// Whatever the catalogue holds: each pick may go on what is there, what it needs runs, and
// in the end every baseline that is not lacking is reached.
func FuzzChoose(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9}, uint8(3))
	f.Add([]byte("bios needs bmc needs bios"), uint8(1))
	f.Fuzz(func(t *testing.T, seed []byte, start uint8) {
		at := 0
		next := func(n int) int {
			if at >= len(seed) {
				return 0
			}
			at++
			return int(seed[at-1]) % n
		}
		components := []string{"bios", "bmc", "nic"}
		m := machine(fmt.Sprintf("bios %d>3, bmc %d>3, nic %d>2", start%4, start/4%4, start/16%4))
		var list []firmware.File
		for at < len(seed) && len(list) < 12 {
			f := firmware.File{Name: fmt.Sprintf("f%d", len(list)), Component: components[next(3)], Version: fmt.Sprint(next(4)), Models: []string{"x1"}, Original: "f.bin"}
			if next(2) == 1 {
				f.From = []string{fmt.Sprint(next(4))}
			}
			if other := components[next(3)]; other != f.Component && next(2) == 1 {
				f.Requires = []firmware.Need{{Component: other, AtLeast: fmt.Sprint(next(4))}}
			}
			if err := f.Complete(); err != nil {
				t.Fatal(err)
			}
			list = append(list, f)
		}
		choice := firmware.Choose(m, list, firmware.Wish{Downgrade: true})
		check(t, m, list, choice)
	})
}

func check(t *testing.T, m firmware.Machine, list []firmware.File, choice firmware.Choice) {
	t.Helper()
	byName := map[string]firmware.File{}
	for _, f := range list {
		byName[f.Name] = f
	}
	runs, staged, stage := map[string]string{}, map[string]string{}, 1
	for _, v := range m.Have {
		runs[v.Component] = v.Version
	}
	for _, p := range choice.Picks {
		f := byName[p.File]
		if p.Stage != stage {
			for c, v := range staged {
				runs[c] = v
			}
			clear(staged)
			stage = p.Stage
		}
		if _, twice := staged[f.Component]; twice || p.From != runs[f.Component] || len(f.From) > 0 && f.From[0] != p.From {
			t.Fatalf("%+v goes on %q: %s", p, runs[f.Component], told(choice))
		}
		for _, n := range f.Requires {
			if !firmware.AtLeast(runs[n.Component], n.AtLeast) {
				t.Fatalf("%s needs %+v and %q runs: %s", f.Name, n, runs[n.Component], told(choice))
			}
		}
		if p.Reset == firmware.ResetHost {
			staged[f.Component] = f.Version
		} else {
			runs[f.Component] = f.Version
		}
	}
	for c, v := range staged {
		runs[c] = v
	}
	lacks := map[string]bool{}
	for _, l := range choice.Lacks {
		lacks[l.Component] = true
	}
	for _, b := range m.Baseline {
		if !lacks[b.Component] && runs[b.Component] != b.Version {
			t.Fatalf("%s ends at %q, not at %q, and nothing lacks: %s", b.Component, runs[b.Component], b.Version, told(choice))
		}
	}
}

func TestComplianceSaysHowEachMachineStands(t *testing.T) {
	list := files(t, "b2 bios 2\nc3 bmc 3")
	for versions, want := range map[string]firmware.Standing{
		"bios 2>2, bmc 3>3": firmware.Compliant, "bios 1>2, bmc 3>3": firmware.Behind, "bios 4>2, bmc 3>3": firmware.Ahead, "bios >2": firmware.Unknown,
		"nic 1>2, bios 1>2": firmware.NoFile, "bios 1": firmware.NoBaseline, "bios beta>2": firmware.Behind,
	} {
		if got := firmware.Comply(machine(versions), list); got.Standing != want {
			t.Errorf("%s: %s, want %s: %+v", versions, got.Standing, want, got.Parts)
		}
	}
	busy := machine("bios 1>2")
	busy.Busy = "op"
	got := firmware.Comply(busy, list)
	if got.Standing != firmware.Updating || got.Parts[0].Files[0] != "b2" {
		t.Errorf("%+v", got)
	}
	tally := firmware.Tallies([]firmware.Compliance{got, firmware.Comply(machine("bios 2>2"), list)})
	if len(tally) != 1 || tally[0].Machines != 2 || tally[0].Standings[firmware.Updating] != 1 || tally[0].Standings[firmware.Compliant] != 1 {
		t.Errorf("%+v", tally)
	}
}
