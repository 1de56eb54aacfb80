// Package ipmi asks the BMC of the machine it runs on, through the kernel's IPMI device:
// who it is, what the board's memory says, and to keep a line in its event log. It reaches
// no BMC over a network.
package ipmi

import (
	"fmt"
	"net/netip"

	"rackwright/fault"
	"rackwright/inventory"
)

// Line carries one request to the BMC and brings its answer, completion code first.
type Line interface {
	Exchange(netFn, command byte, data []byte) ([]byte, error)
}

// Network functions (IPMI 2.0, table 5-1).
const (
	netFnApp       = 0x06
	netFnStorage   = 0x0a
	netFnTransport = 0x0c
)

// ask sends a request and takes the completion code off. What the BMC refuses is
// Conflict; want is the least the answer must have.
func ask(l Line, netFn, command byte, data []byte, want int) ([]byte, error) {
	answer, err := l.Exchange(netFn, command, data)
	if err != nil {
		return nil, err
	}
	if len(answer) == 0 || answer[0] == 0 && len(answer) < 1+want {
		return nil, fault.Invalidf("the BMC's answer to command %02x/%02x is too short", netFn, command)
	}
	if answer[0] != 0 {
		return nil, fault.Conflictf("the BMC refuses command %02x/%02x with code %02x", netFn, command, answer[0])
	}
	return answer[1:], nil
}

// Describe asks the BMC who it is and what the board says of itself. What it does not
// tell is absent; the error is that of its very first answer.
func Describe(l Line) (*inventory.Controller, []inventory.MAC, error) {
	b, err := ask(l, netFnApp, 0x01, nil, 11) // Get Device ID (20.1)
	if err != nil {
		return nil, nil, err
	}
	c := deviceID(b)
	c.FRU, _ = readFRU(l)
	macs, address := lan(l)
	c.Address = address
	return &c, macs, nil
}

// deviceID reads the answer to Get Device ID, of at least 11 bytes.
func deviceID(b []byte) inventory.Controller {
	return inventory.Controller{Firmware: fmt.Sprintf("%d.%02x", b[2]&0x7f, b[3]), IPMI: fmt.Sprintf("%d.%d", b[4]&0xf, b[4]>>4),
		Manufacturer: int(b[6]) | int(b[7])<<8 | int(b[8]&0xf)<<16, Product: int(b[9]) | int(b[10])<<8}
}

// maxChannel is the last channel that may be a LAN (6.3).
const maxChannel = 11

// lan reads address and MAC of the first LAN channel that has them (23.2, parameters 3
// and 5).
func lan(l Line) (macs []inventory.MAC, address string) {
	for channel := byte(1); channel <= maxChannel; channel++ {
		b, err := ask(l, netFnTransport, 0x02, []byte{channel, 5, 0, 0}, 7)
		if err != nil {
			if fault.Is(err, fault.Conflict) {
				continue
			}
			return macs, address
		}
		mac, ok := inventory.MACFrom(b[1:7])
		if !ok || mac.IsZero() {
			continue
		}
		macs = append(macs, mac)
		if b, err = ask(l, netFnTransport, 0x02, []byte{channel, 3, 0, 0}, 5); err == nil && address == "" {
			if a := netip.AddrFrom4([4]byte(b[1:5])); !a.IsUnspecified() {
				address = a.String()
			}
		}
	}
	return macs, address
}
