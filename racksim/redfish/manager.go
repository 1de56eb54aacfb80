package redfish

import (
	"net/netip"
	"time"
)

const managerPath = "/redfish/v1/Managers/1"

// firmwareVersion is the BMC's own.
const firmwareVersion = "1.0.0"

func (s *Service) routeManager() {
	s.collection("/redfish/v1/Managers", "ManagerCollection", "Managers", func() []body {
		b := resource(managerPath, "Manager.v1_19_1.Manager", "BMC")
		b["ManagerType"], b["FirmwareVersion"], b["Model"] = "BMC", s.bmcVersion(), "racksim BMC"
		b["Manufacturer"], b["UUID"], b["ServiceEntryPointUUID"] = s.Machine.Vendor, s.managerUUID(), s.managerUUID()
		b["PowerState"], b["Status"] = "On", status(true)
		b["DateTime"], b["DateTimeLocalOffset"] = s.Now().UTC().Format(time.RFC3339), "+00:00"
		b["EthernetInterfaces"] = link(managerPath + "/EthernetInterfaces")
		b["NetworkProtocol"], b["VirtualMedia"] = link(managerPath+"/NetworkProtocol"), link(mediaPath)
		b["Links"] = body{"ManagerForServers": links(systemPath), "ManagerForChassis": links(chassisPath), "ManagerInChassis": link(chassisPath)}
		return []body{b}
	})
	s.collection(managerPath+"/EthernetInterfaces", "EthernetInterfaceCollection", "BMC Ports", func() []body { return []body{s.managerPort()} })
	s.get(managerPath+"/NetworkProtocol", func() body {
		b := resource(managerPath+"/NetworkProtocol", "ManagerNetworkProtocol.v1_10_1.ManagerNetworkProtocol", "Network Protocols")
		b["HostName"], b["Status"] = s.Machine.Name+"-bmc", status(true)
		b["HTTP"], b["IPMI"] = body{"ProtocolEnabled": false}, body{"ProtocolEnabled": false}
		b["HTTPS"] = body{"ProtocolEnabled": true, "Port": s.address().Port()}
		return b
	})
}

func (s *Service) address() netip.AddrPort {
	a, _ := netip.ParseAddrPort(s.Machine.BMC.Address) // checked in the rack file
	return a
}

func (s *Service) managerPort() body {
	b := resource(managerPath+"/EthernetInterfaces/1", "EthernetInterface.v1_12_1.EthernetInterface", "BMC Port")
	b["InterfaceEnabled"], b["LinkStatus"], b["Status"] = true, "LinkUp", status(true)
	b["HostName"] = s.Machine.Name + "-bmc"
	if mac := s.Machine.BMC.MAC; mac != "" {
		b["MACAddress"], b["PermanentMACAddress"] = mac, mac
	}
	if ip := s.address().Addr(); ip.Is4() {
		b["IPv4Addresses"] = []body{{"Address": ip.String(), "AddressOrigin": "Static"}}
	} else {
		b["IPv6Addresses"] = []body{{"Address": ip.String(), "AddressOrigin": "Static"}}
	}
	return b
}
