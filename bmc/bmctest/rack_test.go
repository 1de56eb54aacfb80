package bmctest

import (
	"errors"
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
