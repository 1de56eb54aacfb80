package attempt

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"rackwright/inventory"
	"rackwright/journal"
)

// refused is an HTTP request that was not met.
func refused(a *Attempt) *Trouble {
	t := a.last(func(t *told) bool { return t.Kind == journal.HTTPRefused && !t.optional() })
	if t == nil {
		return nil
	}
	return of(t, "http-refused", "it asked by HTTP and was refused: "+t.Summary, cmp.Or(word(t.Event, "hint"), "what the refusal names")+"; 'rackwright boot explain' says what it would be told now")
}

// distrusted is firmware that does not know our authority, or an agent that does not take our
// certificate for the one of its boot.
func distrusted(a *Attempt) *Trouble {
	t := a.last(func(t *told) bool {
		return (t.Kind == journal.AgentRefused || t.Kind == journal.HTTPRefused) && word(t.Event, "reason") == "certificate"
	})
	switch {
	case t == nil:
		return nil
	case t.Kind == journal.HTTPRefused:
		return of(t, "certificate-refused", "its firmware does not trust the server it loads from: "+t.Summary,
			"have its BMC enrol our authority ('rackwright bmc trust MACHINE'), give its firmware the one of boot-ca.pem by hand, or take 'https' off its model; a wrong clock of the machine refuses good certificates too")
	}
	return of(t, "certificate-refused", "its agent does not trust the server it was sent to: "+t.Summary,
		"let it netboot again: our certificate changed since it was told which to trust; if it refuses again, its script came from another server than the one at the port of agent.listen that it speaks to")
}

// ignored is a question that we did not answer, and why. A client that took the offer of
// another server is one of them.
func ignored(a *Attempt) *Trouble {
	t := a.last(func(t *told) bool {
		return t.Kind == journal.DHCPIgnored && !slices.Contains([]string{"does-not-netboot", "not-a-proxy", "dhcp6-off", besideUs}, t.rule) || t.rule == "no-address"
	})
	switch {
	case t == nil:
		return nil
	case t.rule == "chose-other-server":
		return of(t, "other-server", fmt.Sprintf("it took the offer of another DHCP server, %s", word(t.Event, "server")),
			"switch that server off on this network, or set the network's dhcp to proxy")
	case t.rule == "":
		return of(t, "not-answered", "it asks for an address and is not answered: "+t.Summary,
			"where it comes from no network is declared, or its relay is not believed: 'rackwright machine trace' has the packets, 'rackwright dhcp explain' says the rule")
	}
	return of(t, "not-answered", "it asks for an address and is not answered: "+t.Summary,
		fmt.Sprintf("rule %s: its row in docs/running/when-it-does-not-boot.md; 'rackwright dhcp explain' tries a cure", t.rule))
}

// noLoader is firmware that there is nothing for.
func noLoader(a *Attempt) *Trouble {
	t := a.last(func(t *told) bool { return yes(t.Event, "no_loader") })
	if t == nil {
		return nil
	}
	return of(t, "no-loader", fmt.Sprintf("its firmware (%s) is one that there is no loader for", word(t.Event, "arch")),
		"start it in 64-bit UEFI or in BIOS mode: the firmware's setup has it")
}

// conflict is an address that two use.
func conflict(a *Attempt) *Trouble {
	t := a.last(func(t *told) bool { return t.Kind == journal.DHCPConflict })
	if t == nil {
		return nil
	}
	return of(t, "address-in-use", "its address is used by another: "+t.Summary, "find who answers ARP for it, or plan another address")
}

// transfer is a file that did not come over by TFTP.
func transfer(a *Attempt) *Trouble {
	t := a.last(func(t *told) bool {
		return t.Kind == journal.TFTPFailed && isLoader(word(t.Event, "file")) && word(t.Event, "reason") != "replaced" && !t.optional()
	})
	if t == nil {
		return nil
	}
	at, block := count(t.Event, "stalled_at"), count(t.Event, "block")
	switch {
	case word(t.Event, "reason") != "stalled":
		return of(t, "tftp-refused", "the loader did not come over: "+t.Summary, "its firmware's own words say why; Secure Boot refuses a loader that is not signed")
	case at <= 1:
		return of(t, "tftp-stalled", fmt.Sprintf("TFTP stalled at block 1 with blocks of %d bytes", block),
			"a firewall between them (UDP from ports of the server's own: tftp.single_port), or a way that does not take packets so large: lower the MTU of the server's interface or route")
	}
	return of(t, "tftp-stalled", fmt.Sprintf("TFTP stalled at block %d with blocks of %d bytes: packets are lost, or it was switched off", at, block),
		"its cable and the errors the switch counts on its port; a firewall that forgets the flow")
}

// broken is a kernel or ramdisk that broke off.
func broken(a *Attempt) *Trouble {
	t := a.last(func(t *told) bool { return t.Kind == journal.HTTPSent && yes(t.Event, "aborted") })
	if t == nil || a.Result != Stopped {
		return nil
	}
	return of(t, "http-broke-off", "a transfer by HTTP broke off: "+t.Summary, "its cable and the errors the switch counts on its port; too little memory for the ramdisk shows on its console")
}

