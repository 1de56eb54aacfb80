package redfish

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"rackwright/inventory"
)

// told is a mock-up's facts; the mock is given for what is asked of it besides.
func told(t *testing.T, vendor string) (*mock, inventory.Facts) {
	t.Helper()
	m := newMock(t, vendor)
	c := open(t, m, &Dialer{Timing: quick()})
	f, err := c.Facts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return m, f
}

func TestPowerSuppliesAreReadInEveryVendorsShape(t *testing.T) {
	for vendor, want := range map[string][]inventory.PSU{
		"dell": { // PowerSubsystem
			{Name: "psu1", Watts: 1400, Serial: "CNLOD0000001", Model: "PWR SPLY,1400W,RDNT", Input: "ok"},
			{Name: "psu2", Watts: 1400, Serial: "CNLOD0000002", Model: "PWR SPLY,1400W,RDNT", Input: "lost"},
		},
		"hpe": { // Power, with the voltage at the inlet
			{Name: "psu1", Watts: 500, Serial: "5WBXK00000", Model: "865408-B21", Input: "ok"},
			{Name: "psu2", Watts: 500, Serial: "5WBXK00001", Model: "865408-B21", Input: "lost"},
		},
		"supermicro": { // an empty first bay, and a capacity of the wrong type
			{Name: "psu2", Serial: "P1K2300001", Model: "PWS-1K23A-1R", Input: "ok"},
		},
		"openbmc": { // bays counted from 0
			{Name: "psu1", Serial: "YL30UF0001", Input: "ok"},
			{Name: "psu2", Serial: "YL30UF0002", Input: "lost"},
		},
		"lenovo": nil, // none told
	} {
		t.Run(vendor, func(t *testing.T) {
			if _, f := told(t, vendor); !slices.Equal(f.PSUs, want) {
				t.Errorf("supplies\n%+v\nwant\n%+v", f.PSUs, want)
			}
		})
	}
}

func TestFirmwareIsNamedAlikeForEveryVendor(t *testing.T) {
	for vendor, want := range map[string][]inventory.Version{
		"dell":       {{Component: "NIC.Embedded.1-1-1", Version: "22.31.6"}, {Component: "bios", Version: "1.12.1"}, {Component: "bmc", Version: "6.10.30.00"}},
		"hpe":        {{Component: "HPE Smart Array P408i-a SR Gen10", Version: "4.11"}, {Component: "bios", Version: "U32 v2.68"}, {Component: "bmc", Version: "iLO 5 v2.78"}},
		"openbmc":    {{Component: "bios", Version: "2.9"}, {Component: "bmc", Version: "2.14.0"}, {Component: "cpld0", Version: "0x12"}},
		"lenovo":     {{Component: "Slot_1.Bundle", Version: "225.1"}, {Component: "bios", Version: "IVE162E"}, {Component: "bmc", Version: "CDI3A8N"}},
		"supermicro": {{Component: "bios", Version: "3.4"}}, // no inventory, no manager
	} {
		t.Run(vendor, func(t *testing.T) {
			if _, f := told(t, vendor); !slices.Equal(f.Versions, want) {
				t.Errorf("firmware\n%+v\nwant\n%+v", f.Versions, want)
			}
		})
	}
}

func TestAVersionThatTheBMCGotSinceTheLogInIsSeen(t *testing.T) {
	m := newMock(t, "openbmc")
	c := open(t, m, &Dialer{Timing: quick()})
	for _, want := range []string{"2.14.0", "2.15.0"} {
		m.with(func() { m.tree[c.manager]["FirmwareVersion"] = want })
		f, err := c.Facts(t.Context())
		if err != nil || !slices.Contains(f.Versions, inventory.Version{Component: "bmc", Version: want}) {
			t.Errorf("%+v, %v, want %s", f.Versions, err, want)
		}
	}
}

