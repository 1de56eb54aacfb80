package dhcp

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"rackwright/boot"
	"rackwright/inventory"
)

// crowd is a view with hosts of every kind: in two networks of one wire, behind relays, BMCs,
// of a model with options, with long names, planned elsewhere or without an address.
func crowd(change func(prov, far *inventory.Network)) *boot.View {
	w := newWorld(change)
	second := &inventory.Network{ID: "n3", Name: "second", Prefix: netip.MustParsePrefix("10.1.0.0/24"), DHCP: inventory.DHCPAuthoritative, LeaseSeconds: 60,
		Options: []inventory.Option{{Code: 121, Type: "hex", Value: "080a0a000001", Always: true}, {Code: 119, Type: "hex", Value: "0000"}}}
	hosts := slices.Collect(w.view.All())
	for i := range 48 {
		h := &boot.Host{Machine: fmt.Sprint("c", i), Name: fmt.Sprintf("%.*s%d", i*2, "a-name-that-is-as-long-as-names-can-be-and-longer-than-a-label-may-be-on-the-wire", i),
			MAC: inventory.MAC{2, 0, 0, 0, 9, byte(i)}, BMC: i%5 == 0}
		if i%7 == 0 {
			h.Model = "big"
		}
		h.Network, h.Address = [...]string{"prov", "far", "second", ""}[i%4], netip.AddrFrom4([4]byte{10, [...]byte{0, 9, 1, 0}[i%4], 0, byte(100 + i)})
		hosts = append(hosts, h)
	}
	v := boot.NewView(1, []*inventory.Network{w.prov, w.far, second}, hosts)
	return v.With(&boot.Delta{Revision: 2, Models: &boot.Models{Options: map[string][]inventory.Option{"big": {{Code: 224, Type: "text", Value: "of the model", Always: true}}}}})
}

