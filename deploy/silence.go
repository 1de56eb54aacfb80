package deploy

import (
	"fmt"
	"strings"

	"rackwright/inventory"
)

// Silence is what is known of a deployed system that did not phone home in time.
type Silence struct {
	Boot      FirstBoot       // as far as its cloud-init told
	Netbooted bool            // its firmware asked for a netboot after the restart
	Asked     bool            // its system asked for an address after the restart
	Power     inventory.Power // as the BMC tells now; "" where there is none to ask
	Progress  string          // BootProgress of the BMC, "" where it tells none
	Console   string          // the last line of its console, "" where none was read
}

// Words is what happened, in one line.
func (s Silence) Words() string {
	var facts []string
	say := func(yes bool, format string, args ...any) {
		if yes {
			facts = append(facts, fmt.Sprintf(format, args...))
		}
	}
	say(s.Power == inventory.PowerOff, "the machine is off")
	say(s.Boot.Stage != "", "cloud-init came to %s", s.Boot)
	say(s.Boot.Stage == "" && s.Netbooted, "it netbooted again and was sent on to its disk")
	say(s.Boot.Stage == "" && s.Asked, "its system asked for an address by DHCP")
	say(s.Boot.Stage == "" && !s.Netbooted && !s.Asked, "nothing was heard of it on the network since the restart")
	say(s.Progress != "", "its BMC says %s", s.Progress)
	say(s.Console != "", "the console ends with %q", s.Console)
	return strings.Join(facts, "; ")
}

// Hint is what to do about it.
func (s Silence) Hint(m *inventory.Machine) string {
	look := fmt.Sprintf("see 'rackwright machine console %s'", m.Name)
	switch {
	case s.Power == inventory.PowerOff:
		return "switch it on, or find out in the BMC's log why it went off"
	case len(s.Boot.Failed) > 0:
		return "mend what failed (the user-data, or what it fetches): /var/log/cloud-init-output.log on the machine has all of it"
	case strings.HasPrefix(s.Boot.Stage, "init-"):
		return "it stopped while it set the network up: compare the plan's bonds, VLANs and addresses with the switch ports; " + look
	case s.Boot.Stage != "":
		return "a part of its cloud-init does not end, or user-data set vendor_data or phone_home to something else; " + look
	case s.Netbooted:
		return "its firmware did not start what is on the disk: check the boot mode (" + string(m.Firmware) + "), the boot order and Secure Boot; " + look
	case s.Asked:
		return "its system runs: check that cloud-init (or Ignition) is in the image and that the server can be reached from there; " + look
	}
	return "check that it boots, that the image has the drivers of its disk and NIC, and cloud-init or Ignition, and the network it was given; " + look
}
