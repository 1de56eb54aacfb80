package racksim

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.yaml.in/yaml/v3"

	"rackwright/fault"
)

// MaxFile is the largest rack file read, in bytes.
const MaxFile = 4 << 20

// Parse reads a rack file, fills in what was left out and checks it. The error is
// fault.Invalid and names every bad field at once.
func Parse(text []byte) (*Rack, error) {
	if len(text) > MaxFile {
		return nil, fault.Invalidf("rack file is larger than %d bytes", MaxFile)
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	var rack Rack
	if err := dec.Decode(&rack); err != nil {
		return nil, decodeError(err)
	}
	var rest yaml.Node
	if err := dec.Decode(&rest); !errors.Is(err, io.EOF) {
		return nil, fault.Invalidf("rack file holds more than one YAML document").WithHint("one file describes one rack: remove the --- line and what follows")
	}
	rack.setDefaults()
	if err := rack.check(); err != nil {
		return nil, err
	}
	return &rack, nil
}

func decodeError(err error) error {
	if errors.Is(err, io.EOF) {
		return fault.Invalidf("rack file is empty").WithHint("racksim up --help shows a small example")
	}
	if te, ok := errors.AsType[*yaml.TypeError](err); ok {
		return fault.Invalidf("rack file: %s", strings.Join(te.Errors, "; ")).WithHint("keys are checked strictly: look for a typing error")
	}
	return fault.Invalidf("rack file: %w", err)
}

func (r *Rack) setDefaults() {
	setString(&r.Site, "lab")
	setInt(&r.Units, 42)
	for i := range r.Machines {
		m := &r.Machines[i]
		setString(&m.Rack, r.Name)
		if m.Delay == 0 && m.Kind == KindScripted {
			m.Delay = r.Delay
		}
		m.setDefaults(r.Name)
	}
}

func (m *Machine) setDefaults(rack string) {
	if m.BMC.Mockup != "" {
		setString(&m.Kind, KindMockup)
	}
	setString(&m.Kind, KindQEMU)
	setString(&m.Firmware, UEFI)
	setString(&m.Arch, AMD64)
	if m.Kind != KindMockup { // which tells itself who it is
		m.setIdentity(rack)
	}
	setString(&m.BMC.Username, "admin")
	if m.BMC.Restart == 0 {
		m.BMC.Restart = 3 * time.Second
	}
	setInt(&m.Height, 1)
	setInt(&m.Memory, 1024)
	setInt(&m.CPUs, 1)
	m.UUID = strings.ToLower(m.UUID)
	if m.Boot == nil {
		m.Boot = []string{ClassNetwork, ClassDisk}
	}
	m.BMC.Address = withPort(m.BMC.Address)
	m.BMC.MAC = plainMAC(m.BMC.MAC)
	m.setPartDefaults()
	m.setToldDefaults()
}

func (m *Machine) setIdentity(rack string) {
	setString(&m.Power, "off")
	setString(&m.Vendor, "Rackwright")
	setString(&m.Model, "racksim "+m.Kind)
	setString(&m.Serial, strings.ToUpper("RS-"+m.Name))
	setString(&m.UUID, uuid.NewSHA1(uuid.NameSpaceURL, []byte("racksim:"+rack+"/"+m.Name)).String())
}

func (m *Machine) setPartDefaults() {
	for i := range m.NICs {
		n := &m.NICs[i]
		setString(&n.Name, fmt.Sprintf("nic%d", i+1))
		setString(&n.Model, "virtio-net-pci")
		n.MAC = plainMAC(n.MAC)
		if n.Boot == nil {
			first := i == 0
			n.Boot = &first
		}
	}
	for i := range m.Disks {
		d := &m.Disks[i]
		setString(&d.Name, fmt.Sprintf("disk%d", i+1))
		setString(&d.Bus, "virtio")
		setString(&d.Serial, fmt.Sprintf("%.17s-D%d", m.Serial, i+1))
	}
}

// withPort adds the Redfish port to a bare address; anything else is left for check.
func withPort(address string) string {
	if ip, err := netip.ParseAddr(strings.Trim(address, "[]")); err == nil {
		return net.JoinHostPort(ip.String(), "443")
	}
	return address
}

// plainMAC rewrites any notation as aa:bb:cc:dd:ee:ff; what is no MAC is left for check.
func plainMAC(text string) string {
	if hw, err := net.ParseMAC(text); err == nil {
		return hw.String()
	}
	return text
}

func setString(p *string, value string) {
	if *p == "" {
		*p = value
	}
}

func setInt(p *int, value int) {
	if *p == 0 {
		*p = value
	}
}
