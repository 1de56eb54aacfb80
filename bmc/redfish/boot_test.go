package redfish

import (
	"net/http"
	"strings"
	"testing"

	"rackwright/bmc"
	"rackwright/fault"
	"rackwright/inventory"
)

const dellAttributes = "/redfish/v1/Managers/iDRAC.Embedded.1/Oem/Dell/DellAttributes/iDRAC.Embedded.1"

func (m *mock) firstDevice() any {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.tree[dellAttributes]["Attributes"].(object)["ServerBoot.1.FirstBootDevice"]
}

func TestADellBootsItsVirtualCDByAttributesAndTakesThemBack(t *testing.T) {
	m := newMock(t, "dell")
	c := open(t, m, &Dialer{Timing: quick()})
	if err := c.SetNextBoot(t.Context(), bmc.Boot{Target: bmc.BootCD}); err != nil || m.firstDevice() != dellVirtualCD {
		t.Fatalf("SetNextBoot: %v, the first device is %v", err, m.firstDevice())
	}
	if n := m.count("PATCH " + m.System); n != 0 {
		t.Errorf("%d overrides were written beside", n)
	}
	want(t, c.SetNextBoot(t.Context(), bmc.Boot{Target: bmc.BootCD, Mode: inventory.BIOS}), fault.Invalid, "in the mode of the machine")
	if err := c.SetNextBoot(t.Context(), bmc.Boot{Target: bmc.BootPXE}); err != nil || m.firstDevice() != dellNormal {
		t.Fatalf("SetNextBoot: %v, the first device is %v", err, m.firstDevice())
	}
	m.with(func() { delete(m.tree, dellAttributes) }) // an iDRAC8
	if err := c.SetNextBoot(t.Context(), bmc.Boot{Target: bmc.BootCD}); err != nil || m.tree[m.System]["Boot"].(object)["BootSourceOverrideTarget"] != cd {
		t.Errorf("SetNextBoot without attributes: %v, %v", err, m.tree[m.System]["Boot"])
	}
}

func TestADellThatIgnoresItsAttributesIsAnError(t *testing.T) {
	m := newMock(t, "dell")
	c := open(t, m, &Dialer{Timing: brief()})
	m.with(func() { m.deaf = true })
	want(t, c.SetNextBoot(t.Context(), bmc.Boot{Target: bmc.BootCD}), fault.Conflict, "asked for VCD-DVD", "reads back Normal")
}

func TestASupermicroCallsItsVirtualCDByModel(t *testing.T) {
	for model, target := range map[string]string{"SYS-620P": usbCD, "ARS-111GL-NHR": cd} {
		m := newMock(t, "supermicro-x12")
		m.tree[m.System]["Model"] = model
		c := open(t, m, &Dialer{Timing: quick()})
		if err := c.SetNextBoot(t.Context(), bmc.Boot{Target: bmc.BootCD}); err != nil {
			t.Fatal(err)
		}
		if got := m.tree[m.System]["Boot"].(object)["BootSourceOverrideTarget"]; got != target {
			t.Errorf("%s boots from %v, want %s", model, got, target)
		}
		if got, err := c.NextBoot(t.Context()); err != nil || got.Target != bmc.BootCD {
			t.Errorf("%s: NextBoot = %+v, %v", model, got, err)
		}
	}
}

func TestALastingOverrideIsRefusedWhereThereIsNone(t *testing.T) {
	for name, writes := range map[string]bool{"lenovo": false, "hpe": true} { // the one is known, the other says so
		m := newMock(t, name)
		c := open(t, m, &Dialer{Timing: quick()})
		want(t, c.SetNextBoot(t.Context(), bmc.Boot{Target: bmc.BootPXE, Lasting: true}), fault.Invalid)
		if got := m.count("PATCH") > 0; got != writes {
			t.Errorf("%s: written %t", name, got)
		}
		if b, err := c.NextBoot(t.Context()); err != nil || b.Target != bmc.BootNone {
			t.Errorf("%s: NextBoot = %+v, %v", name, b, err)
		}
	}
}