func TestBIOSAttributesAreText(t *testing.T) {
	_, f := told(t, "dell")
	want := map[string]string{"BootMode": "Uefi", "LogicalProc": "Enabled", "AcPwrRcvryUserDelay": "60", "SecureBootOn": "false", "AssetTag": ""}
	if !maps.Equal(f.BIOS, want) {
		t.Errorf("attributes %v, want %v", f.BIOS, want)
	}
	if f.System.AssetTag != "A-0042" {
		t.Errorf("asset tag %q", f.System.AssetTag)
	}
}

func TestABMCThatRefusesSomePartsStillGivesTheRest(t *testing.T) {
	m := newMock(t, "dell")
	c := open(t, m, &Dialer{Timing: quick()})
	m.with(func() {
		m.fault = func(w http.ResponseWriter, r *http.Request) bool {
			for _, broken := range []string{"/PowerSubsystem", "/Bios", "/UpdateService", "/Memory"} {
				if strings.Contains(r.URL.Path, broken) {
					m.refuse(w, http.StatusNotImplemented, "Base.1.8.GeneralError")
					return true
				}
			}
			return false
		}
	})
	f, err := c.Facts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(f.CPUs) != 1 || len(f.Disks) != 2 || len(f.PSUs) != 0 || len(f.BIOS) != 0 || len(f.Versions) != 2 {
		t.Errorf("%d CPUs, %d disks, %d supplies, %d attributes, firmware %v", len(f.CPUs), len(f.Disks), len(f.PSUs), len(f.BIOS), f.Versions)
	}
}

