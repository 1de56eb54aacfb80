package main

// table is every figure there is. To add one, add its row, and have the measurement of its
// group report it. A figure with a peer is reported with both values of one run.
func table() []row {
	return []row{
		{name: "deploy.bios.dhcp", unit: "s"},
		{name: "deploy.bios.loader", unit: "s"},
		{name: "deploy.bios.ramdisk", unit: "s"},
		{name: "deploy.bios.write", unit: "s"},
		{name: "deploy.bios.write_rate", unit: "MiB/s", better: higher},
		{name: "deploy.bios.phone", unit: "s"},
		{name: "deploy.bios.total", unit: "s", goal: 180},
		{name: "deploy.uefi.dhcp", unit: "s"},
		{name: "deploy.uefi.loader", unit: "s"},
		{name: "deploy.uefi.ramdisk", unit: "s"},
		{name: "deploy.uefi.write", unit: "s"},
		{name: "deploy.uefi.write_rate", unit: "MiB/s", better: higher},
		{name: "deploy.uefi.phone", unit: "s"},
		{name: "deploy.uefi.total", unit: "s", goal: 180},
		{name: "dhcp.reserved.dora", unit: "1/s", better: higher, peer: "kea"},
		{name: "inventory.apply.sqlite", unit: "s", goal: 5},
		{name: "inventory.apply.postgres", unit: "s", goal: 5},
		{name: "inventory.page.sqlite", unit: "ms", goal: 20},
		{name: "inventory.page.postgres", unit: "ms", goal: 20},
		{name: "elevation.48u", unit: "ms", goal: 5},
		{name: "view.change.1k", unit: "ms"},
		{name: "view.change.10k", unit: "ms"},
		{name: "view.change.100k", unit: "ms", goal: 100},
		{name: "view.memory", unit: "KiB", goal: 1.5},
		{name: "bmc.sweep", unit: "s", goal: 30},
		{name: "bmc.memory", unit: "MiB"},
		{name: "bmc.interactive", unit: "ms", peer: "idle", goal: 2},
		{name: "bmc.storm", unit: "s", peer: "calm", goal: 1.1},
		{name: "bmc.push.rss", unit: "MiB", goal: 32},
		{name: "write.pipeline", unit: "MiB/s", better: higher, peer: "curl|zstd|dd", goal: 1.5},
		{name: "write.qcow2", unit: "MiB/s", better: higher, peer: "qemu-img", goal: 1},
		{name: "write.raw", unit: "MiB/s", better: higher, peer: "qemu-img"},
		{name: "write.zeros", unit: "MiB/s", better: higher, peer: "dd", goal: 0.85},
		{name: "write.direct", unit: "MiB/s", better: higher, peer: "dd direct"},
		{name: "write.whole", unit: "MiB/s", better: higher, peer: "curl|zstd|dd"},
		{name: "write.proof", unit: "s"},
		{name: "write.memory", unit: "MiB", goal: 64},
		{name: "write.native.pipeline", unit: "MiB/s", better: higher, peer: "curl|zstd|dd"},
		{name: "write.native.qcow2", unit: "MiB/s", better: higher, peer: "qemu-img"},
		{name: "write.native.raw", unit: "MiB/s", better: higher, peer: "qemu-img"},
		{name: "write.native.zeros", unit: "MiB/s", better: higher, peer: "dd"},
		{name: "write.native.whole", unit: "MiB/s", better: higher, peer: "curl|zstd|dd"},
		{name: "write.again", unit: "%", goal: 10},
		{name: "ramdisk.budget", unit: "MiB", goal: 20},
		{name: "ramdisk.whole", unit: "MiB"},
		{name: "ramdisk.whole_memory", unit: "MiB"},
		{name: "agents.rate", unit: "MiB/s", better: higher, peer: "sendfile", goal: 0.8},
		{name: "agents.cores", unit: "cores", better: higher, goal: 1.8},
		{name: "agents.slowest", unit: "times", goal: 3},
		{name: "agents.memory", unit: "KiB", goal: 64},
		{name: "live.memory", unit: "MiB", goal: 400},
		{name: "live.p99", unit: "ms", goal: 1000},
		{name: "process.memory", unit: "MiB", goal: 400},
	}
}

// measures is what measures each group, by its name. The groups run in the order of the
// table, one after the other.
func measures() map[string]measure {
	return map[string]measure{
		"deploy":    measureDeploy,
		"dhcp":      measureDHCP,
		"elevation": measureElevation,
		"inventory": measureInventory,
		"view":      measureView,
		"bmc":       measureBMC,
		"write":     measureWrite,
		"ramdisk":   measureRamdisk,
		"agents":    measureAgents,
		"live":      measureLive,
		"process":   measureProcess,
	}
}
