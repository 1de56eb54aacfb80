package ipmi_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rackwright/bmc"
	"rackwright/bmc/bmctest"
	"rackwright/bmc/ipmi"
	"rackwright/fault"
	"rackwright/inventory"
)

// sim is OpenIPMI's BMC with a chassis of files behind it.
type sim struct {
	dir    string
	access bmc.Access
}

func quick() *ipmi.Dialer {
	return &ipmi.Dialer{Timing: ipmi.Timing{Answer: time.Second, Session: 20 * time.Second, Settle: 10 * time.Second, Restart: 20 * time.Second, Poll: 20 * time.Millisecond}}
}

func startSim(t *testing.T) *sim {
	t.Helper()
	program, err := exec.LookPath("ipmi_sim")
	if err != nil {
		t.Skip("ipmi_sim is not installed (package openipmi)")
	}
	s := &sim{dir: t.TempDir()}
	port := freePort(t)
	s.access = bmc.Access{Address: fmt.Sprintf("ipmi://127.0.0.1:%d", port), Username: "admin", Password: "right"}
	chassis, err := filepath.Abs("testdata/chassis.sh")
	if err != nil {
		t.Fatal(err)
	}
	auths := ""
	for _, level := range []string{"callback", "user", "operator", "admin"} {
		auths += "  allowed_auths_" + level + " md5\n"
	}
	s.write(t, "lan.conf", fmt.Sprintf("name \"rw\"\nstartlan 1\n  addr 127.0.0.1 %d\n  priv_limit admin\n%s  guid 33221100554477668899aabbccddeeff\nendlan\n"+
		"user 2 true \"admin\" \"right\" admin 10 md5\nuser 3 true \"guest\" \"visitor\" user 10 md5\nchassis_control \"%s %s 0x20\"\n", port, auths, chassis, s.dir))
	s.write(t, "commands", "mc_setbmc 0x20\nmc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02\nmc_enable 0x20\n")
	if err := os.Mkdir(filepath.Join(s.dir, "state"), 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-n", "-c", filepath.Join(s.dir, "lan.conf"), "-f", filepath.Join(s.dir, "commands"), "-s", filepath.Join(s.dir, "state"))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	s.await(t)
	return s
}

func freePort(t *testing.T) int {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).Port
}

func (s *sim) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (s *sim) await(t *testing.T) {
	t.Helper()
	deadline, tick := time.After(20*time.Second), time.NewTicker(20*time.Millisecond)
	defer tick.Stop()
	for {
		c, err := quick().Dial(t.Context(), s.access)
		if err == nil {
			c.Close(t.Context())
			return
		}
		if !fault.Is(err, fault.Unreachable) {
			t.Fatal(err)
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("ipmi_sim does not answer")
		}
	}
}

func (s *sim) property(name string) string {
	text, _ := os.ReadFile(filepath.Join(s.dir, name)) // not there is empty
	return strings.TrimSpace(string(text))
}

func (s *sim) power() inventory.Power {
	return map[string]inventory.Power{"1": inventory.PowerOn, "": inventory.PowerOff, "0": inventory.PowerOff}[s.property("power")]
}

func (s *sim) starts() int { return strings.Count(s.property("starts"), "started") }

func TestOpenIPMIsBMCPassesTheSuite(t *testing.T) {
	s := startSim(t)
	bmctest.Run(t, quick(), s.access, bmctest.Hooks{Power: s.power, Starts: s.starts, Lit: func() bool { return s.property("identify") == "1" },
		NoPin: true, Source: "ipmi", Grace: 5 * time.Second, Unreachable: fmt.Sprintf("ipmi://127.0.0.1:%d", freePort(t)),
		Targets: []bmc.Target{bmc.BootPXE, bmc.BootDisk, bmc.BootCD, bmc.BootSetup},
		// IPMI has none of these, and OpenIPMI's BMC neither the cold reset nor an override that lasts
		Without: []bmctest.Group{bmctest.SelfRestart, bmctest.Lasting, bmctest.Order, bmctest.SecureBoots, bmctest.KeyResets, bmctest.Drives, bmctest.Setups,
			bmctest.Updates, bmctest.Sensors, bmctest.Logs, bmctest.LogClears, bmctest.Pushes, bmctest.Streams}})
}

func TestTheGUIDIsReadInTheOrderThatMakesAUUID(t *testing.T) {
	s := startSim(t)
	c, err := quick().Dial(t.Context(), s.access)
	if err != nil {
		t.Fatal(err)
	}
	f, err := c.Facts(t.Context())
	if err != nil || f.System.UUID != "00112233-4455-6677-8899-aabbccddeeff" {
		t.Errorf("%+v, %v", f.System, err)
	}
}

func TestAResetNeedsAMachineThatIsOn(t *testing.T) {
	s := startSim(t)
	c, err := quick().Dial(t.Context(), s.access)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Reset(t.Context()); !fault.Is(err, fault.Conflict) || s.starts() != 0 {
		t.Errorf("reset of a machine that is off: %v, %d starts", err, s.starts())
	}
	if err := c.On(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.Reset(t.Context()); err != nil || s.starts() != 2 {
		t.Errorf("reset: %v, %d starts", err, s.starts())
	}
}

func TestABMCThatCannotRestartSaysSo(t *testing.T) {
	s := startSim(t) // OpenIPMI's knows no cold reset
	c, err := quick().Dial(t.Context(), s.access)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.ResetBMC(t.Context()); !fault.Is(err, fault.Invalid) || fault.HintOf(err) == "" {
		t.Errorf("%v (%s), want Invalid with a hint", err, fault.HintOf(err))
	}
}