func TestAnOverrideThatOnePlaceForgetsIsWrittenToTheOther(t *testing.T) {
	m := newMock(t, "ami")
	timing := quick()
	timing.Boot = 2 * short
	m.with(func() { // SD tells nothing of overrides, so that the system comes first
		boot := m.tree[m.Settings]["Boot"].(object)
		delete(boot, "BootSourceOverrideTarget")
	})
	c := open(t, m, &Dialer{Timing: timing})
	if err := c.SetNextBoot(t.Context(), bmc.Boot{Target: bmc.BootPXE}); err != nil {
		t.Fatal(err)
	}
	if system, settings := m.count("PATCH "+m.System)-m.count("PATCH "+m.Settings), m.count("PATCH "+m.Settings); system != 1 || settings != 1 {
		t.Errorf("%d writes to the system, %d to its settings", system, settings)
	}
}

// A machine that still restarts for the operation before uses the override up before it is
// read back. That is a Conflict, which is tried again, and not Invalid.
func TestAnOverrideThatAStartUsedUpMeanwhileIsAConflict(t *testing.T) {
	for says, dated := range map[string]bool{"restarted meanwhile and used the boot override Once Pxe up": true, "reads back no override": false} {
		m := newMock(t, "ami")
		timing := quick()
		timing.Boot = short
		c := open(t, m, &Dialer{Timing: timing})
		m.with(func() {
			delete(m.tree[m.Settings]["Boot"].(object), "BootSourceOverrideTarget") // the system comes first
			m.tree[m.System]["LastResetTime"] = "2023-01-01T00:00:00Z"
			if !dated {
				delete(m.tree[m.System], "LastResetTime")
				delete(m.tree[m.System], "BootProgress")
			}
			m.fault = func(w http.ResponseWriter, r *http.Request) bool {
				switch {
				case r.Method != http.MethodPatch:
					return false
				case strings.TrimSuffix(r.URL.Path, "/") == m.System:
					m.turn(inventory.PowerOn)
					w.WriteHeader(http.StatusNoContent)
				default:
					m.refuse(w, http.StatusBadRequest, "Base.1.8.PropertyUnknown")
				}
				return true
			}
		})
		want(t, c.SetNextBoot(t.Context(), bmc.Boot{Target: bmc.BootPXE}), fault.Conflict, says)
	}
}

func TestABMCThatWantsATagAndShowsNoneGetsAny(t *testing.T) {
	m := newMock(t, "ami")
	c := open(t, m, &Dialer{Timing: quick()})
	m.with(func() {
		m.fault = func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodPatch || r.Header.Get("If-Match") == "*" {
				return false
			}
			m.refuse(w, http.StatusPreconditionRequired, "Ami.1.0.PreconditionHeaderMissing")
			return true
		}
	})
	if err := c.SetNextBoot(t.Context(), bmc.Boot{Target: bmc.BootPXE}); err != nil {
		t.Error(err)
	}
}

func TestAnOverrideIsClearedInTheWayTheBMCUnderstands(t *testing.T) {
	for name, takes := range map[string]func(object) bool{
		"disabled alone":      func(b object) bool { return len(b) == 1 },
		"with the target":     func(b object) bool { return b["BootSourceOverrideTarget"] == "None" },
		"with the mode":       func(b object) bool { return b["BootSourceOverrideMode"] != nil },
		"with another target": func(b object) bool { return b["BootSourceOverrideTarget"] == "Pxe" },
	} {
		m := newMock(t, "dell")
		c := open(t, m, &Dialer{Timing: quick()})
		if err := c.SetNextBoot(t.Context(), bmc.Boot{Target: bmc.BootPXE}); err != nil {
			t.Fatal(err)
		}
		m.with(func() { m.picky = takes })
		if err := c.SetNextBoot(t.Context(), bmc.Boot{Target: bmc.BootNone}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got, err := c.NextBoot(t.Context()); err != nil || got.Target != bmc.BootNone {
			t.Errorf("%s: NextBoot = %+v, %v", name, got, err)
		}
	}
}

func TestAnOverrideWhoseTaskFailsEndsTheWait(t *testing.T) {
	m := newMock(t, "dell10")
	c := open(t, m, &Dialer{Timing: quick()})
	m.with(func() {
		m.tree[m.Task]["TaskState"] = "Exception"
		m.fault = func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodPatch {
				w.Header().Set("Location", m.Task)
				w.WriteHeader(http.StatusAccepted)
			}
			return r.Method == http.MethodPatch
		}
	})
	want(t, c.SetNextBoot(t.Context(), bmc.Boot{Target: bmc.BootPXE}), fault.Conflict, "ended as Exception")
}

