package redfish

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stmcginnis/gofish/schemas"

	"rackwright/racksim"
	"rackwright/racksim/faults"
)

func TestGofishStagesBIOSAttributesAndTheStartAppliesThem(t *testing.T) {
	dir := t.TempDir()
	change := func(m *racksim.Machine) {
		m.Attributes = map[string]string{"SriovGlobal": "Enabled", "Cores": "8", "Note": "x"}
	}
	b := newBenchIn(t, racksim.UEFI, dir, change)
	s := onlySystem(t, b.gofish(t, true))
	bios, err := s.Bios()
	if err != nil {
		t.Fatal(err)
	}
	if bios.Attributes.Int("Cores") != 8 || bios.Attributes.String("SriovGlobal") != "Enabled" || !bios.Attributes.Bool("QuietBoot") {
		t.Errorf("%v", bios.Attributes)
	}
	if err := bios.UpdateBiosAttributes(schemas.SettingsAttributes{"Cores": 4, "SriovGlobal": "Disabled", "Note": "y"}); err != nil {
		t.Fatal(err)
	}
	pending := func() map[string]any { return b.object(t, biosSettingsPath)["Attributes"].(map[string]any) }
	now := func() map[string]any { return b.object(t, biosPath)["Attributes"].(map[string]any) }
	if p := pending(); p["Cores"] != 4.0 || p["SriovGlobal"] != "Disabled" || p["Note"] != "y" || len(p) != 3 || now()["Cores"] != 8.0 {
		t.Errorf("staged %v over %v", p, now())
	}
	if again := newBenchIn(t, racksim.UEFI, dir, change); len(again.service.pending()) != 3 {
		t.Errorf("after racksim started anew %v is staged", again.service.pending())
	}
	reset(t, s, schemas.OnResetType)
	b.machine.await(t, "on", func() bool { return len(b.machine.boots) == 1 })
	if n := now(); n["Cores"] != 4.0 || n["SriovGlobal"] != "Disabled" || len(pending()) != 0 {
		t.Errorf("after the start %v, staged %v", n, pending())
	}
	b.call(t, "POST", resetBIOSPath, "")
	if p := pending(); p["Cores"] != 8.0 || len(p) != 3 {
		t.Errorf("ResetBios stages %v", p)
	}
}

func TestSettingsThatCannotBeAreRefused(t *testing.T) {
	b := newBench(t, racksim.UEFI)
	for what, c := range map[string]struct{ path, body string }{
		"unknown attribute":    {biosSettingsPath, `{"Attributes": {"Nonsense": 1}}`},
		"read-only attribute":  {biosSettingsPath, `{"Attributes": {"BootMode": "Legacy"}}`},
		"wrong type":           {biosSettingsPath, `{"Attributes": {"QuietBoot": "yes"}}`},
		"not a choice":         {biosSettingsPath, `{"Attributes": {"ProcVirtualization": "Maybe"}}`},
		"out of range":         {biosSettingsPath, `{"Attributes": {"BootRetries": 1000}}`},
		"half a number":        {biosSettingsPath, `{"Attributes": {"BootRetries": 1.5}}`},
		"null":                 {biosSettingsPath, `{"Attributes": {"BootRetries": null}}`},
		"at once":              {biosSettingsPath, `{"Attributes": {"BootRetries": 1}, "@Redfish.SettingsApplyTime": {"ApplyTime": "Immediate"}}`},
		"unknown device":       {systemSettingsPath, `{"Boot": {"BootOrder": ["nic9"]}}`},
		"device twice":         {systemPath, `{"Boot": {"BootOrder": ["nic1", "nic1"]}}`},
		"https off":            {protocolsPath, `{"HTTPS": {"ProtocolEnabled": false}}`},
		"five time servers":    {protocolsPath, `{"NTP": {"NTPServers": ["a", "b", "c", "d", "e"]}}`},
		"no time":              {managerPath, `{"DateTime": "yesterday"}`},
		"place of wrong type":  {chassisPath, `{"Location": {"Placement": {"Rack": 7}}}`},
		"place of wrong units": {chassisPath, `{"Location": {"Placement": {"RackOffsetUnits": "cubits"}}}`},
		"place too long":       {chassisPath, `{"Location": {"PostalAddress": {"Room": "` + strings.Repeat("x", 200) + `"}}}`},
		"lock-out too high":    {accountServicePath, `{"AccountLockoutThreshold": 1000}`},
	} {
		if got := b.call(t, "PATCH", c.path, c.body); got.status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", what, got.status, got.text)
		}
	}
}

