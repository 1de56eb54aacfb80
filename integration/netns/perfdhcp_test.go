package netns

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"github.com/insomniacslk/dhcp/iana"
	"github.com/vishvananda/netlink"

	"rackwright/boot"
	"rackwright/inventory"
)

// many are so many machines planned on prov, with MACs as perfdhcp makes them.
const many = 200

func planned() map[string][]*boot.Host {
	machines := map[string][]*boot.Host{}
	for i := range many {
		mac := inventory.MAC{0x00, 0x0c, 0x01, 0x02, 0x03, byte(4 + i)}
		name := fmt.Sprint("p", i)
		machines[name] = []*boot.Host{{Machine: name, Name: name, MAC: mac, Network: "prov", Address: netip.AddrFrom4([4]byte{10, 77, 0, byte(20 + i)})}}
	}
	return machines
}

// perf runs perfdhcp, for which an exchange of 10 s is a lost one and which waits 1 s for the last, and sees that no exchange was lost and no address was two clients'.
func perf(t *testing.T, m *machine, family string, args ...string) {
	t.Helper()
	bin := need(t, "perfdhcp", "kea-admin")
	out, err := m.run(bin, append([]string{family, "-u", "-R", fmt.Sprint(many), "-n", fmt.Sprint(many), "-r", "100", "-d", "10", "-W", "1000000"}, args...)...)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	sent := regexp.MustCompile(`(?m)^sent packets: (\d+)\nreceived packets: (\d+)\ndrops: 0$`).FindAllStringSubmatch(out, -1)
	if len(sent) != 2 || sent[0][1] != sent[0][2] || sent[1][1] != sent[1][2] || len(sent[1][1]) < 3 || strings.Count(out, "non unique addresses: 0") != 2 {
		t.Errorf("perfdhcp says\n%s", out)
	}
}

func TestPerfdhcpLosesNoExchangeOfPlannedMachines(t *testing.T) {
	need(t, "perfdhcp", "kea-admin")
	s := newSiteOf(t, inventoryView().With(&boot.Delta{Revision: 2, Machines: planned()}))
	s.drain()
	m := plug(t, "br0", strangerMAC)
	m.address("10.77.0.5/24")
	perf(t, m, "-4", "-l", "10.77.0.5", "10.77.0.1")
}

func TestPerfdhcpLosesNoExchangeByIPv6(t *testing.T) {
	need(t, "perfdhcp", "kea-admin")
	s := newSix(t, func(n *inventory.Network) { n.Strangers = inventory.StrangerDiscover })
	s.drain()
	m := plug(t, "br6", strangerMAC)
	m.within(func() { nameless(t, "eth0") })
	advertised(t, m, strangerMAC, "PXEClient:Arch:00007:UNDI:003016", iana.EFI_X86_64) // the server listens from here on
	perf(t, m, "-6", "-l", "eth0", "all")
}

// drain keeps reading events that nobody waits for.
func (s *site) drain() {
	stop := make(chan struct{})
	s.t.Cleanup(func() { close(stop) })
	go func() {
		for {
			select {
			case <-s.events:
			case <-s.sightings:
			case <-stop:
				return
			}
		}
	}()
}

// nameless gives a link a link-local address that says no MAC, as one that many clients'
// messages come from has to.
func nameless(t *testing.T, link string) {
	t.Helper()
	l, err := netlink.LinkByName(link)
	must(t, err)
	list, err := netlink.AddrList(l, netlink.FAMILY_V6)
	must(t, err)
	for _, a := range list {
		must(t, netlink.AddrDel(l, &a))
	}
	addAddress(t, link, "fe80::99/64")
	linkLocal(t, link)
}
