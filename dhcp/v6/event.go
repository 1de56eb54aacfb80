package v6

import (
	"fmt"

	"rackwright/boot"
	"rackwright/journal"
)

// answer starts an answer with what is known of the sender.
func (t *talk) answer(rule Rule) Answer {
	ans := Answer{Rule: rule, Client: t.client, Network: t.network}
	ans.Event = journal.Event{At: t.in.At, Kind: journal.DHCPAnswered, MAC: t.client.MAC, Actor: "dhcp"}
	if t.host != nil {
		ans.Event.Machine, ans.Event.Name, ans.Event.Operation = t.host.Machine, t.host.Name, t.host.Operation
	}
	d := map[string]any{"rule": string(rule), "protocol": "DHCPv6", "message": t.msg.Type.String(), "client": t.client.Class.String()}
	if t.client.Arch != boot.ArchUnknown {
		d["arch"] = t.client.Arch.String()
	}
	if t.network != nil {
		d["network"] = t.network.Name
	}
	if t.in.Interface != "" {
		d["interface"] = t.in.Interface
	}
	if n := len(t.msg.Hops); n > 0 {
		h := t.msg.Hops[n-1]
		d["relay"] = t.in.From.Addr().String()
		ans.Remote = h.Remote
		if h.named {
			ans.Port = told(h.interfaces)
			d["circuit"] = ans.Port
		}
	}
	ans.Event.Detail = d
	return ans
}

// ignore says nothing, and why.
func (t *talk) ignore(rule Rule) Answer {
	ans := t.answer(rule)
	ans.Event.Kind = journal.DHCPIgnored
	ans.Event.Summary = fmt.Sprintf("%s (DHCPv6) from %s not answered: %s", t.msg.Type, t.client.MAC, rule.Why())
	if rule == WrongNetwork {
		ans.Event.Detail["planned"] = t.host.Network
	}
	return ans
}

// tell writes the event of a reply.
func (t *talk) tell(ans *Answer) {
	e := &ans.Event
	e.Detail["rule"] = string(ans.Rule)
	e.Summary = fmt.Sprintf("%s (DHCPv6) answered %s", t.msg.Type, e.Detail["reply"])
	switch ans.Rule {
	case NoAddress, NoBinding, NotOnLink, UseMulticast:
		e.Summary += ": " + string(ans.Rule)
	}
	if ans.Address.IsValid() {
		e.Detail["address"] = ans.Address.String()
		e.Summary += " " + ans.Address.String()
	}
	if ans.File != "" {
		e.Detail["file"] = ans.File
		e.Summary += ", boot file " + ans.File
	}
}
