package main

import (
	"net/netip"
	"time"

	"rackwright/boot/trace"
	"rackwright/inventory"
)

// packets are those of a stranger behind a relay.
func packets() *trace.Ring {
	r := trace.New(1, func(inventory.MAC) bool { return false })
	m := append(make([]byte, 236), 99, 130, 83, 99, 53, 1, 1, 82, 6, 1, 4, 'p', 'o', 'r', 't', 255)
	copy(m[24:], []byte{10, 20, 0, 1})
	r.Packet(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), inventory.MAC{2, 0, 0, 0, 0, 9}, false, trace.Datagram{From: netip.MustParseAddrPort("10.20.0.1:67"), To: netip.MustParseAddrPort("10.0.0.1:67"), Message: m})
	return r
}
