package bmctest

import (
	"errors"
	"runtime"
	"slices"
	"testing"

	"rackwright/bmc"
	"rackwright/fault"
	"rackwright/inventory"
)

func TestRackPassesTheSuite(t *testing.T) {
	access := bmc.Access{Address: "https://bmc1.example", Username: "root", Password: "s3cret-of-the-rack"}
	rack := NewRack()
	machine := rack.Add(access, Server(1))
	Run(t, rack, access, Hooks{
		Power: machine.Power, Starts: machine.Starts, Sessions: machine.Sessions, Lit: machine.Lit,
		Unreachable: "https://bmc9.example",
		Custody:     AllCustody(),
		Expire:      func() func() { machine.Expire(); return machine.Restore },
		Targets:     []bmc.Target{bmc.BootPXE, bmc.BootHTTP, bmc.BootDisk, bmc.BootCD, bmc.BootSetup},
		Mode:        inventory.UEFI,
		BootURI:     "http://192.0.2.1/shell.efi",
		Images:      []string{"http://192.0.2.1/a.iso", "https://192.0.2.1/b.iso"},
		Medium:      machine.Image,
		Setting:     Setting{"LogicalProc", "Disabled"},
		With:        []Group{Updates, Sensors, Logs, LogClears, Pushes, Streams, Authorities},
		Authorities: machine.Authorities,
		Upgrade:     Upgrade{Update: staged(Firmware("bios", "1.1")), Component: "bios", Version: "1.1", Reset: true},
		Happen:      func() { machine.Happen(bmc.Entry{Severity: bmc.Warning, Message: "Fan 2 stopped"}) },
	})
	if machine.Sessions() != 0 {
		t.Errorf("%d sessions are left open", machine.Sessions())
	}
}

func TestAScriptedFailureComesInItsTurn(t *testing.T) {
	access := bmc.Access{Address: "https://bmc1.example"}
	rack := NewRack()
	machine := rack.Add(access, Server(1))
	busy := fault.Conflictf("busy")
	machine.Fail(On, nil, busy)
	c, err := rack.Dial(t.Context(), access)
	if err != nil {
		t.Fatal(err)
	}
	first, second, third := c.On(t.Context()), c.On(t.Context()), c.On(t.Context())
	if first != nil || !errors.Is(second, busy) || third != nil {
		t.Errorf("On returned %v, %v, %v", first, second, third)
	}
	if want := []Op{Dial, On, On, On}; !slices.Equal(machine.Calls(), want) {
		t.Errorf("calls %v, want %v", machine.Calls(), want)
	}
}

func TestAStartUsesTheOverrideUp(t *testing.T) {
	access := bmc.Access{Address: "https://bmc1.example"}
	rack := NewRack()
	machine := rack.Add(access, Server(1))
	var from []bmc.Target
	machine.OnStart(func(b bmc.Boot) { from = append(from, b.Target) })
	c, err := rack.Dial(t.Context(), access)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		c.SetNextBoot(t.Context(), bmc.Boot{Target: bmc.BootPXE}),
		c.Cycle(t.Context()),
		c.Cycle(t.Context()),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if want := []bmc.Target{bmc.BootPXE, bmc.BootNone}; !slices.Equal(from, want) {
		t.Errorf("started from %v, want %v", from, want)
	}
}

func staged(u bmc.Update) bmc.Update { u.OnReset = true; return u }

func TestFirmwareThatIsNotStagedRunsWhenItsTaskIsDone(t *testing.T) {
	access := bmc.Access{Address: "https://bmc1.example"}
	rack := NewRack()
	machine := rack.Add(access, Server(1))
	c, err := rack.Dial(t.Context(), access)
	if err != nil {
		t.Fatal(err)
	}
	task, err := c.StartUpdate(t.Context(), Firmware("bmc", "2.0"))
	if err != nil || task.State != bmc.TaskRunning {
		t.Fatalf("%+v %v", task, err)
	}
	for _, want := range []bmc.TaskState{bmc.TaskRunning, bmc.TaskDone} {
		if got, err := c.Task(t.Context(), task.ID); err != nil || got.State != want {
			t.Errorf("%+v %v, want %s", got, err, want)
		}
	}
	machine.ForgetTasks()
	if got, err := c.Task(t.Context(), task.ID); err != nil || got.State != bmc.TaskLost {
		t.Errorf("%+v %v", got, err)
	}
	all, err := c.Components(t.Context())
	if err != nil || !slices.ContainsFunc(all, func(o bmc.Component) bool { return o.Name == "bmc" && o.Version == "2.0" }) {
		t.Errorf("%+v %v", all, err)
	}
}

func TestAStreamThatBreaksIsUnreachable(t *testing.T) {
	access := bmc.Access{Address: "https://bmc1.example"}
	rack := NewRack()
	machine := rack.Add(access, Server(1))
	c, err := rack.Dial(t.Context(), access)
	if err != nil {
		t.Fatal(err)
	}
	heard, ended := make(chan bmc.Entry), make(chan error, 1)
	go func() { ended <- c.Stream(t.Context(), func(e bmc.Entry) { heard <- e }) }()
	for machine.Listeners() == 0 {
		runtime.Gosched()
	}
	go machine.Happen(bmc.Entry{Message: "m"})
	if e := <-heard; e.Message != "m" || e.ID == "" {
		t.Errorf("%+v", e)
	}
	machine.BreakStreams()
	if err := <-ended; !fault.Is(err, fault.Unreachable) || machine.Listeners() != 0 {
		t.Errorf("%v", err)
	}
}
