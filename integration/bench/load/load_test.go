package load

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

// desk is a server on loopback that gives client i the address 10.0.0.i, and forgets
// every drop-th message it is sent.
func desk(t *testing.T, drop int, wrong bool) *net.UDPConn {
	t.Helper()
	srv, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { srv.Close() })
	go func() {
		b := make([]byte, 1500)
		for count := 1; ; count++ {
			n, from, err := srv.ReadFromUDP(b)
			if err != nil {
				return
			}
			if m, err := dhcpv4.FromBytes(b[:n]); err == nil && (drop == 0 || count%drop != 0) {
				srv.WriteToUDP(answer(m, wrong), from)
			}
		}
	}()
	conn, err := net.DialUDP("udp4", nil, srv.LocalAddr().(*net.UDPAddr))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func answer(m *dhcpv4.DHCPv4, wrong bool) []byte {
	kind, last := dhcpv4.MessageTypeOffer, m.ClientHWAddr[5]
	if m.MessageType() == dhcpv4.MessageTypeRequest {
		kind = dhcpv4.MessageTypeAck
		if !m.RequestedIPAddress().Equal(net.IPv4(10, 0, 0, last)) || !m.ServerIdentifier().Equal(net.IPv4(10, 0, 0, 254)) {
			kind = dhcpv4.MessageTypeNak
		}
	}
	if wrong {
		last++
	}
	r, _ := dhcpv4.NewReplyFromRequest(m, dhcpv4.WithMessageType(kind), dhcpv4.WithYourIP(net.IPv4(10, 0, 0, last)),
		dhcpv4.WithOption(dhcpv4.OptServerIdentifier(net.IPv4(10, 0, 0, 254))))
	return r.ToBytes()
}

func clients(n int) (out []Client) {
	for i := range n {
		out = append(out, Client{MAC: [6]byte{2, 0, 0, 0, 0, byte(i + 1)}, Address: netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)})})
	}
	return out
}

func options(conn *net.UDPConn) Options {
	return Options{Conn: conn, Relay: netip.MustParseAddr("127.0.0.1"), Clients: clients(20), InFlight: 8, For: 50 * time.Millisecond, Patience: 200 * time.Millisecond}
}

func TestEveryClientTakesTheAddressItIsPlanned(t *testing.T) {
	o := options(desk(t, 0, false))
	o.Patience = 5 * time.Second
	r, err := Run(t.Context(), o)
	if err != nil || r.Done == 0 || r.Lost != 0 || r.Wrong != "" || r.Rate() <= 0 {
		t.Errorf("%+v %v", r, err)
	}
}

func TestAnUnansweredClientCountsAsLost(t *testing.T) {
	r, err := Run(t.Context(), options(desk(t, 5, false)))
	if err != nil || r.Done == 0 || r.Lost == 0 || r.Wrong != "" {
		t.Errorf("%+v %v", r, err)
	}
}

func TestARateIsKeptAndStrangersAskBeside(t *testing.T) {
	o := options(desk(t, 0, false))
	o.Patience, o.Rate, o.Strangers = 5*time.Second, 400, 1000
	r, err := Run(t.Context(), o)
	if err != nil || r.Done == 0 || r.Done > 25 || r.Lost != 0 || r.Wrong != "" || r.Within(50) <= 0 || r.Within(99) < r.Within(50) {
		t.Errorf("%+v %v", r, err)
	}
}

func TestAnAddressThatTwoClientsAreGivenIsTold(t *testing.T) {
	o := options(desk(t, 0, false))
	o.Patience = 5 * time.Second
	for i := range o.Clients {
		o.Clients[i].Address = netip.Addr{}
	}
	if r, err := Run(t.Context(), o); err != nil || r.Wrong != "" || r.Done == 0 {
		t.Errorf("%+v %v", r, err)
	}
	o.Clients[1].MAC[4] = 1 // the test's server looks at the last byte only
	o.Clients[1].MAC[5] = 1
	if r, err := Run(t.Context(), o); err != nil || r.Wrong == "" {
		t.Errorf("%+v %v", r, err)
	}
}

func TestOneThatIsAwaitedEndsARunOfItsOwn(t *testing.T) {
	o := options(desk(t, 0, false))
	o.For, o.Rate, o.Await, o.Clients = time.Minute, -1, &o.Clients[0], o.Clients[1:]
	r, err := Run(t.Context(), o)
	if err != nil || r.Heard.IsZero() || r.Done != 0 || r.Took >= time.Minute {
		t.Errorf("%+v %v", r, err)
	}
}

func TestAnotherAddressThanPlannedIsTold(t *testing.T) {
	r, err := Run(t.Context(), options(desk(t, 0, true)))
	if err != nil || r.Done != 0 || r.Wrong == "" {
		t.Errorf("%+v %v", r, err)
	}
}

func TestMoreExchangesThanClientsCannotBe(t *testing.T) {
	o := options(nil)
	o.InFlight = 21
	if _, err := Run(t.Context(), o); err == nil {
		t.Error("no error")
	}
}

func FuzzParseReply(f *testing.F) {
	m, err := dhcpv4.New(dhcpv4.WithMessageType(dhcpv4.MessageTypeDiscover), dhcpv4.WithHwAddr(net.HardwareAddr{2, 0, 0, 0, 0, 1}))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(answer(m, false))
	f.Add(answer(m, false)[:atOptions+2])
	f.Add([]byte{2})
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, ok := parseReply(b); ok && len(b) < atOptions+3 {
			t.Errorf("%+v from %d bytes", r, len(b))
		}
	})
}
