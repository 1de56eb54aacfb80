package redfish

import (
	"strconv"

	"rackwright/racksim"
)

const (
	subsystemPath = chassisPath + "/PowerSubsystem"
	suppliesPath  = subsystemPath + "/PowerSupplies"
)

func supplyPath(i int) string { return suppliesPath + "/" + strconv.Itoa(i+1) }

// routePower serves the power supplies: as the PowerSubsystem (Redfish 2020.4) and as the
// Power resource for older clients.
func (s *Service) routePower() {
	s.get(subsystemPath, func() body {
		b := resource(subsystemPath, "PowerSubsystem.v1_1_2.PowerSubsystem", "Power Subsystem")
		b["PowerSupplies"], b["CapacityWatts"], b["Status"] = link(suppliesPath), s.capacity(), status(true)
		return b
	})
	s.collection(suppliesPath, "PowerSupplyCollection", "Power Supplies", func() []body {
		var all []body
		for i, p := range s.Machine.PSUs {
			b := resource(supplyPath(i), "PowerSupply.v1_6_0.PowerSupply", p.Name)
			b["Location"] = body{"PartLocation": body{"LocationType": "Bay", "ServiceLabel": p.Name, "LocationOrdinalValue": i}}
			b["PowerSupplyType"], b["Manufacturer"] = "AC", s.Machine.Vendor
			supplyBody(b, p)
			all = append(all, b)
		}
		return all
	})
	s.get(chassisPath+"/Power", func() body {
		b := resource(chassisPath+"/Power", "Power.v1_7_3.Power", "Power")
		b["PowerControl"] = []body{{
			"@odata.id": chassisPath + "/Power#/PowerControl/0", "MemberId": "0", "Name": "System Power Control",
			"PowerConsumedWatts": s.watts(), "PowerCapacityWatts": s.capacity(), "Status": status(true),
		}}
		all := []body{}
		for i, p := range s.Machine.PSUs {
			id := strconv.Itoa(i)
			one := body{"@odata.id": chassisPath + "/Power#/PowerSupplies/" + id, "MemberId": id, "Name": p.Name}
			supplyBody(one, p)
			all = append(all, one)
		}
		b["PowerSupplies"] = all
		return b
	})
}

// supplyBody fills in what both schemas have.
func supplyBody(b body, p racksim.PSU) {
	if p.Input == racksim.InputAbsent {
		b["Status"] = body{"State": "Absent"}
		return
	}
	b["Model"], b["SerialNumber"], b["PowerCapacityWatts"] = "racksim "+strconv.Itoa(p.Watts)+"W", p.Serial, p.Watts
	b["LineInputStatus"], b["Status"] = "Normal", status(true)
	switch p.Input {
	case racksim.InputLost:
		b["LineInputStatus"], b["Status"] = "LossOfInput", body{"State": "UnavailableOffline", "Health": critical}
	case racksim.InputFailed:
		b["Status"] = partStatus(critical)
	}
}

// capacity is what the supplies that are fed give together, in watts.
func (s *Service) capacity() (sum int) {
	for _, p := range s.Machine.PSUs {
		if p.Input == racksim.InputOK {
			sum += p.Watts
		}
	}
	return sum
}
