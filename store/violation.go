package store

import (
	"cmp"
	"strings"

	"rackwright/fault"
)

// ruled is taken for a rule about one row: unknown ones are not a clash with another.
func ruled(what string, err error) error {
	for _, known := range []string{"rack_weight", "rack_feed_power", "network_cidr"} {
		if strings.Contains(what, known) {
			return taken(known, err)
		}
	}
	return &fault.Error{Kind: fault.Invalid, Message: "a value is not one that the schema allows: " + what, Err: err}
}

// taken turns a violation of the schema into words. The names of the rules, or of the
// columns, say which it is.
func taken(what string, err error) error {
	for _, rule := range []struct{ mark, words, hint string }{
		{"slot_cell", "the slot is taken or reserved", ""},
		{"nic_mac", "a MAC belongs to another machine", ""}, {"nic.mac", "a MAC belongs to another machine", ""},
		{"machine_address", "an address belongs to another machine", ""},
		{"nic_network", "an address belongs to another machine", ""}, {"nic.network_id", "an address belongs to another machine", ""},
		{"nic_pkey", "the machine has two ports of one name", "give each port a name of its own"}, {"nic.machine_id", "the machine has two ports of one name", "give each port a name of its own"},
		{"cable_end_pkey", "a port or outlet has a cable already", ""}, {"cable_end.owner_id", "a port or outlet has a cable already", ""},
		{"cable_fits", "the cable does not fit the connectors at its ends", "correct the cable's type, or the connector of the port"},
		{"rack_weight", "the rack would carry more than its weight limit", "move something to another rack, or correct the weights"},
		{"rack_feed_power", "a feed of the rack would carry more than it may when another is lost", "move something to another rack, or correct the draw of the models"},
		{"bmc", "a BMC belongs to another machine", ""},
		{"machine_serial", "a serial number belongs to another machine", ""}, {"machine.serial_key", "a serial number belongs to another machine", ""},
		{"machine_asset_tag", "an asset tag belongs to another machine", ""}, {"machine.asset_tag", "an asset tag belongs to another machine", ""},
		{"machine_bay", "the bay is taken by another machine", ""}, {"machine.chassis_id", "the bay is taken by another machine", ""},
		{"machine_name", "a machine of that name exists", ""}, {"machine.name", "a machine of that name exists", ""},
		{"device_name", "a device of that name exists", ""}, {"device.name", "a device of that name exists", ""},
		{"operation_exclusive", "another operation on the machine has not ended", ""}, {"operation.machine_id", "another operation on the machine has not ended", ""},
		{"network_cidr", "the network overlaps another", ""},
		{"image", "an image of that name exists", ""},
	} {
		if strings.Contains(what, rule.mark) {
			return &fault.Error{Kind: fault.Conflict, Message: rule.words, Err: err, Hint: cmp.Or(rule.hint, "look at what holds it, then try again")}
		}
	}
	return &fault.Error{Kind: fault.Conflict, Message: "it exists already", Err: err}
}
