package scripted

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"rackwright/agent/wire"
	"rackwright/fault"
	"rackwright/racksim"
)

func host1(mac string) string { return "host-" + strings.ReplaceAll(mac, ":", "-") }

func TestAMachineGoesFromPowerOnToItsOwnSystemAndStaysThere(t *testing.T) {
	for _, firmware := range []string{racksim.BIOS, racksim.UEFI} {
		t.Run(firmware, func(t *testing.T) {
			s := newSite(t)
			m, mac := s.machine(1, func(r *racksim.Machine) { r.Firmware, r.Keep = firmware, true })
			s.deploy[mac] = true
			m.Setup.SetBIOS("2.1")
			ok(t, m.PowerOn(t.Context()))
			s.until("phone home", func() bool { return s.phoned[host1(mac)] == 1 })
			if s.seen["dhcp without relay"] != 0 || s.seen["tftp "+pxeFile] != 2 || s.seen["http /script"] != 2 || s.seen["http /vmlinuz"] != 1 {
				t.Errorf("seen %v", s.seen)
			}
			if f := s.facts[mac]; f.System.Serial != "S1" || f.NICs[0].MAC.String() != mac || string(f.Firmware) != firmware || f.System.BIOSVersion != "2.1" {
				t.Errorf("facts %+v", f)
			}
			kept, err := os.ReadFile(filepath.Join(m.Dir, "disk1.raw"))
			if err != nil || len(kept) != 64<<20 || !strings.HasPrefix(string(kept[4<<20:5<<20]), "an image") {
				t.Errorf("%d bytes kept, %v", len(kept), err)
			}
			ok(t, m.Restart(t.Context()))
			s.until("the script asked for again", func() bool { return s.seen["http /script"] == 3 })
			waitConsole(t, m, "login:", 2)
			if s.phoned[host1(mac)] != 1 {
				t.Error("an installed system phoned home again")
			}
			ok(t, m.PressPower(t.Context()))
			await(t, m, racksim.Off)
		})
	}
}

func await(t *testing.T, m *Machine, want racksim.PowerState) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := racksim.Await(ctx, m, want); err != nil {
		t.Fatalf("not %s: %v\n%s", want, err, console(m))
	}
}

func console(m *Machine) string {
	b, _ := os.ReadFile(filepath.Join(m.Dir, "console.log"))
	return string(b)
}

func waitConsole(t *testing.T, m *Machine, text string, times int) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); strings.Count(console(m), text) < times; {
		if time.Now().After(end) {
			t.Fatalf("%q not %d times on the console:\n%s", text, times, console(m))
		}
		pause(t.Context(), 5*time.Millisecond)
	}
}

func TestUEFIHTTPBootFetchesItsLoaderByHTTP(t *testing.T) {
	s := newSite(t)
	m, mac := s.machine(2, func(r *racksim.Machine) { r.Firmware = racksim.UEFI })
	ok(t, m.Setup.SetOverride(racksim.Override{Enabled: racksim.Once, Target: racksim.TargetUEFIHTTP}))
	s.deploy[mac] = true
	ok(t, m.PowerOn(t.Context()))
	s.until("phone home", func() bool { return s.phoned[host1(mac)] == 1 })
	if s.seen["http /loader"] != 1 {
		t.Errorf("seen %v", s.seen)
	}
}

