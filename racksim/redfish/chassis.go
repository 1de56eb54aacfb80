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
	s.routePower()
	s.get(chassisPath+"/Thermal", func() body {
		b := resource(chassisPath+"/Thermal", "Thermal.v1_7_3.Thermal", "Thermal")
		b["Temperatures"] = []body{{
			"@odata.id": chassisPath + "/Thermal#/Temperatures/0", "MemberId": "0", "Name": "Inlet",
			"ReadingCelsius": 22, "PhysicalContext": "Intake", "Status": status(true),
		}}
		b["Fans"] = []body{}
		return b
	})
}

func (s *Service) changeChassis(c *changes) *problem {
	light := c.light()
	tag, hasTag := c.text("AssetTag")
	if p := c.done(); p != nil {
		return p
	}
	return s.tell(light, tag, hasTag)
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
	b["Location"] = body{"Placement": body{"Rack": s.Rack, "RackOffset": m.U, "RackOffsetUnits": "EIA_310"}}
	b["Power"], b["Thermal"] = link(chassisPath+"/Power"), link(chassisPath+"/Thermal")
	b["PowerSubsystem"] = link(subsystemPath)
	b["Links"] = body{"ComputerSystems": links(systemPath), "ManagedBy": links(managerPath)}
	s.mu.Lock()
	defer s.mu.Unlock()
	b["AssetTag"], b["LocationIndicatorActive"], b["IndicatorLED"] = s.assetTag, s.led != ledOff, s.led
	return b
}
