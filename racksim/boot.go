package racksim

import (
	"slices"
	"strings"
	"sync"

	"rackwright/fault"
)

// Boot is what firmware does at one start of the machine.
type Boot struct {
	Order []string  // device names (NIC, disk, Media), first to last
	HTTP  *HTTPBoot // UEFI HTTP boot tried before Order; nil: none
	Setup bool      // stops in the firmware's set-up instead
	Trust []byte    // authorities that HTTPS trusts beside those of the rack file, PEM
	BIOS  string    // version of the firmware that starts, for SMBIOS type 0; empty: its own
}

// HTTPBoot is one UEFI HTTP boot from the first bootable NIC.
type HTTPBoot struct {
	URI string // empty: the one DHCP gives
}

// Override targets, with the names of Redfish ComputerSystem.Boot.BootSourceOverrideTarget.
const (
	TargetNone     = "None"
	TargetPXE      = "Pxe"
	TargetDisk     = "Hdd"
	TargetCD       = "Cd"
	TargetUEFIHTTP = "UefiHttp"
	TargetSetup    = "BiosSetup"
)

// Override life times, with the names of Redfish BootSourceOverrideEnabled.
const (
	Disabled   = "Disabled"
	Once       = "Once"
	Continuous = "Continuous"
)

// Override is a boot source that goes before the standing order.
type Override struct {
	Enabled string // Disabled, Once, Continuous
	Target  string
	HTTPURI string // for UefiHttp, empty: from DHCP
}

// BootSetup is a machine's boot order and override, as its BMC and firmware share them.
// Safe for concurrent use.
type BootSetup struct {
	mu       sync.Mutex
	machine  Machine
	order    []string
	override Override
	bios     string
	trust    []byte
	staged   func()
}

// NewBootSetup starts with the machine's standing order and no override.
func NewBootSetup(m Machine) *BootSetup {
	return &BootSetup{machine: m, order: m.BootDevices(), override: Override{Enabled: Disabled, Target: TargetNone}}
}

// Targets returns the override targets this machine's firmware can do.
func (s *BootSetup) Targets() []string {
	switch {
	case s.machine.HTTP:
		return []string{TargetNone, TargetDisk, TargetCD, TargetUEFIHTTP, TargetSetup}
	case s.machine.Firmware == UEFI:
		return []string{TargetNone, TargetPXE, TargetDisk, TargetCD, TargetUEFIHTTP, TargetSetup}
	}
	return []string{TargetNone, TargetPXE, TargetDisk, TargetCD}
}

// Mode is the machine's Redfish BootSourceOverrideMode: "UEFI" or "Legacy".
func (s *BootSetup) Mode() string {
	if s.machine.Firmware == UEFI {
		return "UEFI"
	}
	return "Legacy"
}

// Override returns the override in force.
func (s *BootSetup) Override() Override {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.override
}

// SetOverride replaces the override for the next starts. fault.Invalid: the firmware
// cannot do it.
func (s *BootSetup) SetOverride(o Override) error {
	if !slices.Contains([]string{Disabled, Once, Continuous}, o.Enabled) {
		return fault.Invalidf("boot override %q is not Disabled, Once or Continuous", o.Enabled)
	}
	if !slices.Contains(s.Targets(), o.Target) {
		return fault.Invalidf("boot target %q is not one of %s", o.Target, strings.Join(s.Targets(), ", "))
	}
	if o.Enabled == Disabled || o.Target == TargetNone {
		o.Enabled, o.Target = Disabled, TargetNone
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.override = o
	return nil
}

// Order returns the standing boot order as device names.
func (s *BootSetup) Order() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.order)
}

// SetOrder replaces the standing order; devices left out keep their relative order at
// the end. fault.Invalid: a device is unknown or named twice.
func (s *BootSetup) SetOrder(order []string) error {
	if err := s.CheckOrder(order); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.order = first(s.order, order)
	return nil
}

// CheckOrder says whether SetOrder would take it.
func (s *BootSetup) CheckOrder(order []string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, name := range order {
		if !slices.Contains(s.order, name) || slices.Index(order, name) != i {
			return fault.Invalidf("boot order: %q is not a boot device of this machine, or named twice", name)
		}
	}
	return nil
}

// SetBIOS names the version of the firmware from the next start on.
func (s *BootSetup) SetBIOS(version string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bios = version
}

// SetTrust names the authorities that HTTPS trusts from the next start on, PEM.
func (s *BootSetup) SetTrust(authorities []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trust = authorities
}

// OnStart has f called at each start of the firmware before anything is read: what waits
// for a reset takes effect there. f must not call the machine.
func (s *BootSetup) OnStart(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.staged = f
}

// Next is what firmware does at the start that happens now. A one-time override is
// consumed by the call.
func (s *BootSetup) Next() Boot {
	s.mu.Lock()
	staged := s.staged
	s.mu.Unlock()
	if staged != nil {
		staged()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.override
	if o.Enabled == Once {
		s.override = Override{Enabled: Disabled, Target: TargetNone}
	}
	boot := Boot{Order: first(s.order, s.devices(o.Target)), Setup: o.Target == TargetSetup, BIOS: s.bios, Trust: s.trust}
	switch {
	case o.Target == TargetUEFIHTTP:
		boot.HTTP = &HTTPBoot{URI: o.HTTPURI}
	case s.machine.HTTP && !boot.Setup && s.class(boot.Order[0]) == TargetPXE:
		boot.HTTP = &HTTPBoot{}
	}
	return boot
}

// devices returns the devices of an override target in standing order.
func (s *BootSetup) devices(target string) []string {
	var names []string
	for _, name := range s.order {
		if s.class(name) == target {
			names = append(names, name)
		}
	}
	return names
}

func (s *BootSetup) class(name string) string {
	switch {
	case name == Media:
		return TargetCD
	case slices.ContainsFunc(s.machine.Disks, func(d Disk) bool { return d.Name == name }):
		return TargetDisk
	}
	return TargetPXE
}

// first returns all with front moved to the start.
func first(all, front []string) []string {
	order := slices.Clone(front)
	for _, name := range all {
		if !slices.Contains(front, name) {
			order = append(order, name)
		}
	}
	return order
}