func TestTheIdentityCostsAHandfulOfRequests(t *testing.T) {
	m := newMock(t, "dell")
	c := open(t, m, &Dialer{Timing: quick()})
	before := m.count("GET")
	f, err := c.Identity(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n := m.count("GET") - before; n > 7 || len(f.NICs) != 1 || f.System.Serial != "ABC1234" {
		t.Errorf("%d requests for %+v", n, f)
	}
	for _, heavy := range []string{"Memory", "Storage", "Bios", "UpdateService", "Chassis"} {
		for _, path := range m.requests {
			if strings.Contains(path, heavy) {
				t.Errorf("asked for %s", path)
			}
		}
	}
}

func TestTheBMCTellsItsOwnAddress(t *testing.T) {
	for vendor, want := range map[string]string{"dell": "[b0:7b:25:00:00:f0]", "lenovo": "[08:94:ef:00:00:f0]", "hpe": "[94:40:c9:00:00:f0]",
		"openbmc": "[b4:2e:99:00:00:f0]", "nvidia": "[]", "supermicro": "[]"} {
		t.Run(vendor, func(t *testing.T) {
			c := open(t, newMock(t, vendor), &Dialer{Timing: quick()})
			light, err := c.Identity(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			full, err := c.Facts(t.Context())
			if err != nil || fmt.Sprint(light.BMCs) != want || fmt.Sprint(full.BMCs) != want {
				t.Errorf("told %v, and with its parts %v; want %s (%v)", light.BMCs, full.BMCs, want, err)
			}
		})
	}
}

func TestABMCWithManyPortsIsNotAskedForAll(t *testing.T) {
	m := newMock(t, "dell")
	const at = "/redfish/v1/Managers/iDRAC.Embedded.1/EthernetInterfaces"
	m.with(func() {
		var refs []any
		for i := range 100 {
			uri := fmt.Sprintf("%s/%d", at, i)
			refs = append(refs, object{"@odata.id": uri})
			m.tree[uri] = object{"Id": fmt.Sprint(i), "MACAddress": fmt.Sprintf("b0:7b:25:00:01:%02x", i)}
		}
		m.tree[at] = object{"@odata.id": at, "Members": refs}
	})
	c := open(t, m, &Dialer{Timing: quick()})
	before := m.count("GET")
	f, err := c.Identity(t.Context())
	if n := m.count("GET") - before; err != nil || n > 10 || len(f.BMCs) > 4 {
		t.Errorf("%d requests, %d addresses, %v", n, len(f.BMCs), err)
	}
}

func TestPortsThatTheSystemDoesNotListAreFoundAtTheAdapters(t *testing.T) {
	m := newMock(t, "openbmc")
	const chassis = "/redfish/v1/Chassis/chassis"
	list := func(at string, members ...string) {
		var refs []any
		for _, member := range members {
			refs = append(refs, object{"@odata.id": at + "/" + member})
		}
		m.tree[at] = object{"@odata.id": at, "Members": refs}
	}
	m.with(func() {
		delete(m.tree[m.System], "EthernetInterfaces")
		m.tree[chassis]["NetworkAdapters"] = object{"@odata.id": chassis + "/NetworkAdapters"}
		list(chassis+"/NetworkAdapters", "ocp")
		functions := chassis + "/NetworkAdapters/ocp/NetworkDeviceFunctions"
		m.tree[chassis+"/NetworkAdapters/ocp"] = object{"Id": "ocp", "NetworkDeviceFunctions": object{"@odata.id": functions}}
		list(functions, "1", "2")
		m.tree[functions+"/1"] = object{"Id": "ocp-1", "Ethernet": object{"PermanentMACAddress": "B8:59:9F:00:00:01"}}
		m.tree[functions+"/2"] = object{"Id": "ocp-2", "Ethernet": object{"MACAddress": "b8:59:9f:00:00:02"}}
	})
	c := open(t, m, &Dialer{Timing: quick()})
	f, err := c.Identity(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(f.NICs) != 2 || f.NICs[0].Name != "ocp-1" || f.NICs[1].MAC.String() != "b8:59:9f:00:00:02" {
		t.Errorf("ports %+v", f.NICs)
	}
}

func TestBaysAreCountedFromOne(t *testing.T) {
	for want, ids := range map[string][]string{
		"psu1 psu2":  {"powersupply0", "powersupply1"},
		"psu2":       {"PSU.Slot.2"},
		"psu1 psu3":  {"Bay 1", "Bay 3"},
		"psu1  psu2": {"left", "right"},
		"psu9 psu10": {"PSU10", "PSU9"},
	} {
		var all []supply
		for _, id := range ids {
			s := supply{}
			s.ID = id
			all = append(all, s)
		}
		var got []string
		for _, p := range psus(all) {
			got = append(got, p.Name)
		}
		if !slices.Equal(got, strings.Fields(want)) {
			t.Errorf("%q are %q, want %s", ids, got, want)
		}
	}
}

// FuzzParts feeds hostile resources to what reads supplies, attributes and firmware.
func FuzzParts(f *testing.F) {
	f.Add(`{"Id": "PSU.Slot.1", "PowerCapacityWatts": 1e300, "Status": {"State": 3}}`)
	f.Add(`{"Attributes": {"a": null, "b": {}, "c": [1], "d": 1e999}}`)
	f.Add(`{"Id": "Installed-1__", "Name": 7, "RelatedItem": [{"@odata.id": "/Bios"}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		var s supply
		if lenient(json.Unmarshal([]byte(text), &s)) == nil {
			for _, p := range psus([]supply{s, s}) {
				if len(p.Name) > 8 || p.Watts < 0 || p.Watts >= 1e6 {
					t.Errorf("supply %+v", p)
				}
			}
		}
		var item software
		if lenient(json.Unmarshal([]byte(text), &item)) == nil && len([]rune(item.component())) > maxText {
			t.Errorf("component %q", item.component())
		}
		var b bios
		if lenient(json.Unmarshal([]byte(text), &b)) == nil {
			for _, raw := range b.Attributes {
				if value, ok := plainText(raw); ok && len([]rune(value)) > maxText {
					t.Errorf("attribute %q", value)
				}
			}
		}
	})
}
