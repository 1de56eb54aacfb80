package dhcp

import (
	"errors"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"rackwright/boot"
	"rackwright/inventory"
)

// agreeLent has a stranger answered quickly and by Decide and Finish, and holds them to be one,
// what is asked of the Lender included. It reports whether there was a quick answer.
func agreeLent(t *testing.T, q *Quick, v *boot.View, b []byte, in Inbound, lent func(Ask) (inventory.Lease, error)) bool {
	t.Helper()
	asked, quick := q.Ask(v, b, in)
	m, reason := Parse(b)
	if m == nil {
		if quick {
			t.Fatalf("asked for what Parse refuses: %s\n%x", reason, b)
		}
		return false
	}
	in.Message = m
	ans := Decide(v, in, q.Settings)
	if quick && (ans.Ask == nil || *ans.Ask != asked) {
		t.Fatalf("to %x\nasks %+v, and Decide %+v: %s", b, asked, ans.Ask, ans.Rule)
	}
	if ans.Ask == nil || ans.Ask.Verb != Lend {
		return false
	}
	asked = *ans.Ask
	lease, err := lent(asked)
	if err != nil {
		return false
	}
	got, quick := q.Lent(v, b, in, asked, lease, make([]byte, 0, 2048))
	ans = Finish(v, in, q.Settings, asked, lease, nil)
	if !quick {
		q.Learn(b, ans)
		return false
	}
	if ans.Reply == nil || string(got.Bytes) != string(ans.Bytes()) || got.Dest != ans.Dest || got.Frame != ans.Frame || got.Source != ans.Source {
		t.Fatalf("to %+v\n%x\nlent %+v\nquick %x to %v, frame %v, from %v\nslow  %+v to %v, frame %v, from %v, %s", in, b, lease, got.Bytes, got.Dest, got.Frame, got.Source,
			ans.Reply, ans.Dest, ans.Frame, ans.Source, ans.Rule)
	}
	return true
}

// strays are machines in no plan, some with an address they had before.
func strays() (out []*boot.Host) {
	for i := range 40 {
		h := &boot.Host{MAC: inventory.MAC{2, 7, 0, 0, 9, byte(i)}}
		switch i % 4 {
		case 0:
			h.Address = netip.AddrFrom4([4]byte{10, 0, 0, byte(192 + i/4)}) // some of them in the pool, one of those reserved
		case 1:
			h.Address = netip.MustParseAddr("10.9.0.7")
		}
		out = append(out, h)
	}
	return out
}

func TestAQuickLoanIsDecidesOwn(t *testing.T) {
	for name, change := range map[string]func(prov, far *inventory.Network){
		"authoritative": func(prov, far *inventory.Network) { authoritative(prov, far); discovering(prov, far) },
		"reservations":  discovering,
		"behind a relay": func(prov, far *inventory.Network) {
			discovering(prov, far)
			far.Strangers, far.Pool = inventory.StrangerDiscover, inventory.Pool{First: netip.MustParseAddr("10.9.0.4"), Last: netip.MustParseAddr("10.9.0.9")}
		},
	} {
		r := rand.New(rand.NewPCG(5, 6))
		v, q, quick := crowd(change), &Quick{Settings: Settings{HTTPPort: 8080}}, 0
		lent := func(a Ask) (inventory.Lease, error) {
			l := inventory.Lease{MAC: a.MAC, Network: a.Network.Name, Address: a.Address, Until: testTime.Add(time.Duration(r.IntN(700_000)) * time.Millisecond)}
			switch {
			case !a.Address.IsValid(), r.IntN(20) == 0:
				l.Address = a.Network.Pool.Nth(r.IntN(a.Network.Pool.Size()))
			case r.IntN(20) == 0:
				return l, errors.New("the pool is used up")
			}
			return l, nil
		}
		for range 20_000 {
			m, in := chance(r, strays())
			b := m.ToBytes()
			for range 3 {
				if agreeLent(t, q, v, b, in, lent) {
					quick++
				}
				b = asAnother(b, strays()[r.IntN(40)])
			}
		}
		if quick < 3000 {
			t.Errorf("%s: %d of 60,000 were quick", name, quick)
		}
	}
}

func TestWhatIsNotLentIsNotAskedForQuickly(t *testing.T) {
	v, q := crowd(discovering), &Quick{Settings: Settings{HTTPPort: 8080}}
	in := Inbound{Interface: "eth0", Addresses: []netip.Addr{ourAddr}, Own: []netip.Addr{ourAddr}, To: broadcast(), At: testTime}
	stray := inventory.MAC{2, 7, 1, 1, 1, 1}
	pool := inventory.Pool{First: netip.MustParseAddr("10.0.0.202")}
	lease := func(a Ask) (inventory.Lease, error) {
		return inventory.Lease{MAC: a.MAC, Address: pool.First, Until: testTime.Add(time.Minute)}, nil
	}
	free := message(request, stray, chose("10.0.0.1"), wants(pool.First.String())).ToBytes()
	agreeLent(t, q, v, free, in, lease)
	if !agreeLent(t, q, v, free, in, lease) {
		t.Fatal("not quick")
	}
	for what, m := range map[string][]byte{
		"outside the pool": message(request, stray, chose("10.0.0.1"), wants("10.0.0.3")).ToBytes(),
		"reserved":         message(request, stray, chose("10.0.0.1"), wants("10.0.0.200")).ToBytes(),
		"a known machine":  message(request, knownMAC, chose("10.0.0.1"), wants(pool.First.String())).ToBytes(),
		"given back":       message(release, stray, has(pool.First.String())).ToBytes(),
	} {
		if a, ok := q.Ask(v, m, in); ok {
			t.Errorf("%s: asks %+v", what, a)
		}
	}
}
