package listen

import (
	"bytes"
	"log/slog"
	"net"
	"net/netip"
	"testing"
	"time"

	"rackwright/dhcp"
	"rackwright/inventory"
)

// sender is an outbox on loopback.
func sender(t *testing.T) *outbox {
	t.Helper()
	conn, sock := opened(t)
	return (&Server{Log: slog.New(slog.DiscardHandler)}).outbox(conn, sock, newRelays())
}

// relayAgent is a socket to which replies go.
func relayAgent(t *testing.T) (*net.UDPConn, netip.AddrPort) {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c, c.LocalAddr().(*net.UDPAddr).AddrPort()
}

// queued puts a reply for a client into the outbox.
func queued(o *outbox, to netip.AddrPort, client, length int, offers bool) {
	b := append(o.room()[:0], bytes.Repeat([]byte{byte(client)}, length)...)
	o.queue(&answered{arrival: arrival{ifindex: 1}, reply: dhcp.Swift{Bytes: b, Offers: offers, Dest: to}})
}

// received are the next datagrams, by their first byte.
func received(t *testing.T, c *net.UDPConn, n int) map[byte][]byte {
	t.Helper()
	all := map[byte][]byte{}
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	for range n {
		b := make([]byte, 2000)
		n, err := c.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		all[b[0]] = b[:n]
	}
	return all
}

func TestRepliesToOneRelayGoTogetherAndArriveApart(t *testing.T) {
	o := sender(t)
	one, first := relayAgent(t)
	two, second := relayAgent(t)
	three, third := relayAgent(t)
	for i := range 20 {
		queued(o, first, i+1, 300+i, true)
		queued(o, second, i+1, 320, true)
	}
	queued(o, third, 1, 310, true)
	queued(o, second, 50, longestCar+100, true)
	o.couple()
	if len(o.trains) != 4 {
		t.Errorf("there are %d messages", len(o.trains))
	}
	o.flush()
	for client, b := range received(t, one, 20) {
		if own := bytes.Repeat([]byte{client}, 299+int(client)); len(b) != 319 || !bytes.Equal(b[:len(own)], own) || len(bytes.Trim(b[len(own):], "\x00")) > 0 {
			t.Errorf("client %d: %d bytes, %x", client, len(b), b)
		}
	}
	for client, b := range received(t, two, 21) {
		if want := map[bool]int{true: 320, false: longestCar + 100}[client != 50]; len(b) != want {
			t.Errorf("client %d: %d bytes", client, len(b))
		}
	}
	received(t, three, 1)
	if len(o.out) != 0 {
		t.Errorf("%d replies are left", len(o.out))
	}
}

func TestARelayThatPassesNoTrainOnIsSentNoMore(t *testing.T) {
	o := sender(t)
	_, relay := relayAgent(t)
	for range 2 {
		for i := range enough + 1 {
			queued(o, relay, i, 300, true)
		}
		o.flush()
	}
	if trains, _ := o.relays.take(relay.Addr()); trains || len(o.trains) != enough+1 {
		t.Errorf("%d messages were sent", len(o.trains))
	}
	if trains, _ := o.relays.take(netip.MustParseAddr("127.0.0.2")); !trains {
		t.Error("another relay suffers")
	}
}

func TestARelayWhoseClientsTakeTheirOffersIsSentTrains(t *testing.T) {
	o := sender(t)
	_, relay := relayAgent(t)
	for turn := range 200 {
		for i := range 40 {
			queued(o, relay, i, 300, turn%2 == 0 || i < 10) // ten ask again and again
		}
		o.flush()
	}
	if trains, _ := o.relays.take(relay.Addr()); !trains || len(o.trains) != 1 {
		t.Errorf("%d messages were sent", len(o.trains))
	}
}

func TestWhatIsKnownOfRelaysIsBounded(t *testing.T) {
	r := newRelays()
	for i := range 2 * maxRelays {
		r.tally(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}))
	}
	if len(r.known) > maxRelays {
		t.Errorf("%d relays are known", len(r.known))
	}
	mac := inventory.MAC{2}
	r.sent(train{{bytes: make([]byte, 300), offers: true}})
	at := netip.MustParseAddr("10.9.9.9")
	r.replied(&parcel{bytes: append(make([]byte, 28), mac[:]...), offers: true, dest: netip.AddrPortFrom(at, 67)})
	if len(r.known) > maxRelays || r.known[at] != nil {
		t.Error("another client's reply counts")
	}
}
