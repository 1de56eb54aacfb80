package inventory

import (
	"slices"
	"strings"
)

// junkSerials are placeholders that vendors leave in SMBIOS and Redfish; they identify
// nothing.
var junkSerials = []string{"", "0", "na", "n/a", "n.a.", "none", "null", "unknown", "undefined", "default", "default string", "not specified", "not available",
	"not provided", "not present", "not defined", "not set", "no serial", "no serial number", "no asset tag", "no asset information", "asset tag",
	"to be filled by o.e.m.", "to be filled by oem", "to be filled by o.e.m", "filled by oem", "o.e.m.", "oem", "empty", "invalid", "tbd", "test", "serial",
	"serial number", "system serial number", "system serial#", "serialnumber", "systemserialnumb", "chassis serial number", "base board serial number",
	"not applicable", "0123456789", "123456789", "1234567890", "01234567890123456789", "ssn12345678901234567", "empty-serial", "sernum", "xxxxxxxxxxxx"}

// JunkSerial reports whether a serial number or asset tag is a placeholder.
func JunkSerial(s string) bool {
	s = strings.ToLower(strings.TrimSpace(s))
	if slices.Contains(junkSerials, s) {
		return true
	}
	for _, filler := range []string{"0", "x", "f", "*", "?", " .-_"} {
		if strings.Trim(s, filler) == "" {
			return true
		}
	}
	return false
}

// junkUUIDs are the UUIDs that whole series of boards were shipped with.
var junkUUIDs = []string{"03000200040005000006000700080009", "00020003000400050006000700080009", "030201000504070608090a0b0c0d0e0f",
	"000102030405060708090a0b0c0d0e0f", "12345678123412341234123456789012", "11111111111111111111111111111111", "12345678901234567890123456789012"}

// JunkUUID reports whether a system UUID is a placeholder: all zeros or ones, or one that
// many boards have.
func JunkUUID(s string) bool {
	plain := strings.ToLower(strings.ReplaceAll(strings.TrimSpace(s), "-", ""))
	return strings.Trim(plain, "0") == "" || strings.Trim(plain, "f") == "" || slices.Contains(junkUUIDs, plain)
}
