package redfish

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
)

const protocolsPath = managerPath + "/NetworkProtocol"

// Limits of what can be set.
const (
	maxTimeServers  = 4
	maxHostName     = 253
	consoleSessions = 1
	consolePort     = 2200
)

// ntp is how the BMC's clock is kept. It asks no server: with one named its clock is right.
type ntp struct {
	on      bool
	servers []string
}

// ports of the protocols that can be switched, though none but HTTPS answers here.
func protocolPorts() map[string]int {
	return map[string]int{"HTTP": 80, "IPMI": 623, "SSH": 22, "SNMP": 161, "KVMIP": 5900, "VirtualMedia": 623, "Telnet": 23, "SSDP": 1900}
}

// speaks tells whether a protocol is switched on.
func (s *Service) speaks(protocol string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.protocols[protocol]
}

func (s *Service) routeProtocols() {
	s.get(protocolsPath, s.networkProtocol)
	s.patch(protocolsPath, configureManager, s.networkProtocol, s.changeProtocols)
}

func (s *Service) networkProtocol() body {
	b := resource(protocolsPath, "ManagerNetworkProtocol.v1_10_1.ManagerNetworkProtocol", "Network Protocols")
	b["HostName"], b["Status"] = s.Machine.Name+"-bmc", status(true)
	b["HTTPS"] = body{"ProtocolEnabled": true, "Port": s.address().Port(), "Certificates": link(certificatesPath)}
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, port := range protocolPorts() {
		b[name] = body{"ProtocolEnabled": s.protocols[name], "Port": port}
	}
	b["NTP"] = body{"ProtocolEnabled": s.ntp.on, "Port": 123, "NTPServers": append([]string{}, s.ntp.servers...)}
	return b
}

func (s *Service) changeProtocols(c *changes) *problem {
	want := map[string]bool{}
	for name := range protocolPorts() {
		if o, ok := c.object(name); ok {
			if on, ok := o.flag("ProtocolEnabled"); ok {
				want[name] = on
			}
			c.also(o)
		}
	}
	if o, ok := c.object("HTTPS"); ok {
		on, hasOn := o.flag("ProtocolEnabled")
		c.also(o)
		if hasOn && !on && c.bad == nil {
			c.bad = refuse(http.StatusBadRequest, msgReadOnly, "ProtocolEnabled") // nobody could undo it
		}
	}
	s.mu.Lock()
	clock := s.ntp
	s.mu.Unlock()
	if o, ok := c.object("NTP"); ok {
		if on, ok := o.flag("ProtocolEnabled"); ok {
			clock.on = on
		}
		if servers, ok := o.list("NTPServers"); ok {
			clock.servers = slices.DeleteFunc(servers, func(name string) bool { return name == "" })
		}
		c.also(o)
	}
	if p := c.done(); p != nil {
		return p
	}
	if len(clock.servers) > maxTimeServers || slices.ContainsFunc(clock.servers, func(name string) bool { return len(name) > maxHostName }) {
		return refuse(http.StatusBadRequest, msgLimit)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.Copy(s.protocols, want)
	s.ntp = clock
	return nil
}

// serialConsole says how the machine's console is reached. Without a port for it in the
// rack file it is what a BMC would say: racksim keeps the console in a file.
func (s *Service) serialConsole() body {
	port := cmp.Or(s.Machine.BMC.Console, consolePort)
	return body{"MaxConcurrentSessions": consoleSessions, "SSH": body{
		"ServiceEnabled": s.speaks("SSH"), "Port": port, "SharedWithManagerCLI": false, "ConsoleEntryCommand": "", "HotKeySequenceDisplay": "~.",
	}, "IPMI": body{"ServiceEnabled": s.speaks("IPMI"), "Port": protocolPorts()["IPMI"]}}
}
