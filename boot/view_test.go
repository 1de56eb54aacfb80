package boot_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"rackwright/boot"
	"rackwright/inventory"
)

func network(name, cidr, domain string, dhcp inventory.DHCPMode) *inventory.Network {
	return &inventory.Network{ID: name, Name: name, Prefix: netip.MustParsePrefix(cidr), RoutingDomain: domain, DHCP: dhcp}
}

// hall is machines of four NICs each, the first two with an address.
func hall(machines int) (list []*inventory.Network, hosts []*boot.Host) {
	list = []*inventory.Network{network("prov", "10.0.0.0/8", "", inventory.DHCPReservations), network("store", "20.0.0.0/8", "", inventory.DHCPOff)}
	for i := range machines {
		hosts = append(hosts, machine(i)...)
	}
	return list, hosts
}

func machine(i int) []*boot.Host {
	id := fmt.Sprintf("019a0000-0000-7000-8000-%012x", i*2654435761%1_000_000_007)
	name, uuid := strings.Clone(fmt.Sprintf("r%03d-u%02d", i/40, i%40)), fmt.Sprintf("4c4c4544-0000-1000-8000-%012x", i)
	var hosts []*boot.Host
	for k := range 4 {
		h := &boot.Host{Machine: id, Name: name, UUID: uuid, MAC: hallMAC(i, k), Firmware: inventory.UEFI}
		if k < 2 {
			h.Network, h.Address = []string{"prov", "store"}[k], hallAddr(i, k)
		}
		hosts = append(hosts, h)
	}
	return hosts
}

// hallMAC spreads MACs over vendors, as they come.
func hallMAC(i, k int) inventory.MAC {
	return inventory.MAC{0x02, byte(i * 7), byte(i * 13), byte(i >> 16), byte(i >> 8), byte(i<<2 | k)}
}

func hallAddr(i, k int) netip.Addr {
	return netip.AddrFrom4([4]byte{byte(10 + 10*k), byte(i >> 16), byte(i >> 8), byte(i)})
}

// sameView fails unless two views answer every question about the hosts alike.
func sameView(t rapid.TB, got, want *boot.View, ask []*boot.Host) {
	t.Helper()
	if got.Hosts() != want.Hosts() || len(slices.Collect(got.All())) != len(slices.Collect(want.All())) {
		t.Fatalf("%d hosts (%d by machine), want %d", got.Hosts(), len(slices.Collect(got.All())), want.Hosts())
	}
	same := func(what string, a, b *boot.Host) {
		if (a == nil) != (b == nil) || a != nil && *a != *b {
			t.Fatalf("%s is %+v, want %+v", what, a, b)
		}
	}
	for _, h := range ask {
		same(h.MAC.String(), got.Host(h.MAC), want.Host(h.MAC))
		same(h.Address.String(), got.HostAt(h.Address), want.HostAt(h.Address))
		if got.NetworkOf(h.Address) != want.NetworkOf(h.Address) {
			t.Fatalf("%s is on another network", h.Address)
		}
	}
}

func TestAViewThatFollowedChangesIsTheOneThatWouldBeMadeAnew(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := []*inventory.Network{network("a", "10.0.0.0/28", "x", inventory.DHCPReservations), network("b", "10.0.0.0/28", "y", inventory.DHCPOff)}
		host := rapid.Custom(func(t *rapid.T) *boot.Host {
			h := &boot.Host{MAC: inventory.MAC{2, 0, 0, 0, 0, rapid.Byte().Draw(t, "mac") % 32}, Name: rapid.SampledFrom([]string{"n", "o"}).Draw(t, "name")}
			if n := rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "network"); n != "" {
				h.Network, h.Address = n, netip.AddrFrom4([4]byte{10, 0, 0, rapid.Byte().Draw(t, "address") % 16})
			}
			return h
		})
		var all []*boot.Host // every host there ever was
		now := map[string][]*boot.Host{}
		anew := func(revision int64) *boot.View {
			var hosts []*boot.Host
			for _, of := range now {
				hosts = append(hosts, of...)
			}
			return boot.NewView(revision, list, hosts)
		}
		type step struct{ followed, anew *boot.View }
		steps := []step{{anew(1), anew(1)}}
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			d := &boot.Delta{Revision: steps[len(steps)-1].followed.Revision + 1, Machines: map[string][]*boot.Host{}}
			for _, id := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"m1", "m2", "m3", "m4", "m5"}), 1, 3, rapid.ID).Draw(t, "machines") {
				d.Machines[id], now[id] = nil, nil
			}
			for id := range d.Machines {
				for _, h := range rapid.SliceOfN(host, 0, 3).Draw(t, "hosts") {
					h.Machine = id
					if !taken(now, h) { // as the schema refuses
						d.Machines[id], now[id], all = append(d.Machines[id], h), append(now[id], h), append(all, h)
					}
				}
			}
			if rapid.Bool().Draw(t, "networks change") {
				a, b := *list[0], *list[1]
				a.DHCP, b.DHCP = b.DHCP, a.DHCP
				list = []*inventory.Network{&a, &b}
				d.Networks = list
			}
			steps = append(steps, step{steps[len(steps)-1].followed.With(d), anew(d.Revision)})
		}
		for _, s := range steps { // the older ones too: nobody changed them
			sameView(t, s.followed, s.anew, all)
		}
	})
}

