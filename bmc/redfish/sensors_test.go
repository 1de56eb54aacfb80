package redfish

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"rackwright/bmc"
	"rackwright/fault"
)

const boxPath = "/redfish/v1/Chassis/box"

// boxed gives a mock's system one chassis with these properties.
func boxed(m *mock, properties object) {
	m.tree[m.System]["Links"].(object)["Chassis"] = []any{ref(boxPath)}
	m.tree[boxPath] = object{"@odata.id": boxPath, "Id": "box", "Name": "Box"}
	for k, v := range properties {
		m.tree[boxPath][k] = v
	}
}

func ref(uri string) object { return object{"@odata.id": uri} }

func (m *mock) expands() {
	m.tree["/redfish/v1"]["ProtocolFeaturesSupported"] = object{"ExpandQuery": object{"NoLinks": true}, "TopSkipQuery": true}
}

func sensorsOf(t *testing.T, c *Controller) bmc.Readings {
	t.Helper()
	r, err := c.Readings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if r.At.IsZero() {
		t.Error("the readings have no time")
	}
	return r
}

func withThermal(m *mock) {
	boxed(m, object{"Thermal": ref(boxPath + "/Thermal"), "Power": ref(boxPath + "/Power")})
	m.tree[boxPath+"/Thermal"] = object{
		"Temperatures": []object{
			{"Name": "Inlet Temp", "ReadingCelsius": 23, "UpperThresholdCritical": 42, "LowerThresholdCritical": -7, "PhysicalContext": "Intake", "Status": object{"State": "Enabled", "Health": "OK"}},
			{"Name": "CPU2 Temp", "ReadingCelsius": 0, "Status": object{"State": "Absent"}},
			{"Name": "CPU1 Temp", "ReadingCelsius": 97, "UpperThresholdCritical": 95, "Status": object{"State": "Enabled", "Health": "Critical"}},
		},
		"Fans": []object{
			{"FanName": "Fan 1", "Reading": 30, "ReadingUnits": "Percent", "Status": object{"State": "Enabled", "Health": "OK"}},
			{"Name": "Fan 2", "CurrentReading": 4200, "Units": "RPM", "Status": object{"Health": "Warning"}},
			{"Name": "Fan 3", "Reading": nil, "Status": object{"Health": "Critical", "State": "Enabled"}},
		},
	}
	m.tree[boxPath+"/Power"] = object{
		"PowerControl":  []object{{"PowerConsumedWatts": 312.5}},
		"Voltages":      []object{{"Name": "12V", "ReadingVolts": 12.1}},
		"PowerSupplies": []object{{"Name": "PSU 1", "LastPowerOutputWatts": 150}, {"Name": "PSU 2", "Status": object{"State": "Absent"}}},
	}
}

func TestReadingsOfThermalAndPower(t *testing.T) {
	m := newMock(t, "dell")
	withThermal(m)
	m.tree[m.System]["Status"] = object{"Health": "OK", "HealthRollup": "Critical"}
	r := sensorsOf(t, open(t, m, &Dialer{Timing: quick()}))
	want := []bmc.Sensor{
		{Name: "Inlet Temp", Kind: "temperature", Value: 23, Unit: "Cel", Health: bmc.OK, Low: -7, High: 42, Location: "Intake"},
		{Name: "CPU1 Temp", Kind: "temperature", Value: 97, Unit: "Cel", Health: bmc.Critical, High: 95},
		{Name: "Fan 1", Kind: "fan", Value: 30, Unit: "%", Health: bmc.OK},
		{Name: "Fan 2", Kind: "fan", Value: 4200, Unit: "RPM", Health: bmc.Warning},
		{Name: "Power", Kind: "power", Value: 312.5, Unit: "W"},
		{Name: "12V", Kind: "voltage", Value: 12.1, Unit: "V"},
		{Name: "PSU 1", Kind: "power", Value: 150, Unit: "W"},
	}
	if !slices.Equal(r.Sensors, want) {
		t.Errorf("sensors %+v", r.Sensors)
	}
	ills := []bmc.Ill{{Part: "CPU1 Temp", Health: bmc.Critical, Says: "97 Cel, critical from 95 Cel"}, {Part: "Fan 2", Health: bmc.Warning, Says: "4200 RPM"},
		{Part: "Fan 3", Health: bmc.Critical, Says: "reads nothing"}}
	if r.Health != bmc.Critical || !slices.Equal(r.Ills, ills) {
		t.Errorf("%s, ills %+v", r.Health, r.Ills)
	}
}

func sensorAt(m *mock, id string, o object) object {
	uri := boxPath + "/Sensors/" + id
	o["@odata.id"], o["Id"] = uri, id
	m.tree[uri] = o
	return ref(uri)
}

