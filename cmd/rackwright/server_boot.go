package main

import (
	"rackwright/boot"
	"rackwright/boot/trace"
	"rackwright/dhcp/listen"
	"rackwright/inventory"
)

// bootURL is where machines reach the boot server, as far as the configuration says: ""
// where that depends on the interface a machine is behind.
func (s *server) bootURL() string {
	port, err := portOf(s.cfg.HTTP.Listen)
	if err != nil || !s.shelf.public.IsValid() {
		return ""
	}
	return boot.BaseURL(s.shelf.public, port)
}

// traced is what keeps the last DHCP packets, nil when the configuration gives it no memory.
func (s *server) traced() listen.Tracer {
	if !s.cfg.DHCP.Enabled || s.cfg.DHCP.TraceMiB == 0 {
		return nil
	}
	s.packets = trace.New(s.cfg.DHCP.TraceMiB, func(mac inventory.MAC) bool { return s.view.View().Host(mac) != nil })
	return s.packets
}
