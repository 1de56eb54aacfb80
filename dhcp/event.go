package dhcp

import (
	"fmt"
	"strings"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"rackwright/boot"
	"rackwright/journal"
)

// answer starts an answer with what is known of the sender.
func (t *talk) answer(rule Rule) Answer {
	ans := Answer{Rule: rule, Client: t.client, Relay: relayOf(t.msg), Network: t.at.network}
	if t.host == nil {
		ans.Controller, ans.Vendor = controllerOf(t.msg.ClassIdentifier(), t.client.MAC, t.client.Class, t.at.network)
	}
	ans.Event = journal.Event{At: t.in.At, Kind: journal.DHCPAnswered, MAC: t.client.MAC, Actor: "dhcp"}
	if t.host != nil {
		ans.Event.Machine, ans.Event.Name, ans.Event.Operation = t.host.Machine, t.host.Name, t.host.Operation
	}
	d := map[string]any{"rule": string(rule), "message": t.word(), "client": t.client.Class.String()}
	if t.client.Arch != boot.ArchUnknown {
		d["arch"] = t.client.Arch.String()
	}
	if s := t.state(); s != stateless {
		d["state"] = s.String()
	}
	if t.at.network != nil {
		d["network"] = t.at.network.Name
	}
	if t.in.Interface != "" {
		d["interface"] = t.in.Interface
	}
	if t.at.relay.IsValid() {
		d["relay"] = t.at.relay.String()
	}
	if ans.Relay.Circuit != "" {
		d["circuit"] = ans.Relay.Circuit
	}
	ans.Event.Detail = d
	return ans
}

// word is the message type as the field writes it, DISCOVER or REQUEST.
func (t *talk) word() string { return wordOf(t.msg) }

func wordOf(m *dhcpv4.DHCPv4) string {
	switch m.MessageType() {
	case dhcpv4.MessageTypeNone:
		return "BOOTP"
	case leaseQuery, leaseUnassigned, leaseUnknown, leaseActive: // the library has no names for them
		return [...]string{"LEASEQUERY", "LEASEUNASSIGNED", "LEASEUNKNOWN", "LEASEACTIVE"}[m.MessageType()-leaseQuery]
	}
	return strings.ToUpper(m.MessageType().String())
}

// ignore says nothing, and why.
func (t *talk) ignore(rule Rule) Answer {
	ans := t.answer(rule)
	ans.Event.Kind = journal.DHCPIgnored
	ans.Event.Summary = fmt.Sprintf("%s from %s not answered: %s", t.word(), t.client.MAC, rule.why())
	if a := t.wanted(); a.IsValid() {
		ans.Event.Detail["wanted"] = a.String()
	}
	if server := addr(t.msg.ServerIdentifier()); server.IsValid() && (rule == OtherServer || rule == GivenByOther) {
		ans.Event.Detail["server"] = server.String()
		ans.Event.Summary += ": " + server.String()
	}
	if rule == WrongNetwork {
		ans.Event.Detail["planned"] = t.host.Network
	}
	return ans
}

// note takes notice of a message that is never answered.
func (t *talk) note(rule Rule, what string) Answer {
	ans := t.answer(rule)
	ans.Event.Summary = fmt.Sprintf("%s from %s: %s", t.word(), t.client.MAC, what)
	return ans
}

// tell writes the event of a reply.
func (t *talk) tell(ans *Answer) {
	kind := wordOf(ans.Reply)
	ans.Event.Detail["reply"] = kind
	if ans.Rule == Naked {
		wanted := t.wanted()
		ans.Event.Detail["wanted"] = wanted.String()
		ans.Event.Summary = fmt.Sprintf("%s for %s answered %s: it is not this machine's address here", t.word(), wanted, kind)
		return
	}
	ans.Event.Summary = fmt.Sprintf("%s answered %s", t.word(), kind)
	if ans.Address.IsValid() {
		ans.Event.Detail["address"] = ans.Address.String()
		ans.Event.Summary += " " + ans.Address.String()
	}
	if file := t.bootFile(); file != "" {
		ans.Event.Detail["file"] = file
		ans.Event.Summary += ", boot file " + file
	} else if t.client.ReadsConfig() {
		ans.Event.Summary += ", which reads its configuration by TFTP"
	} else if t.client.Class != boot.NotNetboot && (t.host == nil || !t.host.BMC) {
		ans.Event.Detail["no_loader"] = true
		ans.Event.Summary += ", no boot file: there is no loader for architecture " + t.client.Arch.String()
	}
}
