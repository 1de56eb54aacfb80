package bmc

import "time"

// Health is how well something is (Redfish Resource.Health).
type Health string

// The healths; empty is not known.
const (
	OK       Health = "ok"
	Warning  Health = "warning"
	Critical Health = "critical"
)

// Readings are a machine's sensors at one time.
type Readings struct {
	At      time.Time `json:"at"`
	Health  Health    `json:"health,omitempty" enum:"ok,warning,critical" doc:"Worst of the system and what is in it, as the BMC rolls it up"`
	Ills    []Ill     `json:"ills,omitempty" nullable:"false" doc:"What is not ok"`
	Sensors []Sensor  `json:"sensors" nullable:"false"`
}

// Ill is a part that the BMC says is not well.
type Ill struct {
	Part   string `json:"part" doc:"e.g. DIMM A3, Fan 2"`
	Health Health `json:"health" enum:"warning,critical"`
	Says   string `json:"says,omitempty"`
}

// Sensor is one reading.
type Sensor struct {
	Name     string  `json:"name"`
	Kind     string  `json:"kind" enum:"temperature,fan,power,voltage,current,humidity,other"`
	Value    float64 `json:"value"`
	Unit     string  `json:"unit" doc:"Cel, RPM, %, W, V, A"`
	Health   Health  `json:"health,omitempty" enum:"ok,warning,critical"`
	Low      float64 `json:"low,omitempty" doc:"Critical threshold; 0: none"`
	High     float64 `json:"high,omitempty" doc:"Critical threshold; 0: none"`
	Location string  `json:"location,omitempty"`
}