func taken(now map[string][]*boot.Host, h *boot.Host) bool {
	for _, hosts := range now {
		for _, o := range hosts {
			if o.MAC == h.MAC || o.Address.IsValid() && o.Address == h.Address && o.Network == h.Network {
				return true
			}
		}
	}
	return false
}

func TestReadersOfAnOldViewAreNotDisturbed(t *testing.T) {
	list, hosts := hall(300)
	first := boot.NewView(1, list, hosts)
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				if h := first.Host(hallMAC(i%300, 0)); h == nil || h.Name == "moved" || first.HostAt(hallAddr(i%300, 0)) != h {
					t.Errorf("machine %d is %+v in the old view", i%300, h)
					return
				}
			}
		})
	}
	v := first
	for i := range 300 {
		changed := machine(i)
		for _, h := range changed {
			h.Name = "moved"
		}
		v = v.With(&boot.Delta{Revision: int64(i + 2), Machines: map[string][]*boot.Host{changed[0].Machine: changed}})
		first.With(&boot.Delta{Machines: map[string][]*boot.Host{changed[0].Machine: nil}})
	}
	close(stop)
	readers.Wait()
	for h := range v.All() {
		if h.Name != "moved" {
			t.Fatalf("%s was not changed", h.Machine)
		}
	}
}

func TestAnAddressIsOnTheNarrowestNetworkThatIsServed(t *testing.T) {
	v := boot.NewView(1, []*inventory.Network{
		network("campus", "10.0.0.0/8", "campus", inventory.DHCPOff), network("rack", "10.1.0.0/24", "rack", inventory.DHCPReservations),
		network("lab", "10.1.0.0/28", "lab", inventory.DHCPOff), network("aa", "10.1.0.0/24", "aa", inventory.DHCPOff),
	}, []*boot.Host{
		{Machine: "m1", MAC: inventory.MAC{2, 1}, Network: "lab", Address: netip.MustParseAddr("10.1.0.5")},
		{Machine: "m2", MAC: inventory.MAC{2, 2}, Network: "rack", Address: netip.MustParseAddr("10.1.0.5")},
		{Machine: "m3", MAC: inventory.MAC{2, 3}, Network: "campus", Address: netip.MustParseAddr("10.1.0.6")},
		{Machine: "m4", MAC: inventory.MAC{2, 4}, Network: "lab", Address: netip.MustParseAddr("10.1.0.7")},
		{Machine: "m5", MAC: inventory.MAC{2, 5}},
		{Machine: "m6"},
	})
	for a, want := range map[string]string{"10.1.0.5": "rack m2", "10.1.0.6": "rack m3", "10.1.0.7": "rack m4", "10.1.0.99": "rack -", "10.9.9.9": "campus -",
		"192.0.2.1": "- -", "2001:db8::1": "- -"} {
		network, host := "-", "-"
		if n := v.NetworkOf(netip.MustParseAddr(a)); n != nil {
			network = n.Name
		}
		if h := v.HostAt(netip.MustParseAddr(a)); h != nil {
			host = h.Machine
		}
		if got := network + " " + host; got != want {
			t.Errorf("%s is %q, want %q", a, got, want)
		}
	}
	if v.NetworkOf(netip.Addr{}) != nil || v.HostAt(netip.Addr{}) != nil || v.Hosts() != 5 {
		t.Error("nothing is something")
	}
}

func TestAQuestionToTheViewAllocatesNothing(t *testing.T) {
	list, hosts := hall(1000)
	v := boot.NewView(1, list, hosts)
	n := testing.AllocsPerRun(100, func() {
		if v.Host(hallMAC(77, 2)) == nil || v.HostAt(hallAddr(77, 0)) == nil || v.NetworkOf(hallAddr(77, 0)) == nil {
			t.Error("it is not there")
		}
	})
	if n != 0 {
		t.Errorf("%.0f allocations", n)
	}
}

func BenchmarkHost(b *testing.B) {
	list, hosts := hall(100_000)
	v := boot.NewView(1, list, hosts)
	b.Run("by MAC", func(b *testing.B) {
		for i := range b.N {
			v.Host(hallMAC(i*7919%100_000, i&3))
		}
	})
	b.Run("by address", func(b *testing.B) {
		for i := range b.N {
			v.HostAt(hallAddr(i*7919%100_000, i&1))
		}
	})
	b.Run("one machine changes", func(b *testing.B) {
		b.ReportAllocs()
		for i := range b.N {
			m := machine(i * 7919 % 100_000)
			v = v.With(&boot.Delta{Revision: int64(i), Machines: map[string][]*boot.Host{m[0].Machine: m}})
		}
	})
	plain := map[inventory.MAC]*boot.Host{}
	for _, h := range hosts {
		plain[h.MAC] = h
	}
	b.Run("a plain map, for comparison", func(b *testing.B) {
		for i := range b.N {
			if plain[hallMAC(i*7919%100_000, i&3)] == nil {
				b.Fatal("missing")
			}
		}
	})
}
