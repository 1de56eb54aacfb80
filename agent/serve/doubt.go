package serve

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"

	"rackwright/boot"
	"rackwright/inventory"
	"rackwright/journal"
)

// lesseeTime bounds the question whom an address is lent to.
const lesseeTime = 2 * time.Second

// Leases knows who was lent addresses.
type Leases interface {
	// Lessee is the MAC that an address of a network was lent to last, zero for none.
	Lessee(ctx context.Context, network *inventory.Network, address netip.Addr) (inventory.MAC, error)
}

// Doubt writes down who does not trust the certificate of a server over TLS. View, Journal
// and Now are required.
type Doubt struct {
	View    func() *boot.View
	Leases  Leases // nil: nobody has one
	Journal journal.Recorder
	Now     func() time.Time
	Boot    bool // of the server that firmware loads from by HTTPS, not the agents'

	paces journal.Paces
}

// ConnState is that of an http.Server. A connection that ends without a handshake still has
// the error that it failed with.
func (d *Doubt) ConnState(conn net.Conn, state http.ConnState) {
	c, ok := conn.(*tls.Conn)
	if !ok || state != http.StateClosed || c.ConnectionState().HandshakeComplete {
		return
	}
	alert := distrust(c)
	if alert == "" && d.Boot && hungUp(c) {
		alert = "it hung up without a word" // as EDK II does
	}
	if alert != "" {
		d.write(c.RemoteAddr(), alert)
	}
}

func (d *Doubt) write(from net.Addr, alert string) {
	at, err := netip.ParseAddrPort(from.String())
	if err != nil {
		return
	}
	peer := at.Addr().Unmap().WithZone("")
	e := journal.Event{At: d.Now(), Kind: journal.AgentRefused, Actor: "agent", Detail: map[string]any{"peer": peer.String(), "reason": "certificate", "alert": alert}}
	server := "the agents' server"
	if d.Boot {
		server, e.Kind, e.Actor = "HTTPS boot", journal.HTTPRefused, "firmware"
	}
	ok, skipped := d.paces.Take(peer, e.At)
	if !ok {
		return
	}
	if skipped > 0 {
		e.Detail["left_out"] = skipped
	}
	who := "it"
	switch host := d.host(peer); {
	case host == nil:
		who = peer.String()
	case host.BMC:
		who, e.Kind, e.Machine, e.Name = "its BMC", journal.BMCFailed, host.Machine, host.Name
	default:
		e.Machine, e.Name, e.MAC, e.Operation = host.Machine, host.Name, host.MAC, host.Operation
	}
	e.Summary = fmt.Sprintf("%s refuses the certificate of %s: %s", who, server, alert)
	d.Journal.Record(e)
}

// host is who has an address, by reservation or by lease, nil for nobody we know.
func (d *Doubt) host(peer netip.Addr) *boot.Host {
	v := d.View()
	if h := v.HostAt(peer); h != nil || d.Leases == nil || !peer.Is4() {
		return h
	}
	n := v.NetworkOf(peer)
	if n == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), lesseeTime)
	defer cancel()
	mac, err := d.Leases.Lessee(ctx, n, peer)
	if err != nil || mac.IsZero() {
		return nil
	}
	return v.Host(mac)
}
