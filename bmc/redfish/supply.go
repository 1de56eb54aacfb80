package redfish

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/stmcginnis/gofish/schemas"

	"rackwright/inventory"
)

// maxSupplies is how many power supplies of one chassis we look at; a shelf has 12.
const maxSupplies = 32

// supply is what we use of a PowerSupply (PowerSubsystem, DSP0268) or of a member of
// Power.PowerSupplies, which older BMCs have.
type supply struct {
	resource
	MemberID           string `json:"MemberId"`
	Model              string
	SerialNumber       string
	PowerCapacityWatts *float64
	LineInputStatus    string
	LineInputVoltage   *float64 // Power only
	Status             wellness
	Location           struct{ PartLocation struct{ ServiceLabel string } }
}

// chassis is what we use of the Chassis schema.
type chassis struct {
	resource
	Status wellness

	ChassisType, SerialNumber, SKU, UUID, PowerState string

	Locator   *bool  `json:"LocationIndicatorActive"` // nil: not there
	Indicator string `json:"IndicatorLED"`

	Sensors, Thermal, Power, NetworkAdapters             link
	ThermalSubsystem, PowerSubsystem, EnvironmentMetrics link
}

// power is a PowerSubsystem or a Power resource.
type power struct {
	resource
	PowerSupplies json.RawMessage // a link in one, the supplies themselves in the other
}

// supplies lists the power supplies of the system's chassis.
func supplies(client schemas.Client, s *system) ([]inventory.PSU, error) {
	var out []inventory.PSU
	var err error
	for _, l := range s.Links.Chassis[:min(len(s.Links.Chassis), maxChassis)] {
		all, readErr := suppliesOf(client, l.URI)
		if readErr != nil {
			err = readErr
		}
		out = append(out, psus(all)...)
		if len(out) > 0 { // a second chassis is the enclosure around the sled, or repeats the same ones
			return out, nil
		}
	}
	return out, err
}

// suppliesOf reads PowerSubsystem, else Power.
func suppliesOf(client schemas.Client, uri string) ([]supply, error) {
	c, err := get[chassis](client, uri)
	if err != nil {
		return nil, err
	}
	if c.PowerSubsystem.URI != "" {
		var p *power
		var list link
		if p, err = get[power](client, c.PowerSubsystem.URI); err == nil && json.Unmarshal(p.PowerSupplies, &list) == nil && list.URI != "" {
			var all []supply
			if all, err = members[supply](client, list.URI, maxSupplies); len(all) > 0 {
				return all, nil
			}
		}
	}
	if c.Power.URI == "" {
		return nil, err
	}
	p, err := get[power](client, c.Power.URI)
	if err != nil {
		return nil, err
	}
	var all []supply
	if len(p.PowerSupplies) > 0 {
		err = lenient(json.Unmarshal(p.PowerSupplies, &all))
	}
	return all[:min(len(all), maxSupplies)], err
}

// psus names the supplies that are there: psu1 is the one in the first bay, also when a
// bay before is empty.
func psus(all []supply) []inventory.PSU {
	bays := supplyBays(all)
	var out []inventory.PSU
	for i, s := range all {
		if s.Status.State == string(schemas.AbsentState) {
			continue
		}
		p := inventory.PSU{Name: "psu" + strconv.Itoa(bays[i]), Model: tidy(s.Model), Serial: tidy(s.SerialNumber), Input: s.input()}
		if w := s.PowerCapacityWatts; w != nil && *w > 0 && *w < 1e6 {
			p.Watts = *w
		}
		out = append(out, p)
	}
	slices.SortStableFunc(out, func(a, b inventory.PSU) int { return strings.Compare(padded(a.Name), padded(b.Name)) })
	return out
}

// padded makes psu10 sort behind psu9.
func padded(name string) string { return strings.Repeat(" ", max(0, 8-len(name))) + name }

// supplyBays counts bays from 1: by the number that the vendor's label, name or id ends
// in, where each has one of its own, else in the order given.
func supplyBays(all []supply) []int {
	for _, text := range []func(supply) string{
		func(s supply) string { return s.Location.PartLocation.ServiceLabel },
		func(s supply) string { return s.Name },
		func(s supply) string { return s.ID },
		func(s supply) string { return s.MemberID },
	} {
		bays := make([]int, 0, len(all))
		for _, s := range all {
			if n, ok := trailingNumber(text(s)); ok && n <= 2*maxSupplies && !slices.Contains(bays, int(n)) {
				bays = append(bays, int(n))
			}
		}
		if len(bays) < len(all) {
			continue
		}
		if slices.Contains(bays, 0) {
			for i := range bays {
				bays[i]++
			}
		}
		return bays
	}
	bays := make([]int, len(all))
	for i := range bays {
		bays[i] = i + 1
	}
	return bays
}

// input is whether the supply is fed, as far as the BMC says.
func (s supply) input() string {
	switch {
	case s.LineInputStatus == "LossOfInput" || s.LineInputStatus == "OutOfRange":
		return "lost"
	case s.LineInputStatus == "Normal":
		return "ok"
	case s.Status.State == string(schemas.UnavailableOfflineState):
		return "lost"
	case s.LineInputVoltage != nil && *s.LineInputVoltage <= 0:
		return "lost"
	case s.LineInputVoltage != nil, s.Status.State == string(schemas.EnabledState) && s.Status.Health == string(schemas.OKHealth):
		return "ok"
	}
	return ""
}
