package listen

import (
	"context"
	"time"

	"rackwright/boot"
	"rackwright/dhcp"
	"rackwright/fault"
	"rackwright/inventory"
)

// proxy serves port 4011 (PXE 2.1 section 2.2.3) once a network wants it. Where the port
// cannot be had it says so and leaves DHCP alone: most firmware takes the file of the offer.
func (s *Server) proxy(ctx context.Context, links *links) error {
	for !proxied(s.View()) {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(recheck):
		}
	}
	conn, err := openPort(ctx, dhcp.ProxyPort)
	if err != nil {
		s.Log.Warn("dhcp: firmware that asks a proxy for its boot file is not answered", "error", err, "hint", fault.HintOf(err))
		return nil
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	return s.receive(ctx, conn, dhcp.ProxyPort, links)
}

func proxied(v *boot.View) bool {
	for _, n := range v.Networks() {
		if n.DHCP == inventory.DHCPProxy {
			return true
		}
	}
	return false
}
