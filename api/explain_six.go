package api

import (
	"encoding/hex"
	"net/netip"
	"strings"

	"rackwright/api/wire"
	"rackwright/boot"
	"rackwright/dhcp/v6"
)

// explainDHCP6 answers a question about a DHCPv6 message.
func (s *server) explainDHCP6(in *dhcpExplainIn) (*body[wire.DHCPExplained], error) {
	q, err := in.question6()
	if err != nil {
		return nil, err
	}
	v, own := s.Explain.View(), s.own(true)
	here, err := within(v, s.own(true), in.Network)
	if err != nil {
		return nil, err
	}
	e, err := v6.Explain(v, q, here, own, v6.Settings{HTTPPort: s.Explain.Settings.HTTPPort, HTTPSPort: s.Explain.Settings.HTTPSPort, BootServer: s.Explain.Settings.BootServer}, s.Now())
	if err != nil {
		return nil, err
	}
	out := wire.DHCPExplained{Answered: e.Reply != nil, Rule: string(e.Rule), Why: e.Why(), Reply: e.Word(), Lease: int64(e.Lease().Seconds()),
		Machine: e.Event.Name, File: e.File, ReplyText: e.Text()}
	return decided(out, e.Client, e.Network, e.Address, e.Dest), nil
}

func (in *dhcpExplainIn) question6() (q v6.Question, err error) {
	if q.MAC, q.Arch, err = in.client(in.DUID != "" || in.UUID != ""); err != nil {
		return q, err
	}
	if in.DUID != "" {
		if q.DUID, err = hex.DecodeString(strings.NewReplacer(":", "", "-", "").Replace(in.DUID)); err != nil {
			return q, badQuery("duid", "is not hexadecimal")
		}
	}
	q.Class, _ = boot.ClassNamed(in.Client)
	q.Kind, q.UUID, q.IAID, q.Circuit, q.Remote = in.Message, in.UUID, in.IAID, in.Circuit, in.Remote
	for _, a := range []struct {
		to         *netip.Addr
		name, text string
	}{{&q.Wanted, "wanted", in.Wanted}, {&q.Relay, "relay", in.Relay}, {&q.Link, "link", in.Link}} {
		if *a.to, err = address(a.name, a.text, true); err != nil {
			return q, err
		}
	}
	if in.Network != "" && q.Relay.IsValid() {
		return q, badQuery("network", "is of a client on our own wire, and a relay was named too")
	}
	return q, nil
}