func TestTheBootOrderIsTheStandingOne(t *testing.T) {
	b := newBench(t, racksim.UEFI)
	s := onlySystem(t, b.gofish(t, true))
	options, err := s.BootOptions()
	if err != nil || options[0].BootOptionReference != "nic1" {
		t.Fatal(options, err)
	}
	if got := b.call(t, "PATCH", systemSettingsPath, `{"Boot": {"BootOrder": ["disk2", "cd"]}}`); got.status != 200 {
		t.Fatal(got.text)
	}
	if got := b.service.Setup.Order()[0]; got != "nic1" {
		t.Errorf("before the reset %s is first", got)
	}
	reset(t, s, schemas.OnResetType)
	b.machine.await(t, "on", func() bool { return len(b.machine.boots) == 1 })
	if got := b.machine.boots[0].Order; !slices.Equal(got, []string{"disk2", "cd", "nic1", "disk1"}) {
		t.Errorf("starts with %v", got)
	}
	if got := b.call(t, "PATCH", systemPath, `{"Boot": {"BootOrder": ["disk1"]}}`); got.status != 200 {
		t.Fatal(got.text)
	}
	reset(t, s, schemas.ForceRestartResetType)
	b.machine.await(t, "restarted", func() bool { return len(b.machine.boots) == 2 })
	if got := b.machine.boots[1].Order[0]; got != "disk1" {
		t.Errorf("restarts with %s", got)
	}
}

func TestALastingOverrideStaysAndSetupIsOne(t *testing.T) {
	b := newBench(t, racksim.UEFI)
	s := onlySystem(t, b.gofish(t, true))
	if got := b.call(t, "PATCH", systemPath, `{"Boot": {"BootSourceOverrideTarget": "Cd", "BootSourceOverrideEnabled": "Continuous"}}`); got.status != 200 {
		t.Fatal(got.text)
	}
	reset(t, s, schemas.OnResetType)
	reset(t, s, schemas.ForceRestartResetType)
	b.machine.await(t, "two starts", func() bool { return len(b.machine.boots) == 2 })
	if b.machine.boots[0].Order[0] != racksim.Media || b.machine.boots[1].Order[0] != racksim.Media {
		t.Errorf("starts %+v", b.machine.boots)
	}
	b.call(t, "PATCH", systemPath, `{"Boot": {"BootSourceOverrideTarget": "BiosSetup", "BootSourceOverrideEnabled": "Once"}}`)
	reset(t, s, schemas.ForceRestartResetType)
	reset(t, s, schemas.ForceRestartResetType)
	b.machine.await(t, "four starts", func() bool { return len(b.machine.boots) == 4 })
	if !b.machine.boots[2].Setup || b.machine.boots[3].Setup {
		t.Errorf("starts %+v", b.machine.boots)
	}
}

