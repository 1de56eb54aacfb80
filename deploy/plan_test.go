package deploy_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/inventory"
)

func racked() inventory.Machine {
	return inventory.Machine{ID: "id", Name: "n1", Phase: inventory.Discovered, Slot: &inventory.Slot{Rack: "r1", U: 1, Height: 1, Face: "front"},
		NICs: []inventory.NIC{{Name: "nic1", MAC: inventory.MAC{2, 0, 0, 0, 0, 1}, Network: "provision", Address: netip.MustParseAddr("10.0.0.11")}},
		BMC:  &inventory.BMC{Address: "https://10.0.0.21"}}
}

func names(steps []deploy.Step) string {
	var out []string
	for _, s := range steps {
		out = append(out, string(s.Name))
	}
	return strings.Join(out, " ")
}

func TestTheStepsOfAnOperationFollowFromTheMachine(t *testing.T) {
	bare := racked()
	bare.BMC = nil
	held := racked()
	held.Phase = inventory.Maintenance
	image := deploy.Order{Image: "debian-12", Digest: "sha256:0"}
	for name, c := range map[string]struct {
		kind    deploy.Kind
		machine inventory.Machine
		order   deploy.Order
		want    string
	}{
		"a deployment":                {deploy.Deploy, racked(), image, "check boot-net power dhcp loader ramdisk write boot-disk reboot phone settle"},
		"a deployment without a BMC":  {deploy.Deploy, bare, image, "check dhcp loader ramdisk write reboot phone settle"},
		"an inspection":               {deploy.Inspect, racked(), deploy.Order{}, "check boot-net power dhcp loader ramdisk reboot settle"},
		"power":                       {deploy.Power, racked(), deploy.Order{Power: "cycle"}, "power"},
		"power of a machine we guard": {deploy.Power, held, deploy.Order{Power: "off"}, "power"},
		"a locator LED":               {deploy.Locate, held, deploy.Order{Locate: "on", Seconds: 3600}, "locate"},
		"a locator LED put out":       {deploy.Locate, racked(), deploy.Order{Locate: "off"}, "locate"},
	} {
		steps, err := deploy.Plan(c.kind, deploy.Subject{Machine: c.machine, Order: c.order})
		if err != nil || names(steps) != c.want {
			t.Errorf("%s: %s, %v", name, names(steps), err)
		}
		for _, s := range steps {
			if s.State != deploy.StepTodo || s.Budget < 1 || s.Limit <= 0 || s.Title == "" {
				t.Errorf("%s: step %+v has no end", name, s)
			}
		}
	}
}

func TestWhatCannotBeDoneIsRefusedBeforeItBegins(t *testing.T) {
	image := deploy.Order{Digest: "sha256:0"}
	for name, c := range map[string]struct {
		kind  deploy.Kind
		spoil func(m *inventory.Machine)
		order deploy.Order
		want  fault.Kind
		says  string
	}{
		"a retired machine":       {deploy.Power, func(m *inventory.Machine) { m.Phase = inventory.Retired }, deploy.Order{Power: "on"}, fault.Conflict, "retired"},
		"a machine a person has":  {deploy.Deploy, func(m *inventory.Machine) { m.Phase = inventory.Maintenance }, image, fault.Conflict, "maintenance"},
		"no image":                {deploy.Deploy, func(*inventory.Machine) {}, deploy.Order{}, fault.Invalid, "which image"},
		"a mirror of files":       {deploy.Deploy, func(*inventory.Machine) {}, deploy.Order{Digest: "sha256:0", Method: deploy.ByRootFS, Mirror: true}, fault.Invalid, "mirror"},
		"no port":                 {deploy.Deploy, func(m *inventory.Machine) { m.NICs = nil }, image, fault.Conflict, "no NIC"},
		"no address":              {deploy.Inspect, func(m *inventory.Machine) { m.NICs[0].Address = netip.Addr{} }, image, fault.Conflict, "no address"},
		"power without a BMC":     {deploy.Power, func(m *inventory.Machine) { m.BMC = nil }, deploy.Order{Power: "on"}, fault.Conflict, "no BMC"},
		"a LED without a BMC":     {deploy.Locate, func(m *inventory.Machine) { m.BMC = nil }, deploy.Order{Locate: "off"}, fault.Conflict, "no BMC"},
		"a LED for two hours":     {deploy.Locate, func(*inventory.Machine) {}, deploy.Order{Locate: "on", Seconds: 7200}, fault.Invalid, "7200 seconds"},
		"a LED for no time":       {deploy.Locate, func(*inventory.Machine) {}, deploy.Order{Locate: "on"}, fault.Invalid, "0 seconds"},
		"a LED that is dim":       {deploy.Locate, func(*inventory.Machine) {}, deploy.Order{Locate: "dim"}, fault.Invalid, "dim"},
		"a power action":          {deploy.Power, func(*inventory.Machine) {}, deploy.Order{Power: "melt"}, fault.Invalid, "melt"},
		"a kind that nobody does": {"burn", func(*inventory.Machine) {}, image, fault.Invalid, "burn"},
	} {
		m := racked()
		c.spoil(&m)
		steps, err := deploy.Plan(c.kind, deploy.Subject{Machine: m, Order: c.order})
		if steps != nil || !fault.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %s, %v", name, names(steps), err)
		}
	}
}

func TestAStrangerMayBeInspectedWithoutAnAddress(t *testing.T) {
	m := racked()
	m.Slot, m.BMC, m.NICs[0].Address = nil, nil, netip.Addr{}
	if steps, err := deploy.Plan(deploy.Inspect, deploy.Subject{Machine: m}); err != nil || !slices.ContainsFunc(steps, func(s deploy.Step) bool { return s.Name == deploy.StepRamdisk }) {
		t.Errorf("%s, %v", names(steps), err)
	}
}
