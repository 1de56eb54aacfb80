package link

import (
	"context"
	"encoding/binary"
	"log/slog"
	"net"
	"time"

	"github.com/mdlayher/packet"

	"rackwright/racksim"
)

// lldpEvery is how often a port speaks; a switch does every 30 s (IEEE 802.1AB-2016
// section 9.2.5.7), too slow for a rehearsal.
const lldpEvery = 5 * time.Second

// nearestBridge is where LLDP goes (IEEE 802.1AB-2016 section 7.1). Linux bridges do not
// pass it on, so each tap is spoken to by itself.
func nearestBridge() net.HardwareAddr { return net.HardwareAddr{0x01, 0x80, 0xc2, 0, 0, 0x0e} }

const lldpType = 0x88cc

// Announce speaks as the switch port that a NIC is cabled to, on the NIC's tap, until ctx
// ends. A tap that is down, or not there yet, is tried again.
func Announce(ctx context.Context, tap string, nic racksim.NIC, log *slog.Logger) error {
	frame := lldpFrame(nic.Switch, nic.Port)
	tick := time.NewTicker(lldpEvery)
	defer tick.Stop()
	for {
		if err := sendFrame(tap, frame); err != nil {
			log.Debug("LLDP not sent", "tap", tap, "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func sendFrame(tap string, frame []byte) error {
	ifi, err := net.InterfaceByName(tap)
	if err != nil {
		return err
	}
	c, err := packet.Listen(ifi, packet.Raw, lldpType, nil)
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.WriteTo(frame, &packet.Addr{HardwareAddr: nearestBridge()})
	return err
}

// lldpFrame is an Ethernet frame with the mandatory TLVs and the system's name.
func lldpFrame(system, port string) []byte {
	source := net.HardwareAddr{0x52, 0x54, 0, 0x4c, 0x4c, 0x44}
	frame := append(nearestBridge(), source...)
	frame = binary.BigEndian.AppendUint16(frame, lldpType)
	frame = append(frame, tlv(1, append([]byte{4}, source...))...)            // chassis id: MAC
	frame = append(frame, tlv(2, append([]byte{5}, port...))...)              // port id: interface name
	frame = append(frame, tlv(3, binary.BigEndian.AppendUint16(nil, 120))...) // time to live, seconds
	frame = append(frame, tlv(5, []byte(system))...)
	return append(frame, 0, 0)
}

// tlv packs a type of 7 bits and a length of 9 (IEEE 802.1AB-2016 section 8.4).
func tlv(kind byte, value []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(kind)<<9|uint16(len(value))), value...)
}
