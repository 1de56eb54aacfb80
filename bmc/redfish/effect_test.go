package redfish

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"rackwright/bmc"
	"rackwright/fault"
	"rackwright/inventory"
)

func TestAWriteThatMayHaveHappenedIsNeverRepeated(t *testing.T) {
	m := newMock(t, "dell")
	c := open(t, m, &Dialer{Timing: quick()})
	m.with(func() {
		m.fault = func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodPost {
				return false
			}
			m.turn(inventory.PowerOn) // done, and then the answer goes wrong
			w.WriteHeader(http.StatusInternalServerError)
			return true
		}
	})
	if err := c.On(t.Context()); err != nil {
		t.Errorf("On: %v", err)
	}
	if n := m.count("POST " + m.resetTarget()); n != 1 {
		t.Errorf("%d resets were sent", n)
	}
}

func TestAnOverrideThatIsIgnoredIsAnErrorNamingWhatReadsBack(t *testing.T) {
	m := newMock(t, "dell")
	timing := quick()
	timing.Boot = short
	c := open(t, m, &Dialer{Timing: timing})
	m.with(func() { m.deaf = true })
	err := c.SetNextBoot(t.Context(), bmc.Boot{Target: bmc.BootPXE, Mode: inventory.UEFI})
	want(t, err, fault.Conflict, "Once Pxe UEFI", "reads back no override")
}

func TestAModeThatDoesNotChangeIsAnError(t *testing.T) {
	m := newMock(t, "dell")
	timing := quick()
	timing.Boot = short
	c := open(t, m, &Dialer{Timing: timing})
	m.with(func() { m.NoMode = true }) // refuses the mode, but reports UEFI
	err := c.SetNextBoot(t.Context(), bmc.Boot{Target: bmc.BootPXE, Mode: inventory.BIOS})
	want(t, err, fault.Conflict, "Once Pxe Legacy", "reads back Once Pxe UEFI")
}

func TestATargetThatIsNotOfferedIsInvalid(t *testing.T) {
	m := newMock(t, "lenovo")
	c := open(t, m, &Dialer{Timing: quick()})
	err := c.SetNextBoot(t.Context(), bmc.Boot{Target: bmc.BootHTTP})
	want(t, err, fault.Invalid, "UefiHttp", "UefiTarget")
	if n := m.count("PATCH"); n != 0 {
		t.Errorf("%d writes", n)
	}
}

func TestPowerThatLiesForAWhileIsReadUntilItHolds(t *testing.T) {
	m := newMock(t, "dell")
	c := open(t, m, &Dialer{Timing: quick()})
	m.with(func() { m.lies, m.lag = 1, 5 })
	if err := c.On(t.Context()); err != nil {
		t.Fatal(err)
	}
	m.with(func() {
		if m.lag != 0 {
			t.Errorf("On returned while the BMC would still say off %d times", m.lag)
		}
	})
}

func TestPowerThatNeverChangesIsAnError(t *testing.T) {
	m := newMock(t, "dell")
	timing := quick()
	timing.Settle = short
	c := open(t, m, &Dialer{Timing: timing})
	m.with(func() { m.deaf = true })
	want(t, c.On(t.Context()), fault.Conflict, "accepted On", "still reads Off")
}

func TestATaskThatFailsEndsTheWait(t *testing.T) {
	m := newMock(t, "lenovo")
	c := open(t, m, &Dialer{Timing: quick()})
	m.with(func() {
		m.deaf = true
		m.tree[m.Task]["TaskState"] = "Exception"
		m.tree[m.Task]["Messages"] = []object{{"Message": "The power supply is missing"}}
	})
	want(t, c.On(t.Context()), fault.Conflict, "Exception", "The power supply is missing")
}

func TestAGracefulShutdownThatIsIgnoredIsForced(t *testing.T) {
	m := newMock(t, "dell")
	c := open(t, m, &Dialer{Timing: quick()})
	if err := c.On(t.Context()); err != nil {
		t.Fatal(err)
	}
	m.with(func() {
		m.fault = times(1, says("POST", m.resetTarget(), http.StatusNoContent, "")) // accepted, nothing done
	})
	if err := c.Off(t.Context(), 20*time.Millisecond); err != nil || m.Power() != inventory.PowerOff {
		t.Errorf("Off: %v, the machine is %s", err, m.Power())
	}
	if n := m.count("POST " + m.resetTarget()); n != 3 {
		t.Errorf("%d resets, want on, graceful, forced", n)
	}
}

func TestARestartThatLeavesNoTraceIsDoneByTakingThePowerAway(t *testing.T) {
	m := newMock(t, "dell")
	timing := quick()
	timing.Proof = short
	c := open(t, m, &Dialer{Timing: timing})
	if err := c.On(t.Context()); err != nil {
		t.Fatal(err)
	}
	m.with(func() { m.fault = times(1, says("POST", m.resetTarget(), http.StatusNoContent, "")) })
	if err := c.Cycle(t.Context()); err != nil || m.Starts() != 2 {
		t.Errorf("Cycle: %v, %d starts", err, m.Starts())
	}
}

