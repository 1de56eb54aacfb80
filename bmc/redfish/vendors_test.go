package redfish_test

import (
	"context"
	"net"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"rackwright/bmc"
	"rackwright/bmc/bmctest"
	"rackwright/bmc/redfish"
	"rackwright/integration/porttest"
	"rackwright/inventory"
	"rackwright/racksim/faults"
	"rackwright/racksim/mockup"
)

const (
	mockupUser     = "keeper"
	mockupPassword = "of-the-trees-9"
)

// swift suits mockups, which need milliseconds for what takes a BMC minutes.
func swift() redfish.Timing {
	return redfish.Timing{Request: 10 * time.Second, Settle: 10 * time.Second, Boot: 10 * time.Second, Proof: time.Second,
		Media: 10 * time.Second, Restart: 10 * time.Second, Patience: time.Minute, PollMin: time.Millisecond, PollMax: 8 * time.Millisecond}
}

// replay serves a vendor's tree over TLS.
func replay(t *testing.T, name string, ills ...faults.Fault) (*mockup.BMC, *faults.Set, bmc.Access) {
	t.Helper()
	tree, err := mockup.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range ills {
		if err := f.Check(); err != nil {
			t.Fatal(err)
		}
	}
	set := faults.New(ills...)
	m, err := mockup.New(mockup.Config{Name: name, Tree: tree, Username: mockupUser, Password: mockupPassword, Faults: set,
		Turn: 3 * time.Millisecond, Work: 10 * time.Millisecond, Restart: 30 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	lender := httptest.NewTLSServer(nil) // of its certificate
	certificate := lender.TLS.Certificates[0]
	lender.Close()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx, l, certificate) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the mockup: %v", err)
		}
	})
	return m, set, bmc.Access{Address: "https://" + l.Addr().String(), Username: mockupUser, Password: mockupPassword}
}

// dialReplay logs in to a mockup.
func dialReplay(t *testing.T, access bmc.Access, timing redfish.Timing) bmc.Controller {
	t.Helper()
	c, err := (&redfish.Dialer{Timing: timing}).Dial(t.Context(), access)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.WithoutCancel(t.Context())) })
	return c
}

// powerOf is the machine's own state in our words.
func powerOf(m *mockup.BMC) func() inventory.Power {
	return func() inventory.Power {
		switch m.Power() {
		case "On":
			return inventory.PowerOn
		case "Off":
			return inventory.PowerOff
		}
		return inventory.PowerUnknown
	}
}

// vendorHooks is what the suite needs to know of each vendor's tree.
func vendorHooks() map[string]bmctest.Hooks {
	all := []bmc.Target{bmc.BootPXE, bmc.BootHTTP, bmc.BootDisk}
	plain := []bmc.Target{bmc.BootPXE, bmc.BootDisk}
	const uri = "http://192.0.2.1/boot.efi"
	return map[string]bmctest.Hooks{
		"dell-idrac9":    {Targets: append(slices.Clone(all), bmc.BootCD, bmc.BootSetup), Mode: inventory.UEFI, Grace: time.Second, BootURI: uri, Setting: bmctest.Setting{Name: "LogicalProc", Value: "Disabled"}},
		"dell-idrac10":   {Targets: all, Mode: inventory.UEFI, BootURI: uri, Setting: bmctest.Setting{Name: "LogicalProc", Value: "Disabled"}},
		"hpe-ilo5":       {Targets: all, Mode: inventory.BIOS, Grace: time.Second, BootURI: uri, Setting: bmctest.Setting{Name: "ProcHyperthreading", Value: "Disabled"}},
		"hpe-ilo6":       {Targets: all, Mode: inventory.UEFI, BootURI: uri, Setting: bmctest.Setting{Name: "WorkloadProfile", Value: "Custom"}},
		"supermicro-x11": {Targets: plain, Mode: inventory.BIOS, Setting: bmctest.Setting{Name: "HyperThreading#0075", Value: "Disable"}},
		"supermicro-x12": {Targets: append(slices.Clone(all), bmc.BootCD, bmc.BootSetup), Mode: inventory.UEFI, BootURI: uri, Setting: bmctest.Setting{Name: "QuietBoot#0001", Value: "false"}},
		"lenovo-xcc":     {Targets: append(slices.Clone(plain), bmc.BootCD, bmc.BootSetup), Mode: inventory.UEFI, Grace: time.Second, Setting: bmctest.Setting{Name: "Processors_HyperThreading", Value: "Disable"}, Without: []bmctest.Group{bmctest.Lasting}},
		"openbmc":        {Targets: plain, Mode: inventory.UEFI, Setting: bmctest.Setting{Name: "boot-delay", Value: "9"}, Without: []bmctest.Group{bmctest.Order}},
		"ami-megarac":    {Targets: append(slices.Clone(all), bmc.BootCD, bmc.BootSetup), Mode: inventory.UEFI, BootURI: uri, Setting: bmctest.Setting{Name: "CBS0240", Value: "Disabled"}},
		"nvidia-gb300":   {Targets: all, Mode: inventory.UEFI, BootURI: uri, Setting: bmctest.Setting{Name: "Quickboot", Value: "true"}},
	}
}