func TestReadingsPreferSensorsThatComeInOneRequest(t *testing.T) {
	m := newMock(t, "openbmc")
	withThermal(m)
	m.expands()
	members := []object{
		{"@odata.id": "x", "Id": "a", "Name": "Ambient", "Reading": 21.5, "ReadingType": "Temperature", "ReadingUnits": "Cel", "Thresholds": object{"UpperCritical": object{"Reading": 40}}},
		{"@odata.id": "x", "Id": "f", "Name": "Fan0", "Reading": 40, "ReadingType": "Percent", "ReadingUnits": "%", "PhysicalContext": "Fan"},
		{"@odata.id": "x", "Id": "r", "Name": "Fan1", "Reading": 9000, "ReadingType": "Rotational", "ReadingUnits": "{rev}/min"},
		{"@odata.id": "x", "Id": "h", "Name": "Humidity", "Reading": 35, "ReadingType": "Humidity", "ReadingUnits": "%"},
		{"@odata.id": "x", "Id": "n", "Name": "Off", "Reading": nil, "ReadingType": "Power"},
		{"@odata.id": "x", "Id": "o", "Name": "Odd", "Reading": "many", "ReadingType": "Power"},
	}
	m.tree[boxPath]["Sensors"] = ref(boxPath + "/Sensors")
	m.tree[boxPath+"/Sensors"] = object{"Members": members}
	c := open(t, m, &Dialer{Timing: quick()})
	before := m.count("GET")
	r := sensorsOf(t, c)
	want := []bmc.Sensor{
		{Name: "Ambient", Kind: "temperature", Value: 21.5, Unit: "Cel", High: 40},
		{Name: "Fan0", Kind: "fan", Value: 40, Unit: "%", Location: "Fan"},
		{Name: "Fan1", Kind: "fan", Value: 9000, Unit: "RPM"},
		{Name: "Humidity", Kind: "humidity", Value: 35, Unit: "%"},
	}
	if !slices.Equal(r.Sensors, want) || m.count("GET")-before > 4 {
		t.Errorf("%d requests for %+v", m.count("GET")-before, r.Sensors)
	}
}

func TestReadingsOfSensorsThatAreARequestEach(t *testing.T) {
	m := newMock(t, "openbmc")
	boxed(m, object{"Sensors": ref(boxPath + "/Sensors")})
	all := []any{ref(boxPath + "/Sensors/gone")}
	for i := range 3 {
		all = append(all, sensorAt(m, fmt.Sprintf("t%d", i), object{"Name": "T", "Reading": i, "ReadingUnits": "Cel"}))
	}
	m.tree[boxPath+"/Sensors"] = object{"Members": all}
	c := open(t, m, &Dialer{Timing: quick()})
	if r := sensorsOf(t, c); len(r.Sensors) != 3 || r.Sensors[2].Value != 2 {
		t.Errorf("%+v", r.Sensors)
	}
	withThermal(m) // the same in two requests
	m.tree[boxPath]["Sensors"] = ref(boxPath + "/Sensors")
	before := m.count("GET " + boxPath + "/Sensors/")
	if r := sensorsOf(t, c); r.Sensors[0].Name != "Inlet Temp" || m.count("GET "+boxPath+"/Sensors/") != before {
		t.Errorf("%+v", r.Sensors)
	}
}

func TestReadingsOfMetricsWhereThereIsNothingElse(t *testing.T) {
	m := newMock(t, "nvidia")
	boxed(m, object{"EnvironmentMetrics": ref(boxPath + "/Env"), "ThermalSubsystem": ref(boxPath + "/ThermalSubsystem")})
	m.tree[boxPath+"/Env"] = object{"PowerWatts": object{"Reading": 700}, "TemperatureCelsius": object{"Reading": 44, "DataSourceUri": "/redfish/v1/Chassis/box/Sensors/T1"},
		"FanSpeedsPercent": []object{{"DeviceName": "Fan 1", "SpeedRPM": 5000}, {"Reading": 33}}}
	m.tree[boxPath+"/ThermalSubsystem"] = object{"ThermalMetrics": ref(boxPath + "/ThermalSubsystem/Metrics")}
	m.tree[boxPath+"/ThermalSubsystem/Metrics"] = object{"TemperatureReadingsCelsius": []object{{"DeviceName": "Intake", "Reading": 20}}}
	var got []string
	for _, s := range sensorsOf(t, open(t, m, &Dialer{Timing: quick()})).Sensors {
		got = append(got, fmt.Sprintf("%s %s %g %s", s.Name, s.Kind, s.Value, s.Unit))
	}
	if want := "T1 temperature 44 Cel, Power power 700 W, Fan 1 fan 5000 RPM, Fan fan 33 %, Intake temperature 20 Cel"; strings.Join(got, ", ") != want {
		t.Errorf("%q", got)
	}
}

