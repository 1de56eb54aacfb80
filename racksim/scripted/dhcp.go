package scripted

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/iana"

	"rackwright/racksim"
)

// client is what kind of program asks for an address.
type client uint8

const (
	pxe  client = iota // firmware that loads by TFTP
	http               // firmware that loads by HTTP
	ipxe               // the loader
	host               // an operating system: wants an address and no boot file
)

// offered is what a DHCP server gave.
type offered struct {
	address netip.Addr
	server  netip.Addr // of the boot file
	file    string     // boot file name or URL
}

// Tries of a DHCP dialogue: firmware doubles its wait from one second.
const (
	dhcpTries  = 4
	dhcpRounds = 3
	firstWait  = time.Second
)

// errNoAnswer says what a person at the console would read.
var errNoAnswer = fmt.Errorf("no DHCP server answers")

// lease gets an address as a client of the kind does: DISCOVER, OFFER, REQUEST, ACK.
func (m *Machine) lease(ctx context.Context, n racksim.NIC, as client) (offered, error) {
	if m.Relay == nil || m.Machine.Fault == racksim.FaultNoDHCP {
		for try := range dhcpTries {
			pause(ctx, firstWait<<try)
		}
		return offered{}, errNoAnswer
	}
	for range dhcpRounds {
		offer, err := m.exchange(ctx, m.message(n, as, dhcpv4.MessageTypeDiscover), dhcpv4.MessageTypeOffer)
		if err != nil {
			return offered{}, err
		}
		request := m.message(n, as, dhcpv4.MessageTypeRequest)
		request.TransactionID = offer.TransactionID
		request.UpdateOption(dhcpv4.OptRequestedIPAddress(offer.YourIPAddr))
		request.UpdateOption(dhcpv4.OptServerIdentifier(offer.ServerIdentifier()))
		ack, err := m.exchange(ctx, request, dhcpv4.MessageTypeAck)
		if err != nil {
			return offered{}, err
		}
		if ack.MessageType() == dhcpv4.MessageTypeAck {
			got, err := given(ack)
			if err == nil {
				err = m.Relay.taken.take(got.address)
			}
			return got, err
		}
		m.say("DHCP: the server refused %s", offer.YourIPAddr)
	}
	return offered{}, fmt.Errorf("the DHCP server refused its own offer %d times", dhcpRounds)
}

// exchange asks until an answer of the wanted type, or a NAK, has come.
func (m *Machine) exchange(ctx context.Context, question *dhcpv4.DHCPv4, want dhcpv4.MessageType) (*dhcpv4.DHCPv4, error) {
	answers, send, done := m.Relay.ask(question)
	defer done()
	for try := range dhcpTries {
		if err := send(); err != nil && ctx.Err() == nil {
			m.say("DHCP: %v", err)
		}
		t := time.NewTimer(firstWait << try)
		for waiting := true; waiting; {
			select {
			case a := <-answers:
				if kind := a.MessageType(); kind == want || kind == dhcpv4.MessageTypeNak {
					t.Stop()
					return a, nil
				}
			case <-t.C:
				waiting = false
			case <-ctx.Done():
				t.Stop()
				return nil, ctx.Err()
			}
		}
	}
	return nil, errNoAnswer
}

func given(ack *dhcpv4.DHCPv4) (o offered, err error) {
	o.address, _ = netip.AddrFromSlice(ack.YourIPAddr.To4())
	o.server, _ = netip.AddrFromSlice(ack.ServerIPAddr.To4())
	if o.file = ack.BootFileNameOption(); o.file == "" {
		o.file = ack.BootFileName
	}
	o.file = strings.TrimRight(o.file, "\x00")
	if !o.address.IsValid() || o.address.IsUnspecified() {
		return o, fmt.Errorf("the DHCP server gave no address")
	}
	return o, nil
}

// message is a question as a client of the kind sends it (PXE 2.1 section 2.2.2, RFC 4578).
func (m *Machine) message(n racksim.NIC, as client, kind dhcpv4.MessageType) *dhcpv4.DHCPv4 {
	mac, _ := net.ParseMAC(n.MAC) // checked in the rack file
	arch, class := iana.INTEL_X86PC, "PXEClient:Arch:00000:UNDI:002001"
	switch {
	case as == http:
		arch, class = iana.EFI_X86_64_HTTP, "HTTPClient:Arch:00016:UNDI:003001"
	case m.Machine.Firmware == racksim.UEFI:
		arch, class = iana.EFI_X86_64, "PXEClient:Arch:00007:UNDI:003016"
	}
	with := []dhcpv4.Modifier{dhcpv4.WithHwAddr(mac), dhcpv4.WithMessageType(kind), dhcpv4.WithOption(dhcpv4.OptMaxMessageSize(1472)),
		dhcpv4.WithRequestedOptions(dhcpv4.OptionSubnetMask, dhcpv4.OptionRouter, dhcpv4.OptionTFTPServerName, dhcpv4.OptionBootfileName)}
	if as != host {
		with = append(with, dhcpv4.WithOption(dhcpv4.OptClassIdentifier(class)), dhcpv4.WithOption(dhcpv4.OptClientArch(arch)),
			dhcpv4.WithOption(dhcpv4.OptGeneric(dhcpv4.OptionClientMachineIdentifier, guid(m.Machine.UUID))))
	}
	if as == ipxe {
		with = append(with, dhcpv4.WithOption(dhcpv4.OptGeneric(dhcpv4.OptionUserClassInformation, []byte("iPXE"))))
	}
	q, err := dhcpv4.New(with...)
	if err != nil {
		panic("scripted: no random transaction id: " + err.Error())
	}
	return q
}

// guid is option 97: type 0 and the UUID with its first three fields little-endian, as
// SMBIOS has them (RFC 4578 section 2.3).
func guid(text string) []byte {
	u, err := uuid.Parse(text)
	if err != nil {
		return nil
	}
	return []byte{0, u[3], u[2], u[1], u[0], u[5], u[4], u[7], u[6], u[8], u[9], u[10], u[11], u[12], u[13], u[14], u[15]}
}