func TestSecureBootFollowsAReset(t *testing.T) {
	b := newBench(t, racksim.UEFI)
	s := onlySystem(t, b.gofish(t, true))
	secure, err := s.SecureBoot()
	if err != nil {
		t.Fatal(err)
	}
	state := func() string {
		v := b.object(t, securePath)
		return v["SecureBootCurrentBoot"].(string) + " " + v["SecureBootMode"].(string)
	}
	if got := b.call(t, "PATCH", securePath, `{"SecureBootEnable": true}`); got.status != 200 || state() != "Disabled UserMode" {
		t.Errorf("before the reset: %s", state())
	}
	reset(t, s, schemas.OnResetType)
	b.machine.await(t, "on", func() bool { return len(b.machine.boots) == 1 })
	if state() != "Enabled UserMode" {
		t.Errorf("after the reset: %s", state())
	}
	if _, err := secure.ResetKeys(schemas.DeletePKResetKeysType); err != nil {
		t.Fatal(err)
	}
	if databases, err := secure.SecureBootDatabases(); err != nil || len(databases) != 4 {
		t.Errorf("databases: %v, %v", databases, err)
	}
	reset(t, s, schemas.ForceRestartResetType)
	b.machine.await(t, "restarted", func() bool { return len(b.machine.boots) == 2 })
	if state() != "Disabled SetupMode" {
		t.Errorf("without a platform key: %s", state())
	}
	b.call(t, "POST", databasesPath+"/PK/Actions/SecureBootDatabase.ResetKeys", `{"ResetKeysType": "ResetAllKeysToDefault"}`)
	if got := b.object(t, databasesPath+"/PK/Certificates")["Members@odata.count"]; got != 1.0 {
		t.Errorf("%v platform keys", got)
	}
}

func TestFaultsOfTheRackFileRollUp(t *testing.T) {
	b := newBenchIn(t, racksim.BIOS, t.TempDir(), func(m *racksim.Machine) {
		m.PSUs[1].Input, m.Fans[0].Failed, m.DIMMs[0].Health = racksim.InputFailed, true, racksim.HealthWarning
	})
	c := b.gofish(t, true)
	s := onlySystem(t, c)
	if s.Status.Health != schemas.OKHealth || s.Status.HealthRollup != schemas.CriticalHealth || len(s.Status.Conditions) != 3 {
		t.Errorf("%+v", s.Status)
	}
	all, err := c.Service.Chassis()
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	reset(t, s, schemas.OnResetType)
	b.machine.await(t, "on", func() bool { return len(b.machine.boots) == 1 })
	readings := map[string]float64{}
	sensors, err := all[0].Sensors()
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range sensors {
		readings[x.Name] = *x.Reading
	}
	if readings["Fan 1"] != 0 || readings["Fan 2"] != fanSpeed || readings["CPU1 Temperature"] != busyHeat || readings["Total Power"] != wattsOn {
		t.Errorf("%v", readings)
	}
	thermal, err := all[0].ThermalSubsystem()
	if err != nil {
		t.Fatal(err)
	}
	if fans, err := thermal.Fans(); err != nil || len(fans) != 2 || fans[0].Status.Health != schemas.CriticalHealth {
		t.Errorf("%v, %v", fans, err)
	}
	if got := b.call(t, "GET", selPath+"/Entries", ""); strings.Count(got.text, "PartFailed") != 3 {
		t.Errorf("the log has %s", got.text)
	}
}

func TestABMCDoesWrongWhatTheRackFileSays(t *testing.T) {
	b := newBenchIn(t, racksim.BIOS, t.TempDir(), func(m *racksim.Machine) {
		m.BMC.Latency = time.Millisecond
		m.BMC.Faults = []faults.Fault{{Kind: faults.Unavailable, Path: "/redfish/v1/Systems", Times: 1, Wait: 2 * time.Second}, {Kind: faults.BootIgnored}}
	})
	if got := b.call(t, "GET", systemPath, ""); got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") != "2" {
		t.Errorf("first read: %d", got.status)
	}
	b.call(t, "PATCH", systemPath, `{"Boot": {"BootSourceOverrideTarget": "Pxe"}}`)
	if got := b.service.Setup.Override(); got.Target != racksim.TargetNone {
		t.Errorf("the override stands: %+v", got)
	}
	if b.service.Faults.Hits(faults.Slow) == 0 {
		t.Error("no answer was late")
	}
}
