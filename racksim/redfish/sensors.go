package redfish

import (
	"slices"
	"strconv"

	"rackwright/racksim"
)

const sensorsPath = chassisPath + "/Sensors"

// sensor is one reading.
type sensor struct {
	id, name, kind, unit, context string
	value, low, high              float64 // thresholds: 0 is none
	severity                      string
}

// What sensors read: temperatures in Cel, fans in RPM, supplies in V.
const (
	inletHeat   = 22
	idleHeat    = 24
	busyHeat    = 54
	fanSpeed    = 6000
	mainsVolts  = 230
	fanSlowest  = 600
	inletLimit  = 42
	processorOK = 95
)

// sensors follow the power state and the faults of the rack file.
func (s *Service) sensors() []sensor {
	on := s.Hardware.Power() == racksim.On
	heat := float64(idleHeat)
	if on {
		heat = busyHeat
	}
	all := []sensor{
		{"Inlet", "Inlet Temperature", "Temperature", "Cel", "Intake", inletHeat, 0, inletLimit, fine},
		{"CPU1", "CPU1 Temperature", "Temperature", "Cel", "CPU", heat, 0, processorOK, fine},
		{"Power", "Total Power", "Power", "W", "PowerSupply", float64(s.watts()), 0, 0, fine},
	}
	for i, f := range s.Machine.Fans {
		one := sensor{"Fan" + strconv.Itoa(i+1), f.Name, "Rotational", "RPM", "Fan", 0, 0, 0, fine}
		if on {
			one.low = fanSlowest
			if !f.Failed {
				one.value = fanSpeed
			}
		}
		if f.Failed {
			one.severity = critical
		}
		all = append(all, one)
	}
	for i, p := range s.Machine.PSUs {
		if p.Input == racksim.InputAbsent {
			continue
		}
		one := sensor{"PSU" + strconv.Itoa(i+1) + "Input", p.Name + " Input Voltage", "Voltage", "V", "PowerSupply", mainsVolts, 180, 264, fine}
		if p.Input == racksim.InputLost {
			one.value, one.severity = 0, critical
		}
		all = append(all, one)
	}
	return all
}

func (s *Service) sensor(id string) sensor {
	all := s.sensors()
	return all[slices.IndexFunc(all, func(x sensor) bool { return x.id == id })]
}

func (s *Service) routeSensors() {
	s.collection(sensorsPath, "SensorCollection", "Sensors", func() []body {
		var all []body
		for _, x := range s.sensors() {
			all = append(all, x.body())
		}
		return all
	})
	s.get(chassisPath+"/EnvironmentMetrics", func() body {
		b := resource(chassisPath+"/EnvironmentMetrics", "EnvironmentMetrics.v1_3_2.EnvironmentMetrics", "Environment")
		b["PowerWatts"], b["TemperatureCelsius"] = excerpt(s.sensor("Power")), excerpt(s.sensor("Inlet"))
		return b
	})
}

func (x sensor) body() body {
	b := resource(sensorsPath+"/"+x.id, "Sensor.v1_9_1.Sensor", x.name)
	b["Reading"], b["ReadingType"], b["ReadingUnits"], b["PhysicalContext"] = x.value, x.kind, x.unit, x.context
	b["Status"] = partStatus(x.severity)
	limits := body{}
	if x.low != 0 {
		limits["LowerCritical"] = body{"Reading": x.low}
	}
	if x.high != 0 {
		limits["UpperCritical"] = body{"Reading": x.high}
	}
	b["Thresholds"] = limits
	return b
}

// excerpt is a sensor as other resources show it (DSP0268 SensorExcerpt).
func excerpt(x sensor) body {
	return body{"DataSourceUri": sensorsPath + "/" + x.id, "Reading": x.value}
}
