package redfish

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"rackwright/racksim"
)

const (
	managerPath      = "/redfish/v1/Managers/1"
	resetManagerPath = managerPath + "/Actions/Manager.Reset"
)

// managerResets are the ResetType values of Manager.Reset.
func managerResets() []string { return []string{"GracefulRestart", "ForceRestart"} }

func (s *Service) routeManager() {
	s.collection("/redfish/v1/Managers", "ManagerCollection", "Managers", func() []body { return []body{s.manager()} })
	s.patch(managerPath, configureManager, s.manager, s.changeManager)
	s.action(resetManagerPath, configureManager, func(c *changes) *problem {
		kind, given := c.text("ResetType")
		if p := c.done(); p != nil {
			return p
		}
		if given && !slices.Contains(managerResets(), kind) {
			return refuse(http.StatusBadRequest, msgParameterNotInList, kind, "ResetType", "Reset")
		}
		s.restart()
		return nil
	})
	s.get(managerPath+"/ResetActionInfo", func() body {
		b := resource(managerPath+"/ResetActionInfo", "ActionInfo.v1_4_0.ActionInfo", "Reset Action Info")
		b["Parameters"] = []body{{"Name": "ResetType", "Required": false, "DataType": "String", "AllowableValues": managerResets()}}
		return b
	})
	s.collection(managerPath+"/EthernetInterfaces", "EthernetInterfaceCollection", "BMC Ports", func() []body { return []body{s.managerPort()} })
}

func (s *Service) manager() body {
	b := resource(managerPath, "Manager.v1_19_1.Manager", "BMC")
	b["ManagerType"], b["FirmwareVersion"], b["Model"] = "BMC", s.bmcVersion(), "racksim BMC"
	b["Manufacturer"], b["UUID"], b["ServiceEntryPointUUID"] = s.Machine.Vendor, s.managerUUID(), s.managerUUID()
	b["PowerState"], b["Status"] = "On", status(true)
	b["DateTime"], b["DateTimeLocalOffset"] = s.now().UTC().Format(time.RFC3339), "+00:00"
	b["EthernetInterfaces"], b["LogServices"] = link(managerPath+"/EthernetInterfaces"), link(managerPath+"/LogServices")
	b["NetworkProtocol"], b["VirtualMedia"] = link(managerPath+"/NetworkProtocol"), link(mediaPath)
	b["SerialConsole"] = body{"ServiceEnabled": s.speaks("SSH"), "MaxConcurrentSessions": consoleSessions, "ConnectTypesSupported": []string{"SSH"}}
	b["LastResetTime"] = dated(s.birth())
	b["Links"] = body{"ManagerForServers": links(systemPath), "ManagerForChassis": links(chassisPath), "ManagerInChassis": link(chassisPath)}
	b["Actions"] = body{"#Manager.Reset": body{"target": resetManagerPath, "@Redfish.ActionInfo": managerPath + "/ResetActionInfo",
		"ResetType@Redfish.AllowableValues": managerResets()}}
	return b
}

// birth is when this life of the BMC began.
func (s *Service) birth() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.born
}

// changeManager sets the clock.
func (s *Service) changeManager(c *changes) *problem {
	text, given := c.text("DateTime")
	offset, hasOffset := c.text("DateTimeLocalOffset")
	if p := c.done(); p != nil {
		return p
	}
	if hasOffset && offset != "+00:00" && offset != "Z" {
		return refuse(http.StatusBadRequest, msgNotInList, offset, "DateTimeLocalOffset")
	}
	if !given {
		return nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return refuse(http.StatusBadRequest, msgFormat, text, "DateTime")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ntp.on {
		return refuse(http.StatusBadRequest, msgReadOnly, "DateTime") // the time servers tell it
	}
	s.ahead = at.Sub(s.Now())
	return nil
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

// watch notes each change of the machine's power.
func (s *Service) watch(ctx context.Context) {
	last := s.Hardware.Power()
	for {
		changed := s.Hardware.Changed()
		now := s.Hardware.Power()
		if now != last && (now == racksim.On || now == racksim.Off) {
			last = now
			s.note(s.sel, systemPath, hapPower, string(now))
			if err := s.Hardware.Fault(); err != nil {
				s.note(s.sel, systemPath, hapFault, err.Error())
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}
