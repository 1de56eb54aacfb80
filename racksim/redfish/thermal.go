package redfish

import "strconv"

const (
	thermalPath = chassisPath + "/ThermalSubsystem"
	fansPath    = thermalPath + "/Fans"
)

func fanPath(i int) string { return fansPath + "/" + strconv.Itoa(i+1) }

// routeThermal serves fans and temperatures: as the ThermalSubsystem (Redfish 2020.4) and as
// the Thermal resource for older clients.
func (s *Service) routeThermal() {
	s.get(thermalPath, func() body {
		b := resource(thermalPath, "ThermalSubsystem.v1_3_2.ThermalSubsystem", "Thermal Subsystem")
		b["Fans"], b["ThermalMetrics"], b["Status"] = link(fansPath), link(thermalPath+"/ThermalMetrics"), status(true)
		return b
	})
	s.get(thermalPath+"/ThermalMetrics", func() body {
		b := resource(thermalPath+"/ThermalMetrics", "ThermalMetrics.v1_3_1.ThermalMetrics", "Thermal Metrics")
		readings := []body{}
		for _, x := range s.sensors() {
			if x.kind == "Temperature" {
				one := excerpt(x)
				one["DeviceName"], one["PhysicalContext"] = x.name, x.context
				readings = append(readings, one)
			}
		}
		b["TemperatureReadingsCelsius"] = readings
		return b
	})
	s.collection(fansPath, "FanCollection", "Fans", func() []body {
		var all []body
		for i, f := range s.Machine.Fans {
			x := s.sensor("Fan" + strconv.Itoa(i+1))
			b := resource(fanPath(i), "Fan.v1_5_2.Fan", f.Name)
			speed := excerpt(x)
			speed["SpeedRPM"], speed["Reading"] = x.value, x.value*100/fanSpeed
			b["SpeedPercent"], b["Status"], b["PhysicalContext"] = speed, partStatus(x.severity), "Chassis"
			b["Location"] = body{"PartLocation": body{"ServiceLabel": f.Name, "LocationType": "Bay", "LocationOrdinalValue": i}}
			all = append(all, b)
		}
		return all
	})
	s.get(chassisPath+"/Thermal", s.thermal)
}

func (s *Service) thermal() body {
	const path = chassisPath + "/Thermal"
	b := resource(path, "Thermal.v1_7_3.Thermal", "Thermal")
	heats, fans := []body{}, []body{}
	for _, x := range s.sensors() {
		switch x.kind {
		case "Temperature":
			id := strconv.Itoa(len(heats))
			heats = append(heats, body{"@odata.id": path + "#/Temperatures/" + id, "MemberId": id, "Name": x.name, "ReadingCelsius": x.value,
				"UpperThresholdCritical": x.high, "PhysicalContext": x.context, "Status": partStatus(x.severity)})
		case "Rotational":
			id := strconv.Itoa(len(fans))
			fans = append(fans, body{"@odata.id": path + "#/Fans/" + id, "MemberId": id, "Name": x.name, "Reading": int(x.value), "ReadingUnits": "RPM",
				"PhysicalContext": x.context, "LowerThresholdCritical": int(x.low), "Status": partStatus(x.severity)})
		}
	}
	b["Temperatures"], b["Fans"] = heats, fans
	return b
}
