package access

import "slices"

// Role is a set of rights.
type Role string

// The roles. Each of the first four has the rights of those before it; service is for
// machines that talk to us and stands beside them.
const (
	Viewer     Role = "viewer"
	Technician Role = "technician"
	Operator   Role = "operator"
	Admin      Role = "admin"
	Service    Role = "service"
)

// Right is what somebody may do, in a word of the trade.
type Right string

// The rights.
const (
	Read     Right = "read"
	Rack     Right = "rack"
	Power    Right = "power"
	Deploy   Right = "deploy"
	Plan     Right = "plan"
	Destroy  Right = "destroy"
	BMC      Right = "bmc"
	Image    Right = "image"
	Firmware Right = "firmware"
	Serve    Right = "serve"
	Audit    Right = "audit"
	Govern   Right = "govern"
)

// row is a right, what it is for, and who has it.
type row struct {
	right Right
	what  string
	roles []Role
}

// table is who may do what, the whole of it.
var table = []row{
	{Read, "see machines, racks, networks, images, operations and events; no secret is among them", []Role{Viewer, Technician, Operator, Admin, Service}},
	{Rack, "work on the racking list, scan codes, blink a locator, sign a rack off", []Role{Technician, Operator, Admin}},
	{Power, "switch machines on and off", []Role{Operator, Admin}},
	{Deploy, "deploy, inspect, burn in and rescue machines, roll images out; cancel and retry operations", []Role{Operator, Admin}},
	{Plan, "apply plans, hold machines, waive conditions, replace machines, give codes for racks", []Role{Operator, Admin}},
	{Destroy, "erase disks, retire machines, remove images and firmware files", []Role{Operator, Admin}},
	{BMC, "change settings at BMCs, claim them", []Role{Operator, Admin}},
	{Image, "bring images in, check them, collect bytes nobody needs", []Role{Operator, Admin}},
	{Firmware, "bring firmware files in, update machines, run campaigns", []Role{Operator, Admin}},
	{Serve, "give out what others fetch: caches of image chunks", []Role{Operator, Admin, Service}},
	{Audit, "read who did what", []Role{Operator, Admin}},
	{Govern, "give and revoke tokens, say who is told of events by webhooks", []Role{Admin}},
}

// Roles are all roles, the one with the fewest rights first.
func Roles() []Role { return []Role{Viewer, Technician, Operator, Admin, Service} }

// Rights are all rights, in the order of the table.
func Rights() []Right {
	var out []Right
	for _, r := range table {
		out = append(out, r.right)
	}
	return out
}

// What says what a right is for.
func (r Right) What() string {
	for _, t := range table {
		if t.right == r {
			return t.what
		}
	}
	return ""
}

// Known reports whether there is such a role.
func (r Role) Known() bool { return slices.Contains(Roles(), r) }

// May reports whether a role has a right.
func (r Role) May(right Right) bool {
	for _, t := range table {
		if t.right == right {
			return slices.Contains(t.roles, r)
		}
	}
	return false
}
