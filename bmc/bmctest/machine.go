package bmctest

import (
	"crypto/sha256"
	"encoding/hex"

	"rackwright/inventory"
)

// Server is a plausible machine for tests: the facts a BMC gives of a small server whose
// serial number and addresses end in n.
func Server(n byte) inventory.Facts {
	digits := hex.EncodeToString([]byte{n})
	return inventory.Facts{
		System: inventory.System{Vendor: "Example", Product: "R1", Serial: "EX00" + digits,
			UUID: "8a1f3c52-0000-4000-8000-0000000000" + digits, BIOSVersion: "1.0"},
		CPUs:      []inventory.CPU{{Socket: "CPU1", Model: "Example 8-core", Cores: 8, Threads: 16}},
		DIMMs:     []inventory.DIMM{{Slot: "A1", SizeMiB: 16384, SpeedMTs: 3200}},
		MemoryMiB: 16384,
		Disks:     []inventory.Disk{{Serial: "DISK" + digits, Model: "Example SSD", Bytes: 480e9, Type: "ssd"}},
		NICs:      []inventory.SeenNIC{{Name: "1", MAC: inventory.MAC{0x02, 0, 0, 0, 1, n}, Link: true, Mbps: 10000}},
	}
}

// fingerprint is a certificate's for a BMC that has none.
func fingerprint(address string) string {
	sum := sha256.Sum256([]byte(address))
	return hex.EncodeToString(sum[:])
}