func TestTheIllsOfAMachineThatIsNotWellNameTheirParts(t *testing.T) {
	m := newMock(t, "dell")
	withThermal(m)
	m.tree[boxPath+"/Thermal"] = object{}
	m.tree[boxPath]["PowerSubsystem"] = ref(boxPath + "/PowerSubsystem")
	m.tree[boxPath+"/PowerSubsystem"] = object{"PowerSupplies": ref(boxPath + "/Supplies")}
	m.tree[boxPath+"/Supplies"] = object{"Members": []any{ref(boxPath + "/Supplies/2")}}
	m.tree[boxPath+"/Supplies/2"] = object{"Name": "PSU 2", "Status": object{"State": "StandbyOffline", "Health": "Warning"}}
	sys := m.tree[m.System]
	sys["Status"] = object{"HealthRollup": "Critical", "Health": "Critical",
		"Conditions": []object{{"Severity": "Critical", "Message": "multi-bit error at https://x/y", "OriginOfCondition": ref("/redfish/v1/Systems/1/Memory/DIMM.Socket.B1")}}}
	memory := sys["Memory"].(object)["@odata.id"].(string)
	m.tree[memory+"/DIMM.Socket.A1"]["Status"] = object{"State": "Enabled", "Health": "Warning"}
	r := sensorsOf(t, open(t, m, &Dialer{Timing: quick()}))
	want := []bmc.Ill{{Part: "DIMM.Socket.B1", Health: bmc.Critical, Says: "multi-bit error at https://x/(hidden)"},
		{Part: "DIMM.Socket.A1", Health: bmc.Warning}, {Part: "PSU 2", Health: bmc.Warning, Says: "StandbyOffline"}}
	for _, i := range want {
		if !slices.Contains(r.Ills, i) {
			t.Errorf("no %+v in %+v", i, r.Ills)
		}
	}
}

func TestAnIllDriveIsFoundBehindItsController(t *testing.T) {
	m := newMock(t, "dell")
	sys := m.tree[m.System]
	sys["Status"] = object{"HealthRollup": "Critical"}
	sys["Storage"] = ref("/s")
	m.tree["/s"] = object{"Members": []any{ref("/s/1"), ref("/s/2")}}
	m.tree["/s/1"] = object{"Id": "1", "Name": "RAID", "Status": object{"HealthRollup": "Critical", "Health": "OK"}, "Drives": []any{ref("/s/1/d0"), ref("/s/1/d1"), ref("/s/1/gone")}}
	m.tree["/s/2"] = object{"Id": "2", "Status": object{"HealthRollup": "OK"}, "Drives": []any{ref("/s/2/d9")}}
	m.tree["/s/1/d0"] = object{"Name": "Disk 0", "Status": object{"Health": "OK"}}
	m.tree["/s/1/d1"] = object{"Name": "Disk 1", "Status": object{"Health": "Critical", "State": "Enabled"}, "Location": object{"PartLocation": object{"ServiceLabel": "Bay 1"}}}
	r := sensorsOf(t, open(t, m, &Dialer{Timing: quick()}))
	if !slices.Contains(r.Ills, bmc.Ill{Part: "Bay 1", Health: bmc.Critical}) || slices.ContainsFunc(r.Ills, func(i bmc.Ill) bool { return i.Part == "RAID" }) || m.count("GET /s/2/d9") != 0 {
		t.Errorf("%+v", r.Ills)
	}
}

func TestAWellMachineIsNotSearched(t *testing.T) {
	m := newMock(t, "dell")
	m.tree[m.System]["Status"] = object{"Health": "OK"}
	r := sensorsOf(t, open(t, m, &Dialer{Timing: quick()}))
	if r.Health != bmc.OK || len(r.Ills) != 0 || m.count("GET "+m.System+"/Memory") != 0 {
		t.Errorf("%+v", r)
	}
}

func TestAnIllnessWithoutAPartIsTheSystems(t *testing.T) {
	m := newMock(t, "supermicro")
	m.tree[m.System]["Status"] = object{"HealthRollup": "Warning"}
	r := sensorsOf(t, open(t, m, &Dialer{Timing: quick()}))
	if want := []bmc.Ill{{Part: "system", Health: bmc.Warning, Says: "the BMC does not say which part"}}; !slices.Equal(r.Ills, want) {
		t.Errorf("%+v", r)
	}
}

func TestSensorsThatNeverEndEnd(t *testing.T) {
	m := newMock(t, "openbmc")
	m.expands()
	boxed(m, object{"Sensors": ref(boxPath + "/Sensors")})
	m.tree[boxPath+"/Sensors"] = object{"Members": []object{{"Id": "a", "Name": "A", "Reading": 1}}, "Members@odata.nextLink": boxPath + "/Sensors"}
	if r := sensorsOf(t, open(t, m, &Dialer{Timing: quick()})); len(r.Sensors) == 0 || len(r.Sensors) > maxSensors {
		t.Errorf("%d sensors", len(r.Sensors))
	}
}

func TestReadingsOfABMCThatDeniesUsAreDenied(t *testing.T) {
	m := newMock(t, "dell")
	c := open(t, m, &Dialer{Timing: quick()})
	m.with(func() { m.fault = says("GET", m.System, 403, "{}") })
	_, err := c.Readings(t.Context())
	want(t, err, fault.Denied)
}
