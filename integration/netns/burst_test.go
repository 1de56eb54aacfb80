package netns

import (
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv4/nclient4"

	"rackwright/boot"
	"rackwright/dhcp"
	"rackwright/inventory"
)

// row is so many machines that are switched on together.
const row = 40

// A relay on this machine that reads packets by itself is shown what goes out as one message
// uncut, and passes none of it on: the machines that ask again are answered one by one.
func TestARowBehindARelayThatTakesNoTrainsIsOfferedItsAddresses(t *testing.T) {
	var macs []inventory.MAC
	machines := map[string][]*boot.Host{}
	for i := range row {
		mac := inventory.MAC{0x52, 0x54, 0, 0x79, 1, byte(i)}
		name := fmt.Sprint("row", i)
		macs = append(macs, mac)
		machines[name] = []*boot.Host{{Machine: name, Name: name, MAC: mac, Network: "far", Address: netip.AddrFrom4([4]byte{10, 79, 0, byte(100 + i)})}}
	}
	s := newSiteOf(t, inventoryView().With(&boot.Delta{Revision: 2, Machines: machines}))
	relayed(t)
	contains(t, dhclientOnce(t, plug(t, "br2", farMAC)), "fixed-address 10.79.0.11") // the relay runs
	s.await("the ACK", rule(dhcp.Acked, farMAC))
	s.drain()
	m := plug(t, "br2", strangerMAC)
	m.within(func() {
		c, err := nclient4.NewRawUDPConn("eth0", 68)
		must(t, err)
		defer c.Close()
		offered := map[string]bool{}
		for try := 1; len(offered) < row; try++ {
			if try > 3 {
				t.Fatalf("%d of %d machines were offered an address", len(offered), row)
			}
			s.gate.Lock() // so that all of them wait in the socket
			for _, mac := range macs {
				ask(t, c, mac, offered)
			}
			time.Sleep(200 * time.Millisecond)
			s.gate.Unlock()
			hear(c, offered)
			if try == 1 && len(offered) == row {
				t.Fatal("the relay passed all on at once: this shows nothing")
			}
		}
	})
}

// ask sends the DISCOVER of a machine that was not offered an address yet.
func ask(t *testing.T, c net.PacketConn, mac inventory.MAC, offered map[string]bool) {
	t.Helper()
	if offered[mac.String()] {
		return
	}
	m, err := dhcpv4.NewDiscovery(net.HardwareAddr(mac[:]), dhcpv4.WithBroadcast(true))
	must(t, err)
	_, err = c.WriteTo(m.ToBytes(), &net.UDPAddr{IP: net.IPv4bcast, Port: 67})
	must(t, err)
}

// hear takes note of the offers that come within a second.
func hear(c net.PacketConn, offered map[string]bool) {
	_ = c.SetReadDeadline(time.Now().Add(time.Second))
	for buf := make([]byte, 1500); ; {
		n, _, err := c.ReadFrom(buf)
		if err != nil {
			return
		}
		if m, err := dhcpv4.FromBytes(buf[:n]); err == nil && m.MessageType() == dhcpv4.MessageTypeOffer {
			offered[m.ClientHWAddr.String()] = true
		}
	}
}