// agree has one answer quickly and by Decide, and holds them to be one. It reports whether
// there was a quick one.
func agree(t *testing.T, q *Quick, v *boot.View, b []byte, in Inbound) bool {
	t.Helper()
	kept := slices.Clone(b)
	got, quick := q.Answer(v, HostOf(v, b), b, in, make([]byte, 0, 2048))
	if string(kept) != string(b) {
		t.Fatal("the question was written to")
	}
	m, reason := Parse(b)
	if m == nil {
		if quick {
			t.Fatalf("answered what Parse refuses: %s\n%x", reason, b)
		}
		return false
	}
	in.Message = m
	ans := Decide(v, in, q.Settings)
	if !quick {
		q.Learn(b, ans)
		return false
	}
	if string(got.Bytes) != string(ans.Bytes()) || got.Dest != ans.Dest || got.Frame != ans.Frame || got.Source != ans.Source {
		t.Fatalf("to %+v\n%x\nquick %x to %v, frame %v, from %v\nslow  %x to %v, frame %v, from %v, %s", in, b, got.Bytes, got.Dest, got.Frame, got.Source,
			ans.Bytes(), ans.Dest, ans.Frame, ans.Source, ans.Rule)
	}
	return true
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// chance is a message as clients, firmware and relays send them, or nearly so.
func chance(r *rand.Rand, hosts []*boot.Host) (*dhcpv4.DHCPv4, Inbound) {
	h := hosts[r.IntN(len(hosts))]
	odd := r.IntN(2) == 0
	near, kind := h.Address, pick(r, discover, request)
	if odd {
		near = pick(r, near, near, hosts[r.IntN(len(hosts))].Address, netip.Addr{})
		kind = pick(r, kind, kind, kind, dhcpv4.MessageTypeInform, dhcpv4.MessageTypeRelease)
	}
	m := message(kind, h.MAC)
	set := func(one int, code byte, values ...string) {
		switch {
		case r.IntN(one) != 0:
		case odd:
			m.Options[code] = []byte(pick(r, values...))
		case one < 9:
			m.Options[code] = []byte(values[0])
		}
	}
	if near.IsValid() && r.IntN(3) > 0 {
		m.Options[50] = near.AsSlice()
	}
	if h.Address.IsValid() && kind == request && r.IntN(3) == 0 {
		m.ClientIPAddr = near.AsSlice()
	}
	in := Inbound{Interface: "eth0", Addresses: []netip.Addr{ourAddr}, Own: []netip.Addr{ourAddr, netip.MustParseAddr("10.1.0.1")}, To: broadcast(), At: testTime}
	if r.IntN(3) == 0 {
		in.Addresses = in.Own
	}
	if r.IntN(3) == 0 {
		in.To = pick(r, in.Own...)
	}
	if r.IntN(2) == 0 {
		in.To = ourAddr
		m.GatewayIPAddr = netip.MustParseAddr(pick(r, "10.9.0.1", "10.9.0.1", "10.0.0.9", "10.77.0.1", "10.0.0.1")).AsSlice()
		in.From = netip.AddrPortFrom(pick(r, netip.AddrFrom4([4]byte(m.GatewayIPAddr)), netip.MustParseAddr("10.9.0.2")), ServerPort)
	}
	if r.IntN(3) == 0 {
		m.SetBroadcast()
	}
	m.NumSeconds = uint16(r.IntN(3))
	set(2, 54, "\x0a\x00\x00\x01", "\x0a\x00\x00\x01", "\x0a\x01\x00\x01", "\x0a\x00\x00\x99", "\x0a")
	set(2, 55, "\x01\x03\x06\x0c", "\x01\x03\x06\x0c\x0f\x1a\x2a\x43\x42\x77\x79", "\x2b\x3c\x43\x61\x80\x96")
	set(3, 57, "\x02\x40", "\x05\xc0", "\x00\x10", "\x02\x90", "\x01")
	set(2, 60, "PXEClient:Arch:00007:UNDI:003016", "HTTPClient:Arch:00016", "udhcp 1.30", "PXEClient", "rackwright-probe")
	set(4, 77, "iPXE", "\x04iPXE", "other")
	set(3, 61, "\x01\x02\x00\x00\x00\x09\x01", "an identifier of its own"+string(h.MAC[:]), "")
	set(3, 82, "\x01\x04port", "\x01\x01a\x02\x03abc", "\x05\x04\x0a\x00\x00\x00", "\x0b\x04\x0a\x09\x00\x01\x01\x01b", "\x01\x09short", "\x76\x04\x0a\x09\x00\x00", "\x00\x01\x01a")
	set(2, 93, "\x00\x00", "\x00\x07", "\x00\x10", "\x00\x06", "\x00")
	set(3, 97, "\x000123456789abcde"+string(h.MAC[5:]), "\x00"+string(make([]byte, 16)), "short")
	set(9, 118, "\x0a\x09\x00\x00", "\x0a\x00\x00\x00")
	set(9, 52, "\x00", "\x01", "\x03")
	set(6, 12, "a-name", "another")
	return m, in
}

// like is any host on the network of the one that sent b, now and then any at all.
func like(r *rand.Rand, hosts []*boot.Host, b []byte) *boot.Host {
	for range 20 {
		h := hosts[r.IntN(len(hosts))]
		if len(b) > 34 && slices.ContainsFunc(hosts, func(o *boot.Host) bool { return o.MAC == inventory.MAC(b[28:34]) && o.Network == h.Network }) {
			return h
		}
	}
	return hosts[0]
}

// asAnother is the message as another machine would send it.
func asAnother(b []byte, h *boot.Host) []byte {
	m, err := dhcpv4.FromBytes(b)
	if err != nil || !h.Address.IsValid() {
		return b
	}
	m.ClientHWAddr = h.MAC[:]
	if _, ok := m.Options[50]; ok {
		m.Options[50] = h.Address.AsSlice()
	}
	if !m.ClientIPAddr.IsUnspecified() {
		m.ClientIPAddr = h.Address.AsSlice()
	}
	return m.ToBytes()
}

func TestAQuickAnswerIsDecidesOwn(t *testing.T) {
	quick, all := 0, 0
	for name, change := range map[string]func(prov, far *inventory.Network){
		"reservations": nil, "authoritative": authoritative, "discovering": discovering,
		"proxy": func(prov, _ *inventory.Network) { prov.DHCP = inventory.DHCPProxy },
		"options": func(prov, far *inventory.Network) {
			far.Options = []inventory.Option{{Code: 209, Type: "text", Value: "x", Always: true}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2))
			v := crowd(change)
			hosts := slices.Collect(v.All())
			slices.SortFunc(hosts, func(a, b *boot.Host) int { return cmp.Compare(a.Network, b.Network) })
			q := &Quick{Settings: Settings{HTTPPort: 8080}}
			if name == "options" {
				q.Settings.BootServer = netip.MustParseAddr("10.0.0.77")
			}
			for range 5000 {
				m, in := chance(r, hosts)
				b := m.ToBytes()
				if r.IntN(20) == 0 {
					b[r.IntN(len(b))] = byte(r.IntN(256))
				}
				if r.IntN(40) == 0 {
					b = b[:r.IntN(len(b))]
				}
				for range 6 { // learned, and then quick, for other machines too
					all++
					if agree(t, q, v, b, in) {
						quick++
					}
					b = asAnother(b, like(r, hosts, b))
				}
			}
			if len(q.table) > maxTemplates {
				t.Errorf("%d templates", len(q.table))
			}
		})
	}
	if quick < all/30 {
		t.Errorf("%d of %d were quick", quick, all)
	}
}

func TestWhatRealFirmwareSendsIsAnsweredQuickly(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.bin")
	us := []netip.Addr{netip.MustParseAddr("10.77.0.1")}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		q := &Quick{Settings: Settings{HTTPPort: 80}}
		in := Inbound{Addresses: us, Own: us, To: broadcast(), At: testTime}
		if agree(t, q, capturedView(), b, in); !agree(t, q, q.view, b, in) {
			t.Errorf("%s was left to Decide", filepath.Base(file))
		}
	}
}

