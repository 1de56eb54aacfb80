package redfish

import (
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/google/uuid"

	"rackwright/racksim"
)

const systemPath = "/redfish/v1/Systems/1"

func (s *Service) routeSystem() {
	s.collection("/redfish/v1/Systems", "ComputerSystemCollection", "Systems", func() []body { return []body{s.system()} })
	s.patch(systemPath, configureComponents, s.system, s.changeSystem)
	s.routeReset()
	s.routeOrder()
	s.collection(systemPath+"/BootOptions", "BootOptionCollection", "Boot Options", s.bootOptions)
}

func (s *Service) system() body {
	m := s.Machine
	b := resource(systemPath, "ComputerSystem.v1_22_0.ComputerSystem", m.Name)
	b["SystemType"], b["HostName"] = "Physical", ""
	b["Manufacturer"], b["Model"], b["SKU"] = m.Vendor, m.Model, m.SKU
	b["SerialNumber"], b["UUID"], b["PartNumber"] = m.Serial, m.UUID, ""
	b["PowerState"], b["Status"] = s.Hardware.Power(), s.health()
	b["BiosVersion"] = s.biosVersion()
	b["Boot"] = s.bootBody()
	b["ProcessorSummary"] = body{"Count": 1, "CoreCount": m.CPUs, "LogicalProcessorCount": m.CPUs, "Model": processorModel(m), "Status": status(true)}
	b["MemorySummary"] = body{"TotalSystemMemoryGiB": float64(m.Memory) / 1024, "Status": s.memoryStatus()}
	for _, name := range []string{"Processors", "Memory", "EthernetInterfaces", "Storage", "SimpleStorage", "Bios", "LogServices"} {
		b[name] = link(systemPath + "/" + name)
	}
	if m.Firmware == racksim.UEFI {
		b["SecureBoot"] = link(securePath)
	}
	b["VirtualMedia"], b["SerialConsole"] = link(mediaPath), s.serialConsole()
	b["@Redfish.Settings"] = s.settingsNote(systemSettingsPath)
	b["Links"] = body{"Chassis": links(chassisPath), "ManagedBy": links(managerPath)}
	b["Actions"] = body{"#ComputerSystem.Reset": body{
		"target": resetPath, "@Redfish.ActionInfo": systemPath + "/ResetActionInfo",
		"ResetType@Redfish.AllowableValues": resetTypes(),
	}}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.begun.IsZero() {
		b["LastResetTime"] = dated(s.begun)
	}
	b["AssetTag"], b["LocationIndicatorActive"], b["IndicatorLED"] = s.assetTag, s.led != ledOff, s.led
	return b
}

// dated is a time to the fraction of a second (DSP0266, date-time values): two resets in
// one second are two.
func dated(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

func firmwareName(kind string) string {
	if kind == racksim.UEFI {
		return "OVMF"
	}
	return "SeaBIOS"
}

func (s *Service) bootBody() body {
	o := s.Setup.Override()
	b := body{
		"BootSourceOverrideEnabled": o.Enabled, "BootSourceOverrideEnabled@Redfish.AllowableValues": []string{racksim.Disabled, racksim.Once, racksim.Continuous},
		"BootSourceOverrideTarget": o.Target, "BootSourceOverrideTarget@Redfish.AllowableValues": s.Setup.Targets(),
		"BootSourceOverrideMode": s.Setup.Mode(), "BootSourceOverrideMode@Redfish.AllowableValues": []string{s.Setup.Mode()},
		"BootOrder": s.Setup.Order(), "BootOrderPropertySelection": "BootOrder",
		"BootOptions": link(systemPath + "/BootOptions"),
	}
	if s.Machine.Firmware == racksim.UEFI {
		b["HttpBootUri"], b["Certificates"] = o.HTTPURI, link(bootCertificatesPath)
	}
	return b
}

func (s *Service) bootOptions() []body {
	var all []body
	for _, name := range s.Setup.Order() {
		b := resource(systemPath+"/BootOptions/"+name, "BootOption.v1_0_6.BootOption", name)
		b["BootOptionReference"], b["DisplayName"], b["BootOptionEnabled"] = name, name, true
		b["RelatedItem"] = links(s.bootDevice(name))
		all = append(all, b)
	}
	return all
}

// bootDevice is the resource that a boot device is.
func (s *Service) bootDevice(name string) string {
	switch {
	case name == racksim.Media:
		return mediaPath + "/Cd"
	case slices.ContainsFunc(s.Machine.Disks, func(d racksim.Disk) bool { return d.Name == name }):
		return storagePath + "/Drives/" + name
	}
	return systemPath + "/EthernetInterfaces/" + name
}

func (s *Service) changeSystem(c *changes) *problem {
	boot, hasBoot := c.object("Boot")
	tag, hasTag := c.text("AssetTag")
	light := c.light()
	if p := c.done(); p != nil {
		return p
	}
	if hasBoot {
		if p := s.changeBoot(boot); p != nil {
			return p
		}
	}
	return s.tell(light, tag, hasTag)
}

func (s *Service) changeBoot(c *changes) *problem {
	o := s.Setup.Override()
	target, hasTarget := c.text("BootSourceOverrideTarget")
	enabled, hasEnabled := c.text("BootSourceOverrideEnabled")
	mode, hasMode := c.text("BootSourceOverrideMode")
	uri, hasURI := c.text("HttpBootUri")
	order, hasOrder := c.list("BootOrder")
	if p := c.done(); p != nil {
		return p
	}
	if hasMode && mode != s.Setup.Mode() {
		return refuse(http.StatusBadRequest, msgNotInList, mode, "BootSourceOverrideMode")
	}
	if hasTarget {
		o.Target = target
		if !hasEnabled && o.Enabled == racksim.Disabled && target != racksim.TargetNone {
			o.Enabled = racksim.Once // a target alone means the next boot, as on most BMCs
		}
	}
	if hasEnabled {
		o.Enabled = enabled
	}
	if hasURI {
		if !bootURI(uri) || s.Machine.Firmware != racksim.UEFI {
			return refuse(http.StatusBadRequest, msgNotInList, uri, "HttpBootUri")
		}
		o.HTTPURI = uri
	}
	return s.applyBoot(o, order, hasOrder)
}

func (s *Service) applyBoot(o racksim.Override, order []string, hasOrder bool) *problem {
	if !slices.Contains(s.Setup.Targets(), o.Target) {
		return refuse(http.StatusBadRequest, msgNotInList, o.Target, "BootSourceOverrideTarget")
	}
	if hasOrder {
		if err := s.Setup.SetOrder(order); err != nil {
			return fromFault(err)
		}
	}
	if err := s.Setup.SetOverride(o); err != nil {
		return refuse(http.StatusBadRequest, msgNotInList, o.Enabled, "BootSourceOverrideEnabled")
	}
	return nil
}

// bootURI accepts what firmware's HTTP client can fetch; empty means: ask DHCP.
func bootURI(text string) bool {
	if text == "" {
		return true
	}
	u, err := url.Parse(text)
	return err == nil && len(text) <= 512 && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

// managerUUID is the BMC's own, steady over restarts.
func (s *Service) managerUUID() string {
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte("racksim bmc "+s.Machine.UUID)).String()
}