// silent is a machine that was started, or is waited for, and asks for nothing.
func silent(m *inventory.Machine, a *Attempt) *Trouble {
	t := &Trouble{Code: "no-discover", Text: "no DHCPDISCOVER of it was seen", Proof: []Proof{}}
	if a != nil {
		t.Text = "it was started, and no DHCPDISCOVER of it was seen"
		t.Proof = a.proof((*told).started)
	}
	nic := m.BootNIC()
	switch {
	case m.Power == inventory.PowerOff:
		t.Hint = "its BMC says that it is off: power supply, or 'rackwright power " + m.Name + " on'"
	case nic == nil || nic.MAC.IsZero():
		t.Hint = "the MAC it would ask with is in no plan: look for a stranger in 'rackwright machine list', or plan it"
	default:
		t.Hint = fmt.Sprintf("in this order: power, link of %s (%s), the VLAN of its switch port%s, network first in its boot order", nic.Name, nic.MAC, wiring(m, nic))
	}
	return t
}

// wiring is what was last seen of a port: link and neighbour.
func wiring(m *inventory.Machine, nic *inventory.NIC) string {
	if m.Facts == nil {
		return ""
	}
	var out []string
	for _, n := range m.Facts.NICs {
		if n.MAC != nic.MAC {
			continue
		}
		if !n.Link {
			out = append(out, "it had no link when it was last looked at")
		}
		for _, l := range m.Facts.LLDP {
			if l.NIC == n.Name {
				out = append(out, "last seen at "+strings.TrimSpace(l.System+" "+l.Port))
			}
		}
	}
	if out == nil {
		return ""
	}
	return " (" + strings.Join(out, "; ") + ")"
}

// offered is an offer that was not taken up.
func offered(a *Attempt) *Trouble {
	if a.Stage != Offer && a.Stage != Discover {
		return nil
	}
	if t := a.rogue(); t != nil {
		return of(t, "other-server", fmt.Sprintf("our offer was not taken up, and another DHCP server, %s, answers there", word(t.Event, "server")),
			"switch that server off on this network, or set the network's dhcp to proxy")
	}
	if a.Stage == Discover {
		if t := a.last(func(t *told) bool { return t.rule == "dhcp6-off" }); t != nil {
			return of(t, "not-answered", "it asks for an address by IPv6 only: "+t.Summary, "set the network's dhcp6, or let it netboot by IPv4")
		}
		return nil
	}
	return &Trouble{Code: "offer-unanswered", Text: "it was offered an address and asked no further",
		Hint: "the offer does not reach it (VLAN, relay, a switch that blocks DHCP servers), or it wants another boot mode: 'rackwright machine trace' has the packets"}
}

func (a *Attempt) rogue() *told {
	for i := range a.story {
		if a.story[i].Kind == journal.DHCPRogue {
			return &a.story[i]
		}
	}
	return nil
}

// loading is a loader that did not come, or came and did nothing.
func loading(a *Attempt) *Trouble {
	switch a.Stage {
	case Ack:
		if a.Client == "ipxe" {
			return scriptless()
		}
		return &Trouble{Code: "nothing-loaded", Text: "it has an address and asked for no loader, neither by TFTP nor by HTTP",
			Hint: "a firewall or relay that lets UDP 67 through and not UDP 69 (or the port of http.listen for HTTP boot); a gateway that it cannot reach"}
	case Loader:
		if t := a.last(func(t *told) bool { return t.stage == Loader }); t != nil && t.Kind == journal.HTTPSent && strings.Contains(word(t.Event, "file"), "/grub") {
			return of(t, "no-script", "GRUB came over by HTTP and asked for nothing", "a GRUB that has no HTTP, as Debian's signed one, stops at its prompt: "+
				"let the firmware netboot by PXE, or take a GRUB that has it (docs/running/secure-boot.md)")
		}
		return &Trouble{Code: "no-driver", Text: "its loader came over and was not heard of again",
			Hint: "the loader has no driver for this port, or Secure Boot refuses it: try another port, another boot mode, or Secure Boot off"}
	case IPXE:
		return scriptless()
	}
	return nil
}

func scriptless() *Trouble {
	return &Trouble{Code: "no-script", Text: "its loader has an address and did not ask for the script",
		Hint: "TCP from it to the port of http.listen: a firewall, or a gateway it cannot reach"}
}

// leaving is a script that led nowhere.
func leaving(a *Attempt) *Trouble {
	switch a.Stage {
	case Script:
		if a.Script == "retry" || a.Script == "stranger" {
			return &Trouble{Code: "script-" + a.Script, Text: "its loader was given the script " + a.Script, Hint: map[string]string{
				"retry": "the server's log says why it cannot decide; it asks again by itself", "stranger": "plan it: its MAC is in no plan"}[a.Script]}
		}
		return &Trouble{Code: "no-kernel", Text: "its loader has the script and fetched no kernel",
			Hint: "look at its console; a system's own kernel may come from a server that it cannot reach"}
	case Kernel, Ramdisk:
		return &Trouble{Code: "no-agent", Text: "kernel and ramdisk came over and nothing was heard from them",
			Hint: "its serial console (ttyS0, of arm64 ttyAMA0, 115200): the kernel does not start, or the ramdisk has no driver for this port ('rackwright ramdisk build' from a kernel that has it)"}
	}
	return nil
}

// unheard is an agent that has an address and does not check in.
func unheard(a *Attempt) *Trouble {
	if a.Result != Stopped || a.Stage != Kernel && a.Stage != Ramdisk {
		return nil
	}
	for i := len(a.story) - 1; i >= 0; i-- {
		t := &a.story[i]
		if t.stage == Kernel || t.stage == Ramdisk {
			return nil
		}
		if t.client == "os" && (t.reply == "ACK" || t.reply == "REPLY") {
			return of(t, "agent-unheard", "its ramdisk runs and has an address, and does not check in",
				"TCP from it to the port of agent.listen; a firewall, or a gateway that it cannot reach; its console says what it tries")
		}
	}
	return nil
}
