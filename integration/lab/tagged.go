package lab

import (
	"encoding/binary"
	"os"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"rackwright/fault"
)

// Tagged makes an interface of the lab that speaks with the machines on a bridge in frames
// with a VLAN tag (IEEE 802.1Q), and gives it addresses. It needs no VLAN driver: two taps,
// one of them a port of the bridge, and the tag is put on and taken off in between. stop
// takes both away.
func Tagged(bridge, name string, id uint16, addresses ...string) (stop func(), err error) {
	inner, err := tap(name)
	if err != nil {
		return nil, err
	}
	trunk, err := tap(name + "t")
	if err != nil {
		inner.close()
		return nil, err
	}
	stop = func() { inner.close(); trunk.close() }
	if err := join(inner, trunk, bridge, addresses); err != nil {
		stop()
		return nil, fault.Internalf("VLAN %d on %s: %w", id, bridge, err)
	}
	go carry(inner.file, trunk.file, func(frame []byte) []byte { return tag(frame, id) })
	go carry(trunk.file, inner.file, func(frame []byte) []byte { return untag(frame, id) })
	return stop, nil
}

// tapped is a tap and this program's end of it.
type tapped struct {
	link netlink.Link
	file *os.File
}

func tap(name string) (*tapped, error) {
	t := &netlink.Tuntap{LinkAttrs: netlink.LinkAttrs{Name: name}, Mode: netlink.TUNTAP_MODE_TAP, NonPersist: true, Queues: 1, Flags: netlink.TUNTAP_NO_PI | netlink.TUNTAP_TUN_EXCL}
	if err := netlink.LinkAdd(t); err != nil {
		return nil, fault.Internalf("tap %s: %w", name, err)
	}
	return &tapped{t, t.Fds[0]}, nil
}

// close takes the interface away, which ends what reads from it.
func (t *tapped) close() {
	netlink.LinkDel(t.link)
	t.file.Close()
}

func join(inner, trunk *tapped, bridge string, addresses []string) error {
	b, err := netlink.LinkByName(bridge)
	if err == nil {
		err = netlink.LinkSetMaster(trunk.link, b)
	}
	if err == nil {
		err = netlink.LinkSetUp(trunk.link)
	}
	if err == nil {
		err = netlink.LinkSetUp(inner.link)
	}
	for _, text := range addresses {
		var a *netlink.Addr
		if err == nil {
			a, err = netlink.ParseAddr(text)
		}
		if err == nil {
			a.Flags = unix.IFA_F_NODAD // nobody else has it
			err = netlink.AddrAdd(inner.link, a)
		}
	}
	return err
}

// carry copies frames from one tap to the other until the first is away; those that through
// makes nothing of are dropped.
func carry(from, to *os.File, through func([]byte) []byte) {
	frame := make([]byte, 64<<10)
	for {
		n, err := from.Read(frame)
		if err != nil {
			return
		}
		if out := through(frame[:n]); out != nil {
			to.Write(out) // an interface that is down loses it, as a cable does
		}
	}
}

// addressed is the length of both MAC addresses of a frame, in bytes.
const addressed = 12

func tag(frame []byte, id uint16) []byte {
	if len(frame) < addressed {
		return nil
	}
	out := append(make([]byte, 0, len(frame)+4), frame[:addressed]...)
	out = binary.BigEndian.AppendUint16(out, unix.ETH_P_8021Q)
	return append(binary.BigEndian.AppendUint16(out, id), frame[addressed:]...)
}

func untag(frame []byte, id uint16) []byte {
	if len(frame) < addressed+4 || binary.BigEndian.Uint16(frame[addressed:]) != unix.ETH_P_8021Q || binary.BigEndian.Uint16(frame[addressed+2:])&0xfff != id {
		return nil
	}
	return append(frame[:addressed:addressed], frame[addressed+4:]...)
}
