package probe

import (
	"strings"
	"testing"
	"time"

	"rackwright/bmc"
	"rackwright/inventory"
)

func at(system System) Asked {
	return Asked{Now: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC), Evidence: Evidence{Told: true, System: system}}
}

func with(change func(*Asked)) Asked {
	a := at(System{Serial: "ABC1234", UUID: "4c4c4544-0034-4410-8038-b1c04f464633"})
	change(&a)
	return a
}

// cases are answers that break each rule, and answers next to them that do not.
func cases() map[string]struct{ broken, kept map[string]Asked } {
	chassis := func(power inventory.Power, said string, c Chassis) Asked {
		return with(func(a *Asked) { a.Power, a.Evidence.System.Power, a.Evidence.Chassis = power, said, []Chassis{c} })
	}
	targets := func(all, offered []string, has bool) Asked {
		return with(func(a *Asked) {
			a.Evidence.System.Targets, a.Evidence.System.SettingsTargets, a.Evidence.System.HasSettings = all, offered, has
		})
	}
	version := func(said, listed string) Asked {
		return with(func(a *Asked) {
			a.Evidence.System.BIOS, a.Evidence.Firmware = said, said
			a.Evidence.Software = []Software{{Component: "bios", Version: listed}, {Component: "bmc", Version: listed}}
		})
	}
	clock := func(off time.Duration) Asked {
		return with(func(a *Asked) { a.Clock = &bmc.Clock{Time: a.Now.Add(off), Off: off} })
	}
	count := func(c Count) Asked { return with(func(a *Asked) { a.Evidence.Counts = []Count{c} }) }
	tag := func(t Tag) Asked { return with(func(a *Asked) { a.Evidence.Tags = []Tag{t} }) }
	parts := func(system, part string) Asked {
		return with(func(a *Asked) { a.Evidence.System.Health, a.Evidence.Parts = system, []Part{{"fan 2", part}} })
	}
	drives := func(all ...Drive) Asked { return with(func(a *Asked) { a.Evidence.Media = all }) }
	dates := func(from, to int) Asked {
		return with(func(a *Asked) {
			a.Evidence.Certificate = &Certificate{NotBefore: a.Now.AddDate(from, 0, 0), NotAfter: a.Now.AddDate(to, 0, 0)}
		})
	}
	facts := func(f inventory.Facts, system System) Asked {
		return with(func(a *Asked) { a.Facts, a.Evidence.System = &f, system })
	}
	mac := inventory.MAC{2, 0, 0, 0, 0, 1}
	type answers = map[string]Asked
	return map[string]struct{ broken, kept map[string]Asked }{
		"power-and-sensors": {
			answers{"off and draws": chassis(inventory.PowerOff, "Off", Chassis{Watts: 240, WattsTold: true}), "on and draws nothing": chassis(inventory.PowerOn, "On", Chassis{WattsTold: true, Supplies: 2}),
				"off and turns": chassis(inventory.PowerOff, "Off", Chassis{Fans: 4, FansTurning: 4}), "on and stands still": chassis(inventory.PowerOn, "On", Chassis{Fans: 4}),
				"by the sensors": with(func(a *Asked) {
					a.Power, a.Readings = inventory.PowerOff, &bmc.Readings{Sensors: []bmc.Sensor{{Name: "Fan 1", Kind: "fan", Value: 5000}}}
				})},
			answers{"standby": chassis(inventory.PowerOff, "Off", Chassis{Watts: 18, WattsTold: true, Fans: 4, FansTurning: 1}), "on": chassis(inventory.PowerOn, "On", Chassis{Watts: 240, WattsTold: true, Fans: 4, FansTurning: 3}),
				"nothing told": chassis(inventory.PowerOn, "On", Chassis{Supplies: 2})},
		},
		"power-and-chassis": {
			answers{"chassis off": chassis("", "On", Chassis{Power: "Off"}), "chassis on": chassis("", "Off", Chassis{Power: "On"}), "enclosure off": chassis("", "On", Chassis{Kind: "Enclosure", Power: "Off"})},
			answers{"agree": chassis("", "On", Chassis{Power: "On"}), "under way": chassis("", "PoweringOn", Chassis{Power: "Off"}), "blade off": chassis("", "Off", Chassis{Kind: "Enclosure", Power: "On"}), "not told": chassis("", "On", Chassis{})},
		},
		"boot-target-in-settings": {
			answers{"missing": targets([]string{"None", "Pxe", "UefiHttp"}, []string{"None", "Pxe"}, true)},
			answers{"same": targets([]string{"None", "Pxe"}, []string{"Pxe"}, true), "no settings": targets([]string{"Pxe"}, nil, false), "settings say nothing": targets([]string{"Pxe"}, nil, true)},
		},
		"boot-override-allowed": {
			answers{"another": at(System{Target: "Cd", Targets: []string{"Pxe", "Hdd"}})},
			answers{"allowed": at(System{Target: "Pxe", Targets: []string{"Pxe"}}), "none": at(System{Target: "None", Targets: []string{"Pxe"}}), "nothing declared": at(System{Target: "Cd"})},
		},
		"bios-version": {
			answers{"another": version("2.1.6", "2.1.5"), "longer number": version("2.1", "2.1.5"), "longer digits": version("12.1", "2.1")},
			answers{"same": version("2.1.6", "2.1.6"), "HPE": version("U46 v2.72 (09/29/2022)", "U46 v2.72"), "not listed": version("2.1.6", ""), "not told": version("", "2.1"), "spaces": version("iLO 5  v2.72", "ilo 5 v2.72")},
		},
		"bmc-version": {
			answers{"another": version("6.10.30.00", "6.10.80.00"), "another iLO": version("iLO 5 v2.72", "2.78 Sep 04 2022")},
			answers{"same": version("6.10.30.00", "6.10.30.00"), "iLO": version("iLO 5 v2.72", "2.72 Sep 04 2022")},
		},
		"junk-identity": {
			answers{"zeros": at(System{Serial: "ABC1234", UUID: "00000000-0000-0000-0000-000000000000"}), "filled": at(System{Serial: "To be filled by O.E.M.", UUID: "4c4c4544-0034-4410-8038-b1c04f464633"}), "empty": at(System{})},
			answers{"good": with(func(*Asked) {}), "no evidence": {}},
		},
		"identity-of-chassis": {
			answers{"another": with(func(a *Asked) { a.Evidence.Chassis = []Chassis{{Serial: "ZZZ9999"}, {Serial: "YYY8888"}} })},
			answers{"one of them": with(func(a *Asked) { a.Evidence.Chassis = []Chassis{{Serial: "ZZZ9999"}, {Serial: "abc1234"}} }), "by service tag": with(func(a *Asked) {
				a.Evidence.System.SKU, a.Evidence.Chassis = "TAG0001", []Chassis{{Serial: "CN123", SKU: "TAG0001"}}
			}),
				"enclosure": with(func(a *Asked) { a.Evidence.Chassis = []Chassis{{Kind: "Enclosure", Serial: "ENC0001"}} }), "junk": with(func(a *Asked) { a.Evidence.Chassis = []Chassis{{Serial: "N/A"}} }), "none": with(func(*Asked) {})},
		},
		"clock": {
			answers{"off": clock(-20 * time.Minute), "zone": clock(5*time.Hour + 30*time.Minute), "never set": with(func(a *Asked) { a.Clock = &bmc.Clock{Time: time.Unix(0, 0), Off: -56 * 365 * 24 * time.Hour} })},
			answers{"near": clock(30 * time.Second), "not told": with(func(*Asked) {})},
		},
		"certificate-dates": {
			answers{"over": dates(-10, -1), "to come": dates(1, 10)},
			answers{"good": dates(-1, 10), "not seen": with(func(*Asked) {}), "no dates": with(func(a *Asked) { a.Evidence.Certificate = &Certificate{} })},
		},
		"counts": {
			answers{"more": count(Count{URI: "/x", Says: 3, Listed: 2}), "fewer": count(Count{URI: "/x", Says: 1, Listed: 2}), "fewer on a first page": count(Count{URI: "/x", Says: 1, Listed: 2, More: true}), "twice": count(Count{URI: "/x", Says: 2, Listed: 2, Twice: []string{"/x/1"}})},
			answers{"same": count(Count{Says: 2, Listed: 2}), "a page": count(Count{Says: 200, Listed: 50, More: true}), "not said": count(Count{Says: -1, Listed: 2})},
		},
		"etag": {
			answers{"changes": tag(Tag{First: `"a"`, Second: `"b"`}), "stays": tag(Tag{First: `"a"`, Second: `"a"`, Changed: true}), "forgotten": tag(Tag{First: `"a"`, Second: `"a"`, Conditional: 412}), "ignored": tag(Tag{First: `"a"`, Second: `"a"`, Conditional: 200})},
			answers{"honoured": tag(Tag{First: `"a"`, Second: `"a"`, Conditional: 304}), "changed": tag(Tag{First: `"a"`, Second: `"b"`, Changed: true}), "none": tag(Tag{})},
		},
		"health": {
			answers{"part": parts("OK", "Critical"), "sensor": with(func(a *Asked) {
				a.Readings = &bmc.Readings{Health: bmc.OK, Ills: []bmc.Ill{{Part: "Fan 2", Health: bmc.Critical}}}
			})},
			answers{"all well": parts("OK", "OK"), "warning": parts("OK", "Warning"), "told": parts("Critical", "Critical"), "not told": parts("", "Critical")},
		},
		"media-twice": {
			answers{"two lists": drives(Drive{List: "/s", ID: "CD"}, Drive{List: "/m", ID: "CD"})},
			answers{"two drives": drives(Drive{List: "/s", ID: "CD1"}, Drive{List: "/m", ID: "CD2"}), "none": drives()},
		},
		"media-inserted": {
			answers{"no image": drives(Drive{ID: "CD", Inserted: true})},
			answers{"image": drives(Drive{ID: "CD", Inserted: true, Image: "http://x/"}), "empty": drives(Drive{ID: "CD"})},
		},
		"events": {
			answers{"no link": with(func(a *Asked) { a.Evidence.Events = Events{There: true, Enabled: true} }), "stream": with(func(a *Asked) { a.Evidence.Events = Events{There: true, Stream: "/sse"} })},
			answers{"good": with(func(a *Asked) { a.Evidence.Events = Events{There: true, Enabled: true, Subscriptions: true} }), "off": with(func(a *Asked) { a.Evidence.Events = Events{There: true} }), "none": with(func(*Asked) {})},
		},
		"memory-sum": {
			answers{"half": facts(inventory.Facts{DIMMs: []inventory.DIMM{{SizeMiB: 16384}}}, System{MemoryGiB: 32})},
			answers{"same": facts(inventory.Facts{DIMMs: []inventory.DIMM{{SizeMiB: 32768}}}, System{MemoryGiB: 32}), "in ten to the ninth": facts(inventory.Facts{DIMMs: []inventory.DIMM{{SizeMiB: 32768}}}, System{MemoryGiB: 34.4}), "not listed": facts(inventory.Facts{}, System{MemoryGiB: 32})},
		},
		"processors": {
			answers{"fewer": facts(inventory.Facts{CPUs: make([]inventory.CPU, 1)}, System{Processors: 2})},
			answers{"same": facts(inventory.Facts{CPUs: make([]inventory.CPU, 2)}, System{Processors: 2}), "not told": facts(inventory.Facts{CPUs: make([]inventory.CPU, 2)}, System{Processors: -1})},
		},
		"port-addresses": {
			answers{"one address": facts(inventory.Facts{NICs: []inventory.SeenNIC{{Name: "1", MAC: mac}}, BMCs: []inventory.MAC{mac}}, System{})},
			answers{"two": facts(inventory.Facts{NICs: []inventory.SeenNIC{{Name: "1", MAC: mac}}, BMCs: []inventory.MAC{{2, 0, 0, 0, 0, 9}}}, System{})},
		},
	}
}

func TestEveryRuleNoticesWhatBreaksItAndNothingElse(t *testing.T) {
	all := cases()
	for _, rule := range Rules() {
		c, ok := all[rule.Name]
		if !ok || len(c.broken) == 0 || len(c.kept) == 0 {
			t.Errorf("rule %s has no cases", rule.Name)
		}
		for name, a := range c.broken {
			says := rule.Broken(a)
			if len(says) == 0 || strings.Contains(strings.Join(says, ""), "%!") {
				t.Errorf("%s does not notice %q: %q", rule.Name, name, says)
			}
		}
		for name, a := range c.kept {
			if says := rule.Broken(a); len(says) > 0 {
				t.Errorf("%s complains of %q: %v", rule.Name, name, says)
			}
		}
		delete(all, rule.Name)
	}
	for name := range all {
		t.Errorf("there is no rule %s", name)
	}
}
