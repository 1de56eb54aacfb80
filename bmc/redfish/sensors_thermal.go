package redfish

import (
	"context"
	"strings"

	"rackwright/bmc"
)

// gauge is an element of Thermal or Power, the schemas before Sensors: each kind has its
// own name for the reading, the rest is alike.
type gauge struct {
	Name, FanName, MemberID string
	PhysicalContext         string
	Status                  wellness
	UpperThresholdCritical  decimal
	LowerThresholdCritical  decimal

	ReadingCelsius, ReadingVolts, Reading decimal
	ReadingUnits, Units                   string  // of a fan; Units before Thermal 1.0.1
	CurrentReading                        decimal // of a fan, before Thermal 1.0.1
	PowerConsumedWatts                    decimal
	PowerInputWatts, PowerOutputWatts     decimal // of a supply
	LastPowerOutputWatts                  decimal
}

// gauges is Thermal and Power together.
type gauges struct {
	resource
	Temperatures, Fans, Voltages, PowerControl, PowerSupplies []gauge
}

// thermal reads a Thermal resource.
func (e *examination) thermal(ctx context.Context, uri string) error {
	g, err := e.gauges(ctx, uri)
	if g == nil {
		return err
	}
	for _, t := range g.Temperatures {
		e.gauge(t, "temperature", "Cel", t.ReadingCelsius.is)
	}
	for _, f := range g.Fans {
		reading := f.Reading.is
		if reading == nil {
			reading = f.CurrentReading.is
		}
		e.gauge(f, "fan", unitOf("fan", first(f.ReadingUnits, f.Units)), reading)
	}
	return nil
}

// power reads a Power resource.
func (e *examination) power(ctx context.Context, uri string) error {
	g, err := e.gauges(ctx, uri)
	if g == nil {
		return err
	}
	for _, p := range g.PowerControl {
		if p.Name == "" {
			p.Name = "Power"
		}
		e.gauge(p, "power", "W", p.PowerConsumedWatts.is)
	}
	for _, v := range g.Voltages {
		e.gauge(v, "voltage", "V", v.ReadingVolts.is)
	}
	for _, s := range g.PowerSupplies {
		reading := s.PowerInputWatts.is
		for _, other := range []decimal{s.PowerOutputWatts, s.LastPowerOutputWatts} {
			if reading == nil {
				reading = other.is
			}
		}
		e.gauge(s, "power", "W", reading)
	}
	return nil
}

func (e *examination) gauges(ctx context.Context, uri string) (*gauges, error) {
	if !e.once(uri) {
		return nil, nil
	}
	g, err := get[gauges](e.c.under(ctx), uri)
	if err != nil {
		return nil, e.c.forgive(ctx, "sensors", err)
	}
	return g, nil
}

func (e *examination) gauge(g gauge, kind, unit string, reading *float64) {
	e.take(bmc.Sensor{Name: first(g.Name, g.FanName, g.MemberID), Kind: kind, Unit: unit,
		Low: g.LowerThresholdCritical.orZero(), High: g.UpperThresholdCritical.orZero(), Location: tidy(g.PhysicalContext)}, g.Status, reading)
}

// excerpt is a sensor's excerpt (DSP0266 9.10) in EnvironmentMetrics or ThermalMetrics.
type excerpt struct {
	Reading, SpeedRPM           decimal
	DeviceName, PhysicalContext string
	DataSource                  string `json:"DataSourceUri"`
}

// environment is EnvironmentMetrics, or a ThermalSubsystem's ThermalMetrics.
type environment struct {
	resource
	ThermalMetrics                                  link // of the ThermalSubsystem itself
	TemperatureCelsius, PowerWatts, HumidityPercent excerpt
	FanSpeedsPercent, TemperatureReadingsCelsius    []excerpt
}

// metrics reads what a chassis without sensors and without Thermal has.
func (e *examination) metrics(ctx context.Context, h *chassis) error {
	for _, uri := range []string{h.EnvironmentMetrics.URI, h.ThermalSubsystem.URI} {
		m, err := e.readMetrics(ctx, uri)
		if err != nil {
			return err
		}
		if m != nil && m.ThermalMetrics.URI != "" {
			if _, err := e.readMetrics(ctx, m.ThermalMetrics.URI); err != nil {
				return err
			}
		}
	}
	return nil
}

func (e *examination) readMetrics(ctx context.Context, uri string) (*environment, error) {
	if !e.once(uri) {
		return nil, nil
	}
	m, err := get[environment](e.c.under(ctx), uri)
	if err != nil {
		return nil, e.c.forgive(ctx, "metrics", err)
	}
	e.excerpt(m.TemperatureCelsius, "Temperature", "temperature", "Cel")
	e.excerpt(m.PowerWatts, "Power", "power", "W")
	e.excerpt(m.HumidityPercent, "Humidity", "humidity", "%")
	for _, t := range m.TemperatureReadingsCelsius {
		e.excerpt(t, "Temperature", "temperature", "Cel")
	}
	for _, f := range m.FanSpeedsPercent {
		if f.SpeedRPM.is != nil {
			f.Reading = f.SpeedRPM
			e.excerpt(f, "Fan", "fan", "RPM")
			continue
		}
		e.excerpt(f, "Fan", "fan", "%")
	}
	return m, nil
}

func (e *examination) excerpt(x excerpt, name, kind, unit string) {
	e.take(bmc.Sensor{Name: first(x.DeviceName, lastOf(x.DataSource), name), Kind: kind, Unit: unit, Location: tidy(x.PhysicalContext)}, wellness{}, x.Reading.is)
}

// kindOf maps ReadingType; of a percentage only where it is measured tells what of.
func kindOf(kind, units, where string) string {
	switch kind {
	case "Temperature":
		return "temperature"
	case "Rotational":
		return "fan"
	case "Power", "Voltage", "Current", "Humidity":
		return strings.ToLower(kind)
	case "Percent":
		if where == "Fan" {
			return "fan"
		}
	case "": // before Sensor had the type
		switch units {
		case "Cel":
			return "temperature"
		case "RPM", "rpm", "{rev}/min":
			return "fan"
		case "W":
			return "power"
		case "V":
			return "voltage"
		case "A":
			return "current"
		}
	}
	return "other"
}

// unitOf is the unit as bmc.Sensor has it; Redfish writes UCUM, and Percent for fans.
func unitOf(kind, units string) string {
	switch u := tidy(units); u {
	case "Percent":
		return "%"
	case "{rev}/min", "rpm":
		return "RPM"
	case "":
		return map[string]string{"temperature": "Cel", "fan": "RPM", "power": "W", "voltage": "V", "current": "A", "humidity": "%"}[kind]
	default:
		return u
	}
}