func TestABootOrderNamesAllThatIsWrong(t *testing.T) {
	m := newMock(t, "dell")
	c := open(t, m, &Dialer{Timing: quick()})
	want(t, c.SetBootOrder(t.Context(), []string{"Boot0001", "Boot00FF", "Boot0001", "Boot00FE"}), fault.Invalid,
		"Boot00FF: no such boot option", "Boot00FE: no such boot option", "Boot0001: listed twice")
	order, err := c.BootOrder(t.Context())
	if err != nil || len(order) != 3 || order[1].Name != "Disk 0" || order[1].Device == "" {
		t.Errorf("BootOrder = %+v, %v", order, err)
	}
}

func TestABootOrderThatWaitsInTheQueueIsTaken(t *testing.T) {
	m := newMock(t, "dell")
	c := open(t, m, &Dialer{Timing: quick()})
	const job = "/redfish/v1/Managers/iDRAC.Embedded.1/Jobs/JID_3"
	m.with(func() {
		m.tree[job] = object{"@odata.id": job, "JobState": "Scheduled"}
		m.fault = func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodPatch {
				w.Header().Set("Location", job)
			}
			return r.Method == http.MethodPatch
		}
	})
	if err := c.SetBootOrder(t.Context(), []string{"Boot0002"}); err != nil {
		t.Error(err)
	}
	m.with(func() { m.tree[job]["JobState"] = "Failed"; m.tree[job]["Message"] = "out of sequence" })
	want(t, c.SetBootOrder(t.Context(), []string{"Boot0002"}), fault.Conflict, "Failed: out of sequence")
}

func TestSecureBootCountsItsKeysAndSaysWhatItCannot(t *testing.T) {
	m := newMock(t, "dell")
	c := open(t, m, &Dialer{Timing: brief()})
	s, err := c.SecureBoot(t.Context())
	if err != nil || len(s.Keys) != 4 || s.Keys[0] != (bmc.Keys{Database: "PK", Certificates: 1}) || s.Keys[3].Certificates != 0 {
		t.Errorf("SecureBoot = %+v, %v", s, err)
	}
	if err := c.ResetSecureBootKeys(t.Context(), bmc.KeysDelete); err != nil {
		t.Error(err)
	}
	if s, err := c.SecureBoot(t.Context()); err != nil || s.Mode != "SetupMode" {
		t.Errorf("SecureBoot = %+v, %v", s, err)
	}
	m.with(func() { m.deaf = true })
	want(t, c.SetSecureBoot(t.Context(), true), fault.Conflict, "ignored the change of Secure Boot")
}

// A GPU board that can be reset and tells its power as a host does boots from nothing.
func TestABoardWithoutBootSettingsIsNoHost(t *testing.T) {
	m := newMock(t, "nvidia")
	board := m.tree["/redfish/v1/Systems/HGX_Baseboard_0"]
	board["PowerState"], board["SystemType"] = "On", "Physical"
	board["Actions"] = object{"#ComputerSystem.Reset": object{"target": "/redfish/v1/Systems/HGX_Baseboard_0/Actions/ComputerSystem.Reset"}}
	if c := open(t, m, &Dialer{Timing: quick()}); c.system != m.System {
		t.Errorf("chose %s", c.system)
	}
}

func TestAManagerThatIsNotNamedIsTheOnlyOne(t *testing.T) {
	m := newMock(t, "hpe")
	delete(m.tree[m.System], "Links")
	m.tree["/redfish/v1"]["Managers"] = object{"@odata.id": "/redfish/v1/Managers/"}
	m.tree["/redfish/v1/Managers"] = object{"Members": []object{{"@odata.id": "/redfish/v1/Managers/1/"}}}
	if c := open(t, m, &Dialer{Timing: quick()}); c.manager != "/redfish/v1/Managers/1/" {
		t.Errorf("the manager is %q", c.manager)
	}
}