func TestWhatIsPlannedAnewIsAnsweredAnew(t *testing.T) {
	v := crowd(nil)
	q := &Quick{Settings: Settings{HTTPPort: 8080}}
	in := Inbound{Addresses: []netip.Addr{ourAddr}, Own: []netip.Addr{ourAddr}, To: broadcast(), At: testTime}
	b := message(discover, knownMAC).ToBytes()
	if agree(t, q, v, b, in); !agree(t, q, v, b, in) {
		t.Fatal("not quick")
	}
	moved := *v.Host(knownMAC)
	moved.Address, moved.Name = netip.MustParseAddr("10.0.0.44"), "renamed"
	v = v.With(&boot.Delta{Revision: 3, Machines: map[string][]*boot.Host{"m1": {&moved}}})
	if !agree(t, q, v, b, in) {
		t.Error("a machine that moved made the reply unknown")
	}
	networks := slices.Clone(v.Networks())
	prov := *networks[0]
	prov.LeaseSeconds = 77
	networks[0] = &prov
	v = v.With(&boot.Delta{Revision: 4, Networks: networks})
	if agree(t, q, v, b, in) {
		t.Error("a network that changed left the reply as it was")
	}
	if !agree(t, q, v, b, in) {
		t.Error("not quick again")
	}
}

func TestAQuickAnswerNeedsNoMemory(t *testing.T) {
	v, room := crowd(nil), make([]byte, 0, 2048)
	q := &Quick{Settings: Settings{HTTPPort: 8080}}
	in := Inbound{Addresses: []netip.Addr{ourAddr}, Own: []netip.Addr{ourAddr}, To: ourAddr, From: netip.MustParseAddrPort("10.9.0.1:67"), At: testTime}
	b := message(discover, farMAC, via("10.9.0.1")).ToBytes()
	agree(t, q, v, b, in)
	if n := testing.AllocsPerRun(100, func() {
		if _, ok := q.Answer(v, HostOf(v, b), b, in, room); !ok {
			t.Fatal("not quick")
		}
	}); n > 0 {
		t.Errorf("%.0f allocations", n)
	}
}

// FuzzQuick: whatever arrives after whatever else, a quick answer is Decide's.
func FuzzQuick(f *testing.F) {
	r := rand.New(rand.NewPCG(3, 4))
	v := crowd(func(prov, far *inventory.Network) { authoritative(prov, far); discovering(prov, far) })
	hosts := append(slices.Collect(v.All()), strays()...)
	for range 50 {
		m, _ := chance(r, hosts)
		f.Add(m.ToBytes(), m.ToBytes(), uint8(r.IntN(256)))
	}
	f.Fuzz(func(t *testing.T, first, second []byte, where uint8) {
		q := &Quick{Settings: Settings{HTTPPort: 8080}}
		own := []netip.Addr{ourAddr, netip.MustParseAddr("10.1.0.1")}
		in := Inbound{Addresses: own[:1+where&1], Own: own, To: pick(rand.New(rand.NewPCG(uint64(where), 1)), broadcast(), own[0], own[1]), At: testTime}
		if where&2 != 0 {
			in.From = netip.MustParseAddrPort("10.9.0.1:67")
		}
		for _, b := range [][]byte{first, first, second, first, second} {
			if seeks, o := Discovers(b), new(options); o.scan(b) && seeks != (o.kind() == byte(discoverType)) {
				t.Errorf("it discovers: %v, which is wrong", seeks)
			}
			agree(t, q, v, b, in)
			agreeLent(t, q, v, b, in, func(a Ask) (inventory.Lease, error) {
				l := inventory.Lease{MAC: a.MAC, Address: a.Address, Until: testTime.Add(time.Duration(where) * time.Second)}
				if where&4 != 0 || !a.Address.IsValid() {
					l.Address = a.Network.Pool.First
				}
				return l, nil
			})
		}
	})
}

func BenchmarkQuick(b *testing.B) {
	v, room := crowd(nil), make([]byte, 0, 2048)
	q := &Quick{Settings: Settings{HTTPPort: 8080}}
	in := Inbound{Addresses: []netip.Addr{ourAddr}, Own: []netip.Addr{ourAddr}, To: ourAddr, From: netip.MustParseAddrPort("10.9.0.1:67"), At: testTime}
	m := message(discover, farMAC, via("10.9.0.1"))
	raw := m.ToBytes()
	in.Message = m
	q.Answer(v, HostOf(v, raw), raw, in, room)
	q.Learn(raw, Decide(v, in, q.Settings))
	for b.Loop() {
		if _, ok := q.Answer(v, HostOf(v, raw), raw, in, room); !ok {
			b.Fatal("not quick")
		}
	}
}
