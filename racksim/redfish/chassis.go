package redfish

import "rackwright/racksim"

const chassisPath = "/redfish/v1/Chassis/1"

// Power draw of a simulated machine, in watts.
const (
	wattsOn      = 120
	wattsStandby = 8
)

func (s *Service) routeChassis() {
	s.collection("/redfish/v1/Chassis", "ChassisCollection", "Chassis", func() []body { return []body{s.chassis()} })
	s.patch(chassisPath, configureComponents, s.chassis, s.changeChassis)
}

func (s *Service) changeChassis(c *changes) *problem {
	light := c.light()
	tag, hasTag := c.text("AssetTag")
	write := func(*kept) {}
	if o, ok := c.object("Location"); ok {
		var p *problem
		if write, p = changeLocation(o); p != nil {
			return p
		}
	}
	if p := c.done(); p != nil {
		return p
	}
	if p := s.tell(light, tag, hasTag); p != nil {
		return p
	}
	s.memory.change(write)
	return nil
}

func (s *Service) watts() int {
	if s.Hardware.Power() == racksim.Off {
		return wattsStandby
	}
	return wattsOn
}

func (s *Service) chassis() body {
	m := s.Machine
	b := resource(chassisPath, "Chassis.v1_25_1.Chassis", m.Name)
	b["ChassisType"], b["Manufacturer"], b["Model"], b["SKU"] = "RackMount", m.Vendor, m.Model, m.SKU
	b["SerialNumber"], b["UUID"], b["PowerState"], b["Status"] = m.Serial, m.UUID, s.Hardware.Power(), s.health()
	b["HeightMm"] = 44.45 * float64(m.Height) // one unit is 1.75 inches (EIA-310)
	b["Location"] = s.location()
	b["Power"], b["Thermal"] = link(chassisPath+"/Power"), link(chassisPath+"/Thermal")
	b["PowerSubsystem"], b["ThermalSubsystem"], b["Sensors"] = link(subsystemPath), link(thermalPath), link(sensorsPath)
	b["EnvironmentMetrics"] = link(chassisPath + "/EnvironmentMetrics")
	b["Links"] = body{"ComputerSystems": links(systemPath), "ManagedBy": links(managerPath)}
	s.mu.Lock()
	defer s.mu.Unlock()
	b["AssetTag"], b["LocationIndicatorActive"], b["IndicatorLED"] = s.assetTag, s.led != ledOff, s.led
	return b
}