func TestFaultsOfTheRackFile(t *testing.T) {
	t.Run("no-dhcp is never heard of", func(t *testing.T) {
		s := newSite(t)
		m, _ := s.machine(3, func(r *racksim.Machine) { r.Fault = racksim.FaultNoDHCP })
		ok(t, m.PowerOn(t.Context()))
		waitConsole(t, m, "self test", 1)
		ok(t, m.ForceOff(t.Context()))
		if s.seen["dhcp DISCOVER"] != 0 {
			t.Errorf("seen %v", s.seen)
		}
	})
	t.Run("agent-silent checks in and says no more", func(t *testing.T) {
		s := newSite(t)
		m, mac := s.machine(4, func(r *racksim.Machine) { r.Fault = racksim.FaultAgentSilent })
		s.deploy[mac] = true
		ok(t, m.PowerOn(t.Context()))
		waitConsole(t, m, "silent", 1)
		if _, in := s.facts[mac]; !in || s.ended[mac].Stage != "" {
			t.Errorf("facts %v, reports %v", s.facts, s.ended)
		}
	})
	t.Run("no-phone-home is up and silent", func(t *testing.T) {
		s := newSite(t)
		m, mac := s.machine(5, func(r *racksim.Machine) { r.Fault = racksim.FaultNoPhoneHome })
		s.deploy[mac] = true
		ok(t, m.PowerOn(t.Context()))
		waitConsole(t, m, "login:", 1)
		if s.phoned[host1(mac)] != 0 {
			t.Error("it phoned home")
		}
	})
	t.Run("wrong-disk refuses and names what it has", func(t *testing.T) {
		s := newSite(t)
		m, mac := s.machine(6, func(r *racksim.Machine) { r.Fault = racksim.FaultWrongDisk })
		s.deploy[mac] = true
		ok(t, m.PowerOn(t.Context()))
		s.until("a refusal", func() bool { return s.ended[mac].Stage == wire.Refused })
		if e := s.ended[mac]; e.Reason != wire.ReasonNoDisk || !strings.Contains(e.Detail, "WRONG-D-") {
			t.Errorf("said %+v", e)
		}
	})
}

func TestDamagedBytesAreNoticed(t *testing.T) {
	s := newSite(t)
	m, mac := s.machine(7, nil)
	s.deploy[mac], s.damage = true, true
	ok(t, m.PowerOn(t.Context()))
	s.until("a failure", func() bool { return s.ended[mac].Stage == wire.Failed })
	if e := s.ended[mac]; e.Reason != wire.ReasonBadDigest {
		t.Errorf("said %+v", e)
	}
}

func TestPowerVerbsOnAMachineThatIsOff(t *testing.T) {
	s := newSite(t)
	m, _ := s.machine(8, nil)
	for name, verb := range map[string]func(context.Context) error{"restart": m.Restart, "press": m.PressPower, "interrupt": m.Interrupt} {
		if err := verb(t.Context()); !fault.Is(err, fault.Conflict) {
			t.Errorf("%s: %v", name, err)
		}
	}
	ok(t, m.ForceOff(t.Context()))
	ok(t, m.PowerOn(t.Context()))
	ok(t, m.PowerOn(t.Context()))
	ok(t, m.ForceOff(t.Context()))
	if m.Power() != racksim.Off {
		t.Error("not off")
	}
}

// A thousand machines in one process, all at once: the figure is in the test's log.
func TestAThousandMachinesFitInOneProcess(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	s := newSite(t)
	var before, up runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	const n = 1000
	began := time.Now()
	machines := make([]*Machine, n)
	for i := range n {
		m, mac := s.machine(1000+i, nil)
		s.mu.Lock()
		s.deploy[mac] = true
		s.mu.Unlock()
		machines[i] = m
	}
	for _, m := range machines {
		ok(t, m.PowerOn(t.Context()))
	}
	s.until("all phoned home", func() bool { return len(s.phoned) == n })
	took := time.Since(began)
	runtime.GC()
	runtime.ReadMemStats(&up)
	t.Logf("%d machines from power-on to their own systems in %s; heap and stacks grew by %d KiB a machine, servers included; %d MiB taken from the system at the peak",
		n, took.Round(time.Millisecond), (int64(up.HeapInuse+up.StackInuse)-int64(before.HeapInuse+before.StackInuse))/n>>10, up.Sys>>20)
	if per := (int64(up.HeapInuse) - int64(before.HeapInuse)) / n; per > 256<<10 {
		t.Errorf("%d bytes a machine", per)
	}
}

func TestAMachineSentToItsSetupStaysThereUntilItIsReset(t *testing.T) {
	s := newSite(t)
	m, _ := s.machine(1, func(r *racksim.Machine) { r.Firmware = racksim.UEFI })
	ok(t, m.Setup.SetOverride(racksim.Override{Enabled: racksim.Once, Target: racksim.TargetSetup}))
	ok(t, m.PowerOn(t.Context()))
	waitConsole(t, m, "firmware: set-up", 1)
	ok(t, m.Restart(t.Context()))
	s.until("netboot after the reset", func() bool { return s.seen["http /script"] > 0 })
	ok(t, m.ForceOff(t.Context()))
}
