package main

import (
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"

	"rackwright/bmc"
	"rackwright/bmc/ipmi"
	bmclisten "rackwright/bmc/listen"
	"rackwright/bmc/redfish"
	"rackwright/inventory"
)

// drivers are the protocols that BMCs are spoken to in. Plain http is for this host only:
// the driver sees to that.
func drivers(log *slog.Logger) bmc.Dialer {
	r := &redfish.Dialer{Log: log}
	return bmc.ByScheme{"https": r, "http": r, "ipmi": &ipmi.Dialer{Log: log}}
}

// addEvents makes the task that brings BMCs' events into the journal. They are pushed to
// the agents' server.
func (s *server) addEvents(agents chi.Router, public netip.Addr, port uint16) {
	t := &bmclisten.Task{Store: s.db, Hands: s.hands, Log: s.log, Now: time.Now, Key: s.key.Derive("bmc-events")}
	if s.cfg.BMC.Events && s.cfg.Agent.Enabled {
		t.Base = func(m *inventory.Machine) string { return reachedBy(m, public, port) }
		agents.Handle(bmclisten.Prefix+"*", t.Destinations())
	}
	s.add(s.cfg.Worker.Enabled, s.whenKnown(t)...)
}

// reachedBy is where a machine's BMC reaches our HTTPS on a port; empty when there is no way.
func reachedBy(m *inventory.Machine, public netip.Addr, port uint16) string {
	host := towards(m.BMC.Address, public)
	if host == "" {
		return ""
	}
	return "https://" + net.JoinHostPort(host, strconv.Itoa(int(port)))
}

// towards is the address by which a BMC reaches us: the configured one if it is valid, else
// ours on the way to the BMC. Empty when there is no way.
func towards(bmcAddress string, public netip.Addr) string {
	if public.IsValid() {
		return public.String()
	}
	u, err := url.Parse(bmcAddress)
	if err != nil {
		return ""
	}
	way, err := net.Dial("udp", net.JoinHostPort(u.Hostname(), "9")) // sends nothing: it asks for the route
	if err != nil {
		return ""
	}
	defer way.Close()
	return way.LocalAddr().(*net.UDPAddr).IP.String()
}
