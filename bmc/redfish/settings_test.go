package redfish

import (
	"encoding/json"
	"net/http"
	"testing"

	"rackwright/fault"
)

const dellBIOS = "/redfish/v1/Systems/System.Embedded.1/Bios"

func TestSettingsGetTheTypesOfTheRegistry(t *testing.T) {
	m := newMock(t, "dell")
	c := open(t, m, &Dialer{Timing: quick()})
	if err := c.StageSettings(t.Context(), map[string]string{"AcPwrRcvryUserDelay": "120", "SecureBootOn": "true", "LogicalProc": "Disabled", "AssetTag": "A-7"}); err != nil {
		t.Fatal(err)
	}
	sent, _ := json.Marshal(m.tree[dellBIOS+"/Settings"]["Attributes"])
	if string(sent) != `{"AcPwrRcvryUserDelay":120,"AssetTag":"A-7","LogicalProc":"Disabled","SecureBootOn":true}` {
		t.Errorf("staged %s", sent)
	}
}

func TestSettingsThatAreWrongAreNamedAtOnce(t *testing.T) {
	m := newMock(t, "dell")
	c := open(t, m, &Dialer{Timing: quick()})
	err := c.StageSettings(t.Context(), map[string]string{"LogicalProc": "enabled", "AcPwrRcvryUserDelay": "7", "SecureBootOn": "yes", "NoSuch": "1",
		"BootMode": "Bios", "SysPassword": "x", "AssetTag": "much-too-long"})
	want(t, err, fault.Invalid, "LogicalProc: it is one of Enabled, Disabled", "AcPwrRcvryUserDelay: it is 60 or more",
		"SecureBootOn: it is true or false", "NoSuch: there is no such setting", "BootMode: it cannot be changed", "SysPassword: it is a password", "AssetTag: its length")
	if n := m.count("PATCH"); n != 0 {
		t.Errorf("%d writes", n)
	}
}

func TestWithoutARegistryTypesAreThoseInForce(t *testing.T) {
	m := newMock(t, "ami")
	c := open(t, m, &Dialer{Timing: quick()})
	want(t, c.StageSettings(t.Context(), map[string]string{"CORES": "many", "TPM": "on"}), fault.Invalid, "CORES: it is a whole number", "TPM: it is true or false")
	if err := c.StageSettings(t.Context(), map[string]string{"CORES": "4", "TPM": "false", "SETUP006": "Loud"}); err != nil {
		t.Fatal(err)
	}
	got, err := c.Settings(t.Context())
	if err != nil || len(got.Pending) != 3 || got.Pending["CORES"] != "4" || got.Now["CORES"] != "8" {
		t.Errorf("settings %+v, %v", got, err)
	}
}

func TestAValueThatIsInForceIsNoWriteUnlessAnotherIsStaged(t *testing.T) {
	m := newMock(t, "hpe")
	c := open(t, m, &Dialer{Timing: quick()})
	for _, c := range []struct {
		value  string
		writes int
	}{{"Flat", 0}, {"Clustered", 1}, {"Clustered", 1}, {"Flat", 2}} {
		if err := open(t, m, &Dialer{Timing: quick()}).StageSettings(t.Context(), map[string]string{"NumaGroupSizeOpt": c.value}); err != nil {
			t.Fatal(err)
		}
		if n := m.count("PATCH"); n != c.writes {
			t.Errorf("%d writes after %s, want %d", n, c.value, c.writes)
		}
	}
	if got, err := c.Settings(t.Context()); err != nil || len(got.Pending) != 0 {
		t.Errorf("settings %+v, %v", got, err)
	}
}

