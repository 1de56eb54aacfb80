package redfish

import (
	"fmt"
	"strconv"

	"rackwright/racksim"
)

// instructionSet is the machine's with the names of Redfish Processor.ProcessorArchitecture and
// InstructionSet.
func instructionSet(m racksim.Machine) (architecture, set string) {
	if m.Arch == racksim.ARM64 {
		return "ARM", "ARM-A64"
	}
	return "x86", "x86-64"
}

func processorModel(m racksim.Machine) string {
	_, set := instructionSet(m)
	return "Virtual " + set + " processor"
}

// routeParts serves processors, memory and ports.
func (s *Service) routeParts() {
	m := s.Machine
	s.collection(systemPath+"/Processors", "ProcessorCollection", "Processors", func() []body {
		b := resource(systemPath+"/Processors/1", "Processor.v1_20_0.Processor", "Processor 1")
		b["Socket"], b["Manufacturer"], b["Model"] = "CPU1", m.Vendor, processorModel(m)
		b["ProcessorType"] = "CPU"
		b["ProcessorArchitecture"], b["InstructionSet"] = instructionSet(m)
		b["TotalCores"], b["TotalThreads"], b["Status"] = m.CPUs, m.CPUs, status(true)
		return []body{b}
	})
	s.collection(systemPath+"/Memory", "MemoryCollection", "Memory", func() []body {
		var all []body
		for i, d := range m.DIMMs {
			b := resource(memoryPath(i), "Memory.v1_19_0.Memory", d.Slot)
			b["MemoryType"], b["CapacityMiB"], b["DeviceLocator"], b["Status"] = "DRAM", d.Size, d.Slot, partStatus(severityOf(d.Health))
			b["OperatingSpeedMhz"], b["Manufacturer"], b["SerialNumber"] = d.Speed, d.Vendor, d.Serial
			all = append(all, b)
		}
		return all
	})
	s.collection(systemPath+"/EthernetInterfaces", "EthernetInterfaceCollection", "Ethernet Interfaces", s.ports)
}

func memoryPath(i int) string { return systemPath + "/Memory/" + strconv.Itoa(i+1) }

// memoryStatus is the worst of the modules.
func (s *Service) memoryStatus() body {
	worst := fine
	for _, d := range s.Machine.DIMMs {
		if severity := severityOf(d.Health); severity == critical || worst == fine {
			worst = severity
		}
	}
	return partStatus(worst)
}

func (s *Service) ports() []body {
	var all []body
	for _, n := range s.Machine.NICs {
		b := resource(systemPath+"/EthernetInterfaces/"+n.Name, "EthernetInterface.v1_12_1.EthernetInterface", n.Name)
		b["MACAddress"], b["PermanentMACAddress"] = n.MAC, n.MAC
		b["InterfaceEnabled"], b["Status"] = true, status(true)
		b["LinkStatus"] = "LinkDown"
		if s.Hardware.Power() == racksim.On {
			b["LinkStatus"] = "LinkUp"
		}
		all = append(all, b)
	}
	return all
}

const (
	storagePath = systemPath + "/Storage/1"
	simplePath  = systemPath + "/SimpleStorage"
)

// routeStorage serves the disks: as Drives of one Storage, and as SimpleStorage for
// older clients.
func (s *Service) routeStorage() {
	s.collection(systemPath+"/Storage", "StorageCollection", "Storage", func() []body {
		b := resource(storagePath, "Storage.v1_17_0.Storage", "Local Storage")
		refs := []body{}
		for _, d := range s.Machine.Disks {
			refs = append(refs, link(storagePath+"/Drives/"+d.Name))
		}
		b["Drives"], b["Drives@odata.count"], b["Status"] = refs, len(refs), status(true)
		b["Links"] = body{"Enclosures": links(chassisPath)}
		return []body{b}
	})
	for i, d := range s.Machine.Disks {
		s.get(storagePath+"/Drives/"+d.Name, func() body { return driveBody(i, d) })
	}
	s.collection(simplePath, "SimpleStorageCollection", "Simple Storage", func() []body {
		b := resource(simplePath+"/1", "SimpleStorage.v1_3_2.SimpleStorage", "Local Storage")
		devices := []body{}
		for _, d := range s.Machine.Disks {
			devices = append(devices, body{"Name": d.Name, "CapacityBytes": int64(d.Size), "Model": diskModel(d), "Status": status(true)})
		}
		b["Devices"], b["Status"] = devices, status(true)
		return []body{b}
	})
}

func driveBody(i int, d racksim.Disk) body {
	b := resource(storagePath+"/Drives/"+d.Name, "Drive.v1_20_0.Drive", d.Name)
	b["SerialNumber"], b["CapacityBytes"], b["Model"] = d.Serial, int64(d.Size), diskModel(d)
	b["BlockSizeBytes"], b["MediaType"], b["Protocol"] = 512, "SSD", protocol(d.Bus)
	b["PhysicalLocation"] = body{"PartLocation": body{"LocationType": "Bay", "LocationOrdinalValue": i, "ServiceLabel": fmt.Sprintf("Bay %d", i+1)}}
	if d.WWN != "" {
		b["Identifiers"] = []body{{"DurableName": d.WWN, "DurableNameFormat": "NAA"}}
	}
	b["Status"] = status(true)
	return b
}

func diskModel(d racksim.Disk) string { return "QEMU " + d.Bus + " disk" }

// protocol is the drive's Redfish Protocol.Protocol; virtio has none of its own.
func protocol(bus string) string {
	switch bus {
	case "nvme":
		return "NVMe"
	case "ahci":
		return "SATA"
	case "scsi":
		return "SAS"
	}
	return "PCIe"
}
