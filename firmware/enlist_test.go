package firmware_test

import (
	"testing"

	"rackwright/fault"
	"rackwright/firmware"
	"rackwright/inventory"
)

func TestACampaignEnlistsWhoLacksSomething(t *testing.T) {
	list := files(t, "b2 bios 2\nc3 bmc 3")
	var machines []firmware.Machine
	for name, versions := range map[string]string{"n1": "bios 1>2, bmc 1>3", "n2": "bios 2>2", "n3": "nic 1>2"} {
		m := machine(versions)
		m.ID, m.Name = name, name
		machines = append(machines, m)
	}
	c, err := firmware.Enlist("c", firmware.Rollout{Racks: []string{"r1"}, Size: 1}, machines, list, func(rack string) string { return "row of " + rack })
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Targets) != 2 || len(c.Files) != 2 || c.Files[0] != "b2" || c.Targets[0].Domain != "row of r1" {
		t.Fatalf("%+v", c)
	}
	for _, x := range c.Targets {
		if (x.Name == "n3") != (x.State == firmware.TargetSkipped) || (x.Name == "n3") != (x.Why == "nic: no file has nic 2 for this machine") {
			t.Errorf("%+v", x)
		}
	}
	for name, bad := range map[string]firmware.Rollout{"nobody": {Size: 1}, "no size": {Racks: []string{"r1"}}, "Bad Name": {Racks: []string{"r1"}, Size: 1}} {
		if _, err := firmware.Enlist(name, bad, machines, list, func(string) string { return "" }); !fault.Is(err, fault.Invalid) || fault.HintOf(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := firmware.Enlist("c", firmware.Rollout{Racks: []string{"r1"}, Size: 1}, machines, nil, func(string) string { return "" }); !fault.Is(err, fault.Conflict) {
		t.Errorf("a campaign that can do nothing: %v", err)
	}
}

func TestAFailureDomainIsARacksLabelOrPlace(t *testing.T) {
	r := &inventory.Rack{Name: "r1", Row: "a", Room: "x", Labels: map[string]string{"feed": "B", "room": "label"}}
	for key, want := range map[string]string{"": "", "rack": "r1", "row": "a", "room": "label", "feed": "B", "none": ""} {
		if got := firmware.Domain(r, key); got != want {
			t.Errorf("%s: %q, want %q", key, got, want)
		}
	}
	if firmware.Domain(nil, "row") != "" {
		t.Error("a machine in no rack")
	}
}

func TestAFileThatIsDescribedBadlyIsRefusedFieldByField(t *testing.T) {
	good := firmware.File{Name: "b2", Component: "bios", Version: "2", Vendor: "Acme", Original: `C:\fw\BIOS.bin`}
	if err := good.Complete(); err != nil || good.Original != "BIOS.bin" || good.Reset != firmware.ResetHost {
		t.Fatal(err, good)
	}
	for field, change := range map[string]func(*firmware.File){
		"name":      func(f *firmware.File) { f.Name = "../x" },
		"component": func(f *firmware.File) { f.Component = "" },
		"version":   func(f *firmware.File) { f.Version = "2\n" },
		"vendor":    func(f *firmware.File) { f.Vendor = " x" },
		"model":     func(f *firmware.File) { f.Vendor = "" },
		"from":      func(f *firmware.File) { f.From = []string{"*"} },
		"requires":  func(f *firmware.File) { f.Requires = []firmware.Need{{Component: "BIOS", AtLeast: "1"}} },
		"original":  func(f *firmware.File) { f.Original = "a b?" },
		"reset":     func(f *firmware.File) { f.Reset = "reboot" },
	} {
		f := good
		change(&f)
		err, _ := f.Complete().(*fault.Error)
		if err == nil || len(err.Fields) != 1 || err.Fields[0].Path != field {
			t.Errorf("%s: %+v", field, err)
		}
	}
	if _, err := firmware.ParseNeed("bmc"); !fault.Is(err, fault.Invalid) {
		t.Error(err)
	}
}