func TestABMCThatOffersARestartOnlyIsBelieved(t *testing.T) {
	m := newMock(t, "hpe")
	timing := quick()
	timing.Proof = short
	m.tree[m.System]["Actions"].(object)["#ComputerSystem.Reset"].(object)["ResetType@Redfish.AllowableValues"] = []string{"On", "ForceRestart"}
	c := open(t, m, &Dialer{Timing: timing})
	for _, err := range []error{c.On(t.Context()), c.Cycle(t.Context())} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if m.Starts() != 2 {
		t.Errorf("%d starts", m.Starts())
	}
	want(t, c.Off(t.Context(), 0), fault.Invalid, "ForceOff", "ForceRestart")
}

func TestOfSeveralSystemsTheHostIsChosenAndAPersonAskedInATie(t *testing.T) {
	m := newMock(t, "nvidia")
	if c := open(t, m, &Dialer{Timing: quick()}); !strings.HasSuffix(c.system, "/System_0") {
		t.Errorf("chose %s", c.system)
	}
	twin := object{"Id": "Twin", "PowerState": "On", "SystemType": "Physical", "Boot": m.tree[m.System]["Boot"], "Actions": m.tree[m.System]["Actions"]}
	m.with(func() {
		m.tree["/redfish/v1/Systems/Twin"] = twin
		members := m.tree["/redfish/v1/Systems"]
		members["Members"] = append(members["Members"].([]any), object{"@odata.id": "/redfish/v1/Systems/Twin"})
	})
	_, err := (&Dialer{Timing: quick()}).Dial(t.Context(), m.access())
	want(t, err, fault.Invalid, "System_0", "Twin")
	a := m.access()
	a.Address += "/redfish/v1/Systems/Twin"
	c, err := (&Dialer{Timing: quick()}).Dial(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	if power, err := c.Power(t.Context()); err != nil || power != inventory.PowerOn {
		t.Errorf("Power = %s, %v; the twin is on", power, err)
	}
}

func TestFactsKeepWhatCouldBeRead(t *testing.T) {
	m := newMock(t, "dell")
	c := open(t, m, &Dialer{Timing: quick()})
	m.with(func() {
		m.fault = func(w http.ResponseWriter, r *http.Request) bool {
			if strings.Contains(r.URL.Path, "/Processors") || strings.HasSuffix(r.URL.Path, "/DIMM.Socket.A2") {
				m.refuse(w, http.StatusNotFound, "Base.1.8.ResourceMissingAtURI")
				return true
			}
			return false
		}
	})
	f, err := c.Facts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if f.System.Serial != "ABC1234" || f.System.Vendor != "Dell Inc." {
		t.Errorf("system %+v", f.System)
	}
	if len(f.CPUs) != 0 || len(f.DIMMs) != 1 || f.MemoryMiB != 16384 || len(f.NICs) != 1 || len(f.Disks) != 2 {
		t.Errorf("%d CPUs, %d DIMMs, %d MiB, %d NICs, %d disks", len(f.CPUs), len(f.DIMMs), f.MemoryMiB, len(f.NICs), len(f.Disks))
	}
	if d := f.Disks[1]; d.Type != "nvme" || d.Serial != "N1" || d.Bytes != 1920e9 || d.WWN != "eui.0025385b01" {
		t.Errorf("drive %+v", d)
	}
}

func TestPagesThatNeverEndDoNotHoldUs(t *testing.T) {
	m := newMock(t, "dell")
	m.tree[m.System+"/Memory"]["Members@odata.nextLink"] = m.System + "/Memory"
	plain := httptest.NewServer(m)
	t.Cleanup(plain.Close)
	a := m.access()
	a.Address = plain.URL
	c, err := (&Dialer{Timing: quick()}).Dial(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Facts(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := m.count("GET " + m.System + "/Memory"); n > maxFactReads {
		t.Errorf("%d pages were read", n)
	}
}

func TestAnIDRAC10IsWrittenInItsSettingsFirst(t *testing.T) {
	m := newMock(t, "dell10")
	c := open(t, m, &Dialer{Timing: quick()})
	if err := c.SetNextBoot(t.Context(), bmc.Boot{Target: bmc.BootPXE}); err != nil {
		t.Fatal(err)
	}
	if in, at := m.count("PATCH "+m.Settings), m.count("PATCH "+m.System); in == 0 || at != in {
		t.Errorf("%d writes to Settings of %d", in, at)
	}
}

func TestASupermicroKeepsItsModeWhenOnlyATargetIsAsked(t *testing.T) {
	m := newMock(t, "supermicro-x12")
	c := open(t, m, &Dialer{Timing: quick()})
	if err := c.SetNextBoot(t.Context(), bmc.Boot{Target: bmc.BootPXE}); err != nil {
		t.Fatal(err)
	}
	if got, err := c.NextBoot(t.Context()); err != nil || got.Mode != inventory.UEFI {
		t.Errorf("next boot %+v, %v; the mode was UEFI", got, err)
	}
}

func TestARestartThatCannotBeShownWhereItShouldIsAnError(t *testing.T) {
	m := newMock(t, "dell")
	timing := quick()
	timing.Proof = short
	m.tree[m.System]["Actions"].(object)["#ComputerSystem.Reset"].(object)["ResetType@Redfish.AllowableValues"] = []string{"On", "ForceRestart"}
	c := open(t, m, &Dialer{Timing: timing})
	if err := c.On(t.Context()); err != nil {
		t.Fatal(err)
	}
	m.with(func() { m.deaf = true })
	want(t, c.Cycle(t.Context()), fault.Conflict, "accepted ForceRestart", "nothing shows")
}
