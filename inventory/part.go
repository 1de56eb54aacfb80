package inventory

import "time"

// Part is a component of a machine while it sat in one place, as one source saw it.
type Part struct {
	ID       int64     `json:"id,omitempty" doc:"Of this record; grows"`
	Machine  string    `json:"machine" doc:"Machine id"`
	Name     string    `json:"machine_name"`
	Source   string    `json:"source" enum:"agent,redfish"`
	Kind     string    `json:"kind" enum:"board,cpu,dimm,disk,nic,psu"`
	Location string    `json:"location" doc:"In the same form whatever the source calls it, e.g. a1"`
	Serial   string    `json:"serial,omitempty" doc:"A NIC's is its MAC"`
	Model    string    `json:"model,omitempty"`
	Seen     time.Time `json:"seen_at" doc:"When it was first seen there"`
	Gone     time.Time `json:"gone_at,omitzero" doc:"When it was seen to be gone, or to be another one; absent while it is there"`
}
