// Package ipmitest runs OpenIPMI's BMC (ipmi_sim) with a chassis of files behind it, for
// tests that need something that speaks IPMI.
package ipmitest

import (
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rackwright/bmc"
	"rackwright/bmc/ipmi"
	"rackwright/fault"
	"rackwright/integration/porttest"
	"rackwright/inventory"
)

// Sim is one BMC. Its administrator is admin with the password right; another user is
// guest with the password visitor.
type Sim struct {
	Access bmc.Access
	dir    string
}

//go:embed chassis.sh
var chassis string

// Start runs one until the test ends, which is skipped where ipmi_sim is not installed.
func Start(t testing.TB) *Sim {
	t.Helper()
	program, err := exec.LookPath("ipmi_sim")
	if err != nil {
		t.Skip("ipmi_sim is not installed (package openipmi)")
	}
	s := &Sim{dir: t.TempDir()}
	port := porttest.Free(t)
	s.Access = bmc.Access{Address: fmt.Sprintf("ipmi://127.0.0.1:%d", port), Username: "admin", Password: "right"}
	auths := ""
	for _, level := range []string{"callback", "user", "operator", "admin"} {
		auths += "  allowed_auths_" + level + " md5\n"
	}
	s.write(t, "chassis.sh", chassis)
	s.write(t, "lan.conf", fmt.Sprintf("name \"rw\"\nstartlan 1\n  addr 127.0.0.1 %d\n  priv_limit admin\n%s  guid 33221100554477668899aabbccddeeff\nendlan\n"+
		"user 2 true \"admin\" \"right\" admin 10 md5\nuser 3 true \"guest\" \"visitor\" user 10 md5\nchassis_control \"sh %s %s 0x20\"\n",
		port, auths, filepath.Join(s.dir, "chassis.sh"), s.dir))
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

// Dialer waits for less than the driver does at real BMCs.
func Dialer() *ipmi.Dialer {
	return &ipmi.Dialer{Timing: ipmi.Timing{Answer: time.Second, Session: 20 * time.Second, Settle: 10 * time.Second, Restart: 20 * time.Second, Poll: 20 * time.Millisecond}}
}

func (s *Sim) write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (s *Sim) await(t testing.TB) {
	t.Helper()
	deadline, tick := time.After(20*time.Second), time.NewTicker(20*time.Millisecond)
	defer tick.Stop()
	for {
		c, err := Dialer().Dial(t.Context(), s.Access)
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

func (s *Sim) property(name string) string {
	text, _ := os.ReadFile(filepath.Join(s.dir, name)) // not there is empty
	return strings.TrimSpace(string(text))
}

// Power is what the machine does.
func (s *Sim) Power() inventory.Power {
	return map[string]inventory.Power{"1": inventory.PowerOn, "": inventory.PowerOff, "0": inventory.PowerOff}[s.property("power")]
}

// Starts is how often it started.
func (s *Sim) Starts() int { return strings.Count(s.property("starts"), "started") }

// Lit is whether the locator LED is on.
func (s *Sim) Lit() bool { return s.property("identify") == "1" }
