package load

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

// due begins the exchanges that a rate makes due, and sends the strangers'.
func (g *generator) due() error {
	if g.now.After(g.end) {
		return nil
	}
	for so := g.now.Sub(g.start).Seconds() * g.o.Rate; float64(g.begun) < so && len(g.free) > 0; {
		i := g.free[len(g.free)-1]
		g.free = g.free[:len(g.free)-1]
		if err := g.begin(i); err != nil {
			return err
		}
	}
	for so := g.now.Sub(g.start).Seconds() * g.o.Strangers; float64(g.odd) < so; g.odd++ {
		b, err := g.room()
		if err != nil {
			return err
		}
		mac := [6]byte{6}
		binary.BigEndian.PutUint32(mac[2:], rand.Uint32())
		g.t.fillDiscover(b, strange, mac)
	}
	if ms := int(g.now.Sub(g.start).Milliseconds()); g.o.Await != nil && g.result.Heard.IsZero() && ms > g.awaited {
		g.awaited = ms
		b, err := g.room()
		if err != nil {
			return err
		}
		g.t.fillDiscover(b, g.await, g.o.Await.MAC)
	}
	return nil
}

// wait is how long to wait for an answer: with a rate, not past what is due, and never so long
// that the Go scheduler, which is not told of it, would miss its thread.
func (g *generator) wait() time.Duration {
	if g.o.Rate != 0 || g.o.Strangers > 0 {
		return pause
	}
	return min(g.o.Patience/4, 10*time.Millisecond)
}

// over ends a slot's exchange; where no rate says when, the next begins.
func (g *generator) over(i int) error {
	if g.o.Rate == 0 {
		return g.begin(i)
	}
	g.slots[i].busy = false
	g.busy--
	g.free = append(g.free, i)
	return nil
}

// wrong says what is wrong with an answer, "" for nothing.
func (g *generator) wrong(r reply, client int) string {
	c, got := g.o.Clients[client], netip.AddrFrom4(r.address)
	mac := net.HardwareAddr(c.MAC[:])
	if r.kind == dhcpv4.MessageTypeNak || c.Address.IsValid() && got != c.Address {
		return fmt.Sprintf("%s was answered %s %s, not %s", mac, r.kind, got, c.Address)
	}
	if r.kind != dhcpv4.MessageTypeAck || c.Address.IsValid() {
		return ""
	}
	if other, ok := g.given[got]; ok && other != client {
		return fmt.Sprintf("%s was given %s, as client %d was", mac, got, other)
	}
	g.given[got] = client
	return ""
}
