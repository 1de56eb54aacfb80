package redfish_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"rackwright/bmc"
	"rackwright/bmc/bmctest"
	"rackwright/bmc/redfish"
	"rackwright/inventory"
	"rackwright/racksim"
	sim "rackwright/racksim/redfish"
	"rackwright/racksim/simtest"
)

func hooksOf(m *simtest.Machine) bmctest.Hooks {
	return bmctest.Hooks{
		Power: func() inventory.Power {
			return map[racksim.PowerState]inventory.Power{racksim.On: inventory.PowerOn, racksim.Off: inventory.PowerOff}[m.Power()]
		},
		Starts: m.Starts,
		Grace:  time.Second,
	}
}

// simulate runs racksim's BMC over TLS and returns how to reach it.
func simulate(t *testing.T, firmware string) (*simtest.Machine, *sim.Service, bmc.Access) {
	t.Helper()
	m, service, address := simtest.Start(t, `{name: node1, u: 10, firmware: `+firmware+`,
		memory: 2048, cpus: 2, serial: RS0001, nics: [{mac: "52:54:00:77:00:01"}], disks: [{size: 2GiB, serial: DISK0001}],
		asset_tag: A-7, dimms: [{size: 1024, speed: 3200}, {slot: B1, size: 1024, serial: M2}], psus: [{watts: 800}, {input: lost}, {input: absent}],
		versions: {bios: "2.1", NIC.1: "22.5"}, attributes: {LogicalProc: Enabled},
		bmc: {address: 127.0.0.1, mac: "52:54:00:77:ff:01", username: root, password: racked-and-stacked}}`)
	return m, service, bmc.Access{Address: address, Username: "root", Password: "racked-and-stacked"}
}

func TestRacksimsBMCPassesTheSuite(t *testing.T) {
	timing := redfish.DefaultTiming()
	timing.PollMin, timing.PollMax = time.Millisecond, 10*time.Millisecond
	images := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("image " + r.URL.Path))
	}))
	t.Cleanup(images.Close)
	for firmware, targets := range map[string][]bmc.Target{
		racksim.BIOS: {bmc.BootPXE, bmc.BootDisk, bmc.BootCD},
		racksim.UEFI: {bmc.BootPXE, bmc.BootHTTP, bmc.BootDisk, bmc.BootCD, bmc.BootSetup},
	} {
		t.Run(firmware, func(t *testing.T) {
			t.Parallel()
			m, service, access := simulate(t, firmware)
			hooks := hooksOf(m)
			hooks.Lit, hooks.Custody = service.Lit, bmctest.AllCustody()
			hooks.Targets, hooks.Mode = targets, inventory.Firmware(firmware)
			hooks.Images = []string{images.URL + "/a.iso", images.URL + "/b.iso"}
			hooks.Setting = bmctest.Setting{Name: "ProcVirtualization", Value: "Disabled"}
			if firmware == racksim.UEFI {
				hooks.BootURI = images.URL + "/shell.efi"
			} else {
				hooks.Without = []bmctest.Group{bmctest.SecureBoots, bmctest.KeyResets}
			}
			caring(t, m, &hooks, map[string]string{racksim.BIOS: "NIC.1", racksim.UEFI: "bios"}[firmware], firmware == racksim.UEFI)
			if firmware == racksim.UEFI {
				hooks.With, hooks.Authorities = append(hooks.With, bmctest.Authorities), service.Authorities
			}
			bmctest.Run(t, &redfish.Dialer{Timing: timing}, access, hooks)
		})
	}
}

func TestRacksimTellsThePartsOfItsFile(t *testing.T) {
	_, _, access := simulate(t, racksim.UEFI)
	c, err := (&redfish.Dialer{}).Dial(t.Context(), access)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	f, err := c.Facts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	dimms := []inventory.DIMM{{Slot: "A1", SizeMiB: 1024, SpeedMTs: 3200}, {Slot: "B1", SizeMiB: 1024, Serial: "M2"}}
	supplies := []inventory.PSU{{Name: "psu1", Watts: 800, Serial: "RS0001-P1", Model: "racksim 800W", Input: "ok"},
		{Name: "psu2", Watts: 500, Serial: "RS0001-P2", Model: "racksim 500W", Input: "lost"}}
	versions := []inventory.Version{{Component: "NIC.1", Version: "22.5"}, {Component: "bios", Version: "2.1"}, {Component: "bmc", Version: "1.0.0"}}
	if !slices.Equal(f.DIMMs, dimms) || !slices.Equal(f.PSUs, supplies) || !slices.Equal(f.Versions, versions) {
		t.Errorf("DIMMs %+v, supplies %+v, firmware %+v", f.DIMMs, f.PSUs, f.Versions)
	}
	if f.System.AssetTag != "A-7" || f.BIOS["LogicalProc"] != "Enabled" || f.BIOS["BootMode"] != "UEFI" || f.Disks[0].Bay != "Bay 1" {
		t.Errorf("asset tag %q, attributes %v, disks %+v", f.System.AssetTag, f.BIOS, f.Disks)
	}
}
