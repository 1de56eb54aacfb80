// Package link makes a simulated rack's network devices: taps on a bridge and BMC
// addresses on an interface. It moves no packets.
package link

import (
	"errors"
	"fmt"
	"hash/fnv"
	"os"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"rackwright/fault"
)

// Bridge is an existing bridge that taps join.
type Bridge struct {
	name  string
	index int
}

// FindBridge looks the bridge up. fault.NotFound says how to make it.
func FindBridge(name string) (*Bridge, error) {
	l, err := netlink.LinkByName(name)
	if err != nil {
		return nil, missing("bridge", name, err).WithHint("ip link add %s type bridge forward_delay 0 && ip link set %s up", name, name)
	}
	if l.Type() != "bridge" {
		return nil, fault.Invalidf("interface %s is a %s, not a bridge", name, l.Type()).
			WithHint("name a bridge in the rack file, or make one: ip link add br0 type bridge forward_delay 0 && ip link set br0 up")
	}
	if l.Attrs().Flags&unix.IFF_UP == 0 {
		return nil, fault.Conflictf("bridge %s is down", name).WithHint("ip link set %s up", name)
	}
	// A bridge without an address of its own takes on that of a port, and changes it as
	// ports come and go: guests would lose their server in mid-boot. Setting the address
	// it has pins it.
	if err := netlink.LinkSetHardwareAddr(l, l.Attrs().HardwareAddr); err != nil {
		return nil, linkFault("bridge "+name, err)
	}
	return &Bridge{name: name, index: l.Attrs().Index}, nil
}

func missing(kind, name string, err error) *fault.Error {
	if _, ok := errors.AsType[netlink.LinkNotFoundError](err); ok {
		return fault.NotFoundf("%s %s does not exist here", kind, name)
	}
	return fault.Internalf("%s %s: %w", kind, name, err)
}

// linkFault says who may change links.
func linkFault(what string, err error) error {
	if errors.Is(err, os.ErrPermission) {
		return fault.Deniedf("%s: %w", what, err).WithHint("run as root, or give racksim CAP_NET_ADMIN and access to /dev/net/tun")
	}
	return fault.Internalf("%s: %w", what, err)
}

// Taps are the host's ends of one machine's NICs. They exist as long as this process
// holds their files, so none is left behind however it ends.
type Taps struct {
	bridge *Bridge
	names  []string
	files  []*os.File
}

// Taps prepares count taps named after the machine.
func (b *Bridge) Taps(machine string, count int) *Taps {
	t := &Taps{bridge: b}
	for i := range count {
		t.names = append(t.names, tapName(machine, i+1))
	}
	return t
}

// tapName is rs-NAME-N where that fits the kernel's 15 characters, else a short hash
// in place of the name.
func tapName(machine string, n int) string {
	if name := fmt.Sprintf("rs-%s-%d", machine, n); len(name) <= 15 {
		return name
	}
	h := fnv.New32a()
	h.Write([]byte(machine))
	return fmt.Sprintf("rs-%08x-%d", h.Sum32(), n)
}

// Names are the taps' interface names.
func (t *Taps) Names() []string { return t.names }

// Open makes the taps and puts them on the bridge, down. fault.Denied: no right to.
func (t *Taps) Open() ([]*os.File, error) {
	for _, name := range t.names {
		if err := t.open(name); err != nil {
			t.Close()
			return nil, err
		}
	}
	return t.files, nil
}

func (t *Taps) open(name string) error {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = name
	tap := &netlink.Tuntap{
		LinkAttrs: attrs, Mode: netlink.TUNTAP_MODE_TAP, NonPersist: true, Queues: 1,
		Flags: netlink.TUNTAP_NO_PI | netlink.TUNTAP_VNET_HDR | netlink.TUNTAP_TUN_EXCL,
	}
	if err := netlink.LinkAdd(tap); err != nil {
		return tapFault(name, err)
	}
	t.files = append(t.files, tap.Fds...)
	l, err := netlink.LinkByName(name)
	if err != nil {
		return tapFault(name, err)
	}
	if err := netlink.LinkSetMasterByIndex(l, t.bridge.index); err != nil {
		return fault.Internalf("tap %s does not join bridge %s: %w", name, t.bridge.name, err)
	}
	return nil
}

func tapFault(name string, err error) error {
	if _, taken := netlink.LinkByName(name); taken == nil {
		return fault.Conflictf("interface %s exists already", name).WithHint("is this rack running already? otherwise: ip link del %s", name)
	}
	if errors.Is(err, os.ErrPermission) || os.Geteuid() != 0 {
		return linkFault("tap "+name, unix.EPERM)
	}
	return fault.Internalf("tap %s: %w", name, err).WithHint("does /dev/net/tun exist? modprobe tun")
}

// Carrier switches all taps up or down.
func (t *Taps) Carrier(up bool) error {
	var errs []error
	for _, name := range t.names {
		l, err := netlink.LinkByName(name)
		if err == nil && up {
			err = netlink.LinkSetUp(l)
		} else if err == nil {
			err = netlink.LinkSetDown(l)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Close removes the taps.
func (t *Taps) Close() error {
	var errs []error
	for _, f := range t.files {
		errs = append(errs, f.Close())
	}
	t.files = nil
	return errors.Join(errs...)
}