func TestADellGetsOneJobForWhatIsStaged(t *testing.T) {
	for name, jobs := range map[string]int{"dell": 1, "dell10": 0} { // the second makes it of the write
		m := newMock(t, name)
		c := open(t, m, &Dialer{Timing: quick()})
		if err := c.StageSettings(t.Context(), map[string]string{"LogicalProc": "Disabled"}); err != nil {
			t.Fatal(err)
		}
		if n := m.count("POST " + m.Jobs); n != jobs || !m.job {
			t.Errorf("%s: %d jobs were asked for, there is one: %t", name, n, m.job)
		}
	}
	m := newMock(t, "dell")
	c := open(t, m, &Dialer{Timing: quick()})
	m.with(func() { m.fault = says("POST", m.Jobs, 400, "Pending configuration values are already committed") })
	if err := c.StageSettings(t.Context(), map[string]string{"LogicalProc": "Disabled"}); err != nil {
		t.Errorf("a job that is there already: %v", err)
	}
}

func TestSettingsThatDoNotReadBackAreNamed(t *testing.T) {
	m := newMock(t, "hpe")
	c := open(t, m, &Dialer{Timing: brief()})
	m.with(func() { m.deaf = true })
	want(t, c.StageSettings(t.Context(), map[string]string{"NumaGroupSizeOpt": "Clustered"}), fault.Conflict, "do not read back: NumaGroupSizeOpt")
}

func TestAStagingWithAnUnclearAnswerIsJudgedByWhatReadsBack(t *testing.T) {
	m := newMock(t, "hpe")
	c := open(t, m, &Dialer{Timing: quick()})
	m.with(func() {
		m.fault = func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodPatch {
				m.tree["/redfish/v1/Systems/1/Bios/settings"]["Attributes"].(object)["NumaGroupSizeOpt"] = "Clustered"
				w.WriteHeader(http.StatusInternalServerError)
			}
			return r.Method == http.MethodPatch
		}
	})
	if err := c.StageSettings(t.Context(), map[string]string{"NumaGroupSizeOpt": "Clustered"}); err != nil {
		t.Error(err)
	}
	if n := m.count("PATCH"); n != 1 {
		t.Errorf("%d writes", n)
	}
}

func TestAnApplyTimeThatIsRefusedIsLeftOut(t *testing.T) {
	m := newMock(t, "ami")
	m.tree["/redfish/v1/Systems/Self/Bios"]["@Redfish.Settings"].(object)["SupportedApplyTimes"] = []string{"OnReset"}
	c := open(t, m, &Dialer{Timing: quick()})
	m.with(func() {
		m.fault = times(1, says("PATCH", "/redfish/v1/Systems/Self/Bios/SD", 400, `{"error":{"code":"x","message":"The property @Redfish.SettingsApplyTime is unknown"}}`))
	})
	if err := c.StageSettings(t.Context(), map[string]string{"CORES": "4"}); err != nil {
		t.Fatal(err)
	}
	if last := m.sent[len(m.sent)-1]; last["@Redfish.SettingsApplyTime"] != nil {
		t.Errorf("sent %v", last)
	}
}

func FuzzAnAttributeTakesOnlyWhatFits(f *testing.F) {
	f.Add([]byte(`{"RegistryEntries":{"Attributes":[{"AttributeName":"A","Type":"Integer","LowerBound":1,"UpperBound":5}]}}`), "3")
	f.Add([]byte(`{"RegistryEntries":{"Attributes":[{"AttributeName":"B","Type":"Enumeration","Value":[{"ValueName":"x"}]},7]}}`), "x")
	f.Fuzz(func(t *testing.T, text []byte, value string) {
		var r registry
		if lenient(json.Unmarshal(text, &r)) != nil {
			return
		}
		for _, a := range r.RegistryEntries.Attributes {
			typed, why := a.parse(value)
			if (typed == nil) == (why == "") {
				t.Fatalf("%+v makes %v of %q, because %q", a, typed, value, why)
			}
			if n, isInt := typed.(int64); isInt && (a.LowerBound != nil && n < *a.LowerBound || a.UpperBound != nil && n > *a.UpperBound) {
				t.Fatalf("%+v takes %d", a, n)
			}
		}
	})
}
