package load

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/google/uuid"
	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/iana"
	"github.com/vishvananda/netlink"

	"rackwright/fault"
)

// own makes the addresses of all machines this namespace's own.
func (s Storm) own() error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		return err
	}
	all := &net.IPNet{IP: s.Prefix.Masked().Addr().AsSlice(), Mask: net.CIDRMask(s.Prefix.Bits(), 32)}
	if err := netlink.RouteAdd(&netlink.Route{LinkIndex: lo.Attrs().Index, Dst: all, Type: syscall.RTN_LOCAL, Table: syscall.RT_TABLE_LOCAL, Scope: netlink.SCOPE_HOST}); err != nil {
		return fault.Internalf("the machines' addresses: %w", err)
	}
	return nil
}

// stormRelay is the relay agent: one socket, answers told apart by transaction.
type stormRelay struct {
	conn *net.UDPConn
	at   netip.Addr

	mu      sync.Mutex
	waiting map[dhcpv4.TransactionID]chan *dhcpv4.DHCPv4
}

func openStormRelay(at, server netip.Addr) (*stormRelay, error) {
	conn, err := net.DialUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(at, 67)), net.UDPAddrFromAddrPort(netip.AddrPortFrom(server, 67)))
	if err != nil {
		return nil, fault.Internalf("the relay agent: %w", err)
	}
	_ = conn.SetReadBuffer(8 << 20)
	r := &stormRelay{conn: conn, at: at, waiting: map[dhcpv4.TransactionID]chan *dhcpv4.DHCPv4{}}
	go r.run()
	return r, nil
}

func (r *stormRelay) close() { r.conn.Close() }

// run hands answers to those who wait until the socket is closed.
func (r *stormRelay) run() {
	buf := make([]byte, 2048)
	for {
		n, err := r.conn.Read(buf)
		if err != nil && strings.Contains(err.Error(), "use of closed") {
			return
		}
		m, perr := dhcpv4.FromBytes(buf[:max(n, 0)])
		if err != nil || perr != nil {
			continue
		}
		r.mu.Lock()
		to := r.waiting[m.TransactionID]
		r.mu.Unlock()
		select {
		case to <- m: // a nil channel never takes it
		default:
		}
	}
}

// ask relays a question until an answer of the kind has come, and says how often it was
// repeated: after 1, 2, 4 and 8 seconds, as firmware does.
func (r *stormRelay) ask(ctx context.Context, q *dhcpv4.DHCPv4, want dhcpv4.MessageType) (got *dhcpv4.DHCPv4, repeats int, err error) {
	to := make(chan *dhcpv4.DHCPv4, 4)
	r.mu.Lock()
	r.waiting[q.TransactionID] = to
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.waiting, q.TransactionID)
	}()
	for try := range 5 {
		if _, err := r.conn.Write(q.ToBytes()); err != nil {
			return nil, try, err
		}
		late := time.After(time.Second << try)
		for waits := true; waits; {
			select {
			case m := <-to:
				if m.MessageType() == dhcpv4.MessageTypeNak {
					return nil, try, fault.Deniedf("refused: %s", m.Message())
				}
				if m.MessageType() == want {
					return m, try, nil
				}
			case <-late:
				waits = false
			case <-ctx.Done():
				return nil, try, ctx.Err()
			}
		}
	}
	return nil, 5, fault.Unreachablef("no DHCP server answers")
}

// lease gets the machine its address, and returns what it is told to load.
func (m *machine) lease(ctx context.Context, loader bool) (file string, err error) {
	q, err := m.question(loader, dhcpv4.MessageTypeDiscover)
	if err != nil {
		return "", err
	}
	offer, n, err := m.relay.ask(ctx, q, dhcpv4.MessageTypeOffer)
	if m.repeats += n; err != nil {
		return "", err
	}
	if q, err = m.question(loader, dhcpv4.MessageTypeRequest); err != nil {
		return "", err
	}
	q.UpdateOption(dhcpv4.OptRequestedIPAddress(offer.YourIPAddr))
	q.UpdateOption(dhcpv4.OptServerIdentifier(offer.ServerIdentifier()))
	ack, n, err := m.relay.ask(ctx, q, dhcpv4.MessageTypeAck)
	if m.repeats += n; err != nil {
		return "", err
	}
	if got, _ := netip.AddrFromSlice(ack.YourIPAddr.To4()); got != m.Address {
		return "", fault.Internalf("it was given %s, not its own address", got)
	}
	if file = strings.TrimRight(ack.BootFileNameOption(), "\x00"); file == "" {
		file = ack.BootFileName
	}
	if file == "" {
		return "", fault.Internalf("it is told no file")
	}
	return file, nil
}

// question is a message as firmware of the kind, or the loader, sends it.
func (m *machine) question(loader bool, kind dhcpv4.MessageType) (*dhcpv4.DHCPv4, error) {
	arch, class := iana.INTEL_X86PC, "PXEClient:Arch:00000:UNDI:002001"
	switch m.kind {
	case uefi:
		arch, class = iana.EFI_X86_64, "PXEClient:Arch:00007:UNDI:003016"
	case uefiWeb:
		arch, class = iana.EFI_X86_64_HTTP, "HTTPClient:Arch:00016:UNDI:003001"
	}
	u := uuid.MustParse(UUID(m.Client))
	guid := []byte{0, u[3], u[2], u[1], u[0], u[5], u[4], u[7], u[6], u[8], u[9], u[10], u[11], u[12], u[13], u[14], u[15]} // RFC 4578 section 2.3
	q, err := dhcpv4.New(dhcpv4.WithHwAddr(m.MAC[:]), dhcpv4.WithMessageType(kind), dhcpv4.WithGatewayIP(m.relay.at.AsSlice()), dhcpv4.WithOption(dhcpv4.OptMaxMessageSize(1472)),
		dhcpv4.WithRequestedOptions(dhcpv4.OptionSubnetMask, dhcpv4.OptionRouter, dhcpv4.OptionTFTPServerName, dhcpv4.OptionBootfileName),
		dhcpv4.WithOption(dhcpv4.OptClassIdentifier(class)), dhcpv4.WithOption(dhcpv4.OptClientArch(arch)),
		dhcpv4.WithOption(dhcpv4.OptGeneric(dhcpv4.OptionClientMachineIdentifier, guid)))
	if err != nil {
		return nil, err
	}
	q.HopCount = 1
	if loader {
		q.UpdateOption(dhcpv4.OptGeneric(dhcpv4.OptionUserClassInformation, []byte("iPXE")))
	}
	return q, nil
}
