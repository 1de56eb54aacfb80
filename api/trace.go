package api

import (
	"context"
	"net/netip"
	"slices"
	"strings"

	"rackwright/api/wire"
	"rackwright/boot/trace"
	"rackwright/fault"
	"rackwright/inventory"
)

// Traces has the last DHCP packets in memory. *trace.Ring is one.
type Traces interface {
	Of(inventory.MAC) []trace.Packet
	Strangers(relay netip.Addr, circuit string, limit int) []trace.Packet
}

const (
	typePCAP   = "application/vnd.tcpdump.pcap"
	mostTraced = 1000 // packets of an answer
)

type strangersTraceIn struct {
	MAC     string `query:"mac" maxLength:"17" doc:"Only packets of this MAC, in any common notation"`
	Relay   string `query:"relay" maxLength:"45" doc:"Only packets that came by the relay of this address (giaddr)"`
	Circuit string `query:"circuit" maxLength:"250" doc:"Only packets with this circuit id of option 82, by IPv6 of option 18"`
}

// packetFile is a file of packets.
type packetFile struct {
	ContentType string `header:"Content-Type"`
	Server      string `header:"Rackwright-Server" doc:"Whose memory it is: each server on one database has its own"`
	Body        []byte
}

func (s *server) traces() {
	o := op("GET", "/machines/{machine}/trace", "machine-trace", "The last DHCP packets of a machine that this server has in memory")
	o.Tags = []string{"machines"}
	route(s, o, s.machineTrace)
	picture(s, "/machines/{machine}/trace.pcap", "machine-trace-pcap", "The same packets as a capture file; headers below DHCP are made up", typePCAP, "machines", s.machinePCAP)
	o = op("GET", "/dhcp/trace", "trace-strangers", "The last DHCP packets of machines in no plan that this server has in memory")
	o.Tags = []string{"explain"}
	route(s, o, s.strangersTrace)
}

// traced is what is in memory of a machine, the oldest first.
func (s *server) traced(ctx context.Context, name string) ([]trace.Packet, error) {
	m, err := s.Store.Machine(ctx, name)
	if err != nil {
		return nil, err
	}
	if s.Traces == nil {
		return nil, untraced()
	}
	return s.packetsOf(m), nil
}

func (s *server) packetsOf(m *inventory.Machine) (out []trace.Packet) {
	for _, n := range m.NICs {
		if !n.MAC.IsZero() {
			out = append(out, s.Traces.Of(n.MAC)...)
		}
	}
	return inOrder(out)
}

func inOrder(list []trace.Packet) []trace.Packet {
	slices.SortStableFunc(list, func(a, b trace.Packet) int { return a.At.Compare(b.At) })
	return list[max(0, len(list)-mostTraced):]
}

func untraced() error {
	return fault.Conflictf("this server keeps no packets").WithHint("ask one with [dhcp] enabled")
}

func (s *server) machineTrace(ctx context.Context, in *MachineIn) (*body[wire.Trace], error) {
	list, err := s.traced(ctx, in.Machine)
	return s.told(list), err
}

func (s *server) machinePCAP(ctx context.Context, in *MachineIn) (*packetFile, error) {
	list, err := s.traced(ctx, in.Machine)
	if err != nil {
		return nil, err
	}
	return &packetFile{ContentType: typePCAP, Server: s.Name, Body: trace.PCAP(list)}, nil
}

func (s *server) strangersTrace(_ context.Context, in *strangersTraceIn) (*body[wire.Trace], error) {
	if s.Traces == nil {
		return nil, untraced()
	}
	relay, err := address("relay", in.Relay, strings.Contains(in.Relay, ":"))
	if err != nil {
		return nil, err
	}
	list := s.Traces.Strangers(relay, in.Circuit, mostTraced)
	if in.MAC != "" {
		mac, err := inventory.ParseMAC(in.MAC)
		if err != nil {
			return nil, badQuery("mac", err.Error())
		}
		list = slices.DeleteFunc(list, func(p trace.Packet) bool { return p.MAC != mac })
	}
	return s.told(inOrder(list)), nil
}

func (s *server) told(list []trace.Packet) *body[wire.Trace] {
	out := wire.Trace{Server: s.Name, Packets: []wire.TracePacket{}}
	for _, p := range list {
		out.Packets = append(out.Packets, wire.TracePacket{At: p.At, MAC: p.MAC.String(), Sent: p.Sent, Type: p.Word(), XID: p.XID(),
			From: p.From.String(), To: p.To.String(), Bytes: p.Whole})
	}
	return &body[wire.Trace]{out}
}
