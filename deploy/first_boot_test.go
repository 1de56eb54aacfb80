package deploy_test

import (
	"fmt"
	"strings"
	"testing"

	"rackwright/deploy"
	"rackwright/inventory"
)

func TestAFirstBootRemembersWhereItIsAndWhatFailed(t *testing.T) {
	var b deploy.FirstBoot
	if b.String() != "" {
		t.Errorf("nothing was heard, but %q", b)
	}
	var story []string
	for _, r := range []deploy.BootReport{
		{Name: "init-local", Type: "start"}, {Name: "init-local/check-cache", Type: "finish", Result: "SUCCESS"}, {Name: "init-local", Type: "finish", Result: "SUCCESS"},
		{Name: "modules-config/config-ntp", Description: "running \x1b[31mconfig-ntp\n", Type: "finish", Result: "FAIL"},
		{Name: "modules-config/config-ntp", Description: "running \x1b[31mconfig-ntp\n", Type: "finish", Result: "FAIL"},
		{Name: "modules-config/config-apt", Type: "finish", Result: "WARN"}, {Name: "\x00\u202e", Type: "start"}, {Name: "modules-final/config-scripts_user", Type: "start"},
	} {
		if news := b.Take(r); news != "" {
			story = append(story, news)
		}
	}
	if got := strings.Join(story, "; "); got != "init-local begins; init-local is done; modules-config/config-ntp (running [31mconfig-ntp) failed; modules-config/config-apt ended with a warning" {
		t.Errorf("the story is %q", got)
	}
	if got := b.String(); got != "modules-final/config-scripts_user: running; failed: modules-config/config-ntp (running [31mconfig-ntp)" {
		t.Errorf("it is at %q", got)
	}
}

func TestAFirstBootIsBounded(t *testing.T) {
	var b deploy.FirstBoot
	lines := 0
	for i := range 3 * deploy.MaxBootEvents {
		if b.Take(deploy.BootReport{Name: fmt.Sprint("stage/", i, strings.Repeat("x", 1000)), Description: strings.Repeat("y", 1000), Type: "finish", Result: "FAIL"}) != "" {
			lines++
		}
	}
	if b.Events != deploy.MaxBootEvents || lines > 100 || len(b.String()) > 10_000 {
		t.Errorf("%d events, %d lines, %d bytes", b.Events, lines, len(b.String()))
	}
}

func TestASilenceIsExplainedByWhatIsKnown(t *testing.T) {
	m := &inventory.Machine{Name: "n1", Firmware: inventory.UEFI}
	for _, c := range []struct {
		s           deploy.Silence
		words, hint string
	}{
		{deploy.Silence{}, "nothing was heard of it on the network", "drivers"},
		{deploy.Silence{Power: inventory.PowerOff}, "the machine is off", "switch it on"},
		{deploy.Silence{Netbooted: true, Power: inventory.PowerOn, Progress: "OSRunning"}, "it netbooted again and was sent on to its disk; its BMC says OSRunning", "boot order"},
		{deploy.Silence{Asked: true, Console: "n1 login:"}, `its system asked for an address by DHCP; the console ends with "n1 login:"`, "cloud-init (or Ignition)"},
		{deploy.Silence{Boot: deploy.FirstBoot{Stage: "init-network/config-ssh", Doing: true}}, "cloud-init came to init-network/config-ssh: running", "bonds, VLANs"},
		{deploy.Silence{Boot: deploy.FirstBoot{Stage: "modules-final", Failed: []string{"modules-final/config-scripts_user"}}}, "failed: modules-final/config-scripts_user", "user-data"},
		{deploy.Silence{Boot: deploy.FirstBoot{Stage: "modules-config"}}, "cloud-init came to modules-config: done", "phone_home"},
	} {
		if words, hint := c.s.Words(), c.s.Hint(m); !strings.Contains(words, c.words) || !strings.Contains(hint, c.hint) {
			t.Errorf("%+v: %q (%q)", c.s, words, hint)
		}
	}
}