func TestEveryVendorsMockupPassesTheSuite(t *testing.T) {
	if all := vendorHooks(); len(all) != len(mockup.Vendors()) {
		t.Errorf("%d vendors are tested of %v", len(all), mockup.Vendors())
	}
	for _, name := range mockup.Vendors() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, set, access := replay(t, name)
			hooks, ok := vendorHooks()[name]
			if !ok {
				t.Fatal("nobody says what this vendor can do")
			}
			hooks.Power, hooks.Starts, hooks.Sessions, hooks.Lit, hooks.Unreachable = powerOf(m), m.Starts, m.Sessions, m.Lit, "https://"+porttest.FreeAddress(t)
			hooks.Medium, hooks.Images = m.Image, []string{"http://192.0.2.1/a.iso", "https://192.0.2.1/b.iso"}
			hooks.Custody = []string{bmctest.HasAccounts, bmctest.HasProtocols, bmctest.HasClock, bmctest.HasConsole}
			switch name {
			case "lenovo-xcc", "openbmc", "ami-megarac", "nvidia-gb300":
				hooks.Custody = append(hooks.Custody, bmctest.HasPlace, bmctest.HasCertificate)
			case "dell-idrac9", "dell-idrac10":
				hooks.Custody = append(hooks.Custody, bmctest.HasCertificate)
			}
			hooks.Expire = func() func() {
				m.SetPassword(mockupUser, mockupPassword, true)
				return func() { m.SetPassword(mockupUser, mockupPassword, false) }
			}
			caretaking(t, name, m, &hooks)
			bmctest.Run(t, &redfish.Dialer{Timing: swift()}, access, hooks)
			if n := m.Sessions(); n != 0 {
				t.Errorf("%d sessions are left open", n)
			}
			if n := set.FailedLogins(); n > 3 {
				t.Errorf("%d logins failed", n)
			}
		})
	}
}

func TestTheHostIsFoundAmongTwoSystems(t *testing.T) {
	m, _, access := replay(t, "nvidia-gb300")
	c := dialReplay(t, access, swift())
	f, err := c.Identity(t.Context())
	if err != nil || f.System.Serial != "1822525001234" || len(f.NICs) != 2 {
		t.Errorf("%+v, %v", f.System, err)
	}
	if m.Host() != "/redfish/v1/Systems/System_0" {
		t.Errorf("the mockup switches %s", m.Host())
	}
}

func TestWhatAMockupTellsIsRead(t *testing.T) {
	_, _, access := replay(t, "dell-idrac9")
	f, err := dialReplay(t, access, swift()).Facts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	slots := []string{}
	for _, d := range f.DIMMs {
		slots = append(slots, d.Slot)
	}
	if len(f.CPUs) != 2 || len(f.Disks) != 2 || len(f.PSUs) != 2 || f.MemoryMiB != 65536 || !slices.Equal(slots, []string{"DIMM A1", "DIMM B1"}) ||
		f.BIOS["LogicalProc"] != "Enabled" || len(f.Versions) != 3 {
		t.Errorf("%+v", f)
	}
}
