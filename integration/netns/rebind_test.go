package netns

import (
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"rackwright/boot"
	"rackwright/inventory"
	"rackwright/journal"
)

// A client whose server cannot be reached any more asks everybody, and any server of the plan
// gives it its lease again (RFC 2131 section 4.4.5).
func TestAClientThatLosesItsServerRebinds(t *testing.T) {
	v := inventoryView()
	var short []*inventory.Network
	for _, n := range v.Networks() {
		lasting := *n
		lasting.LeaseSeconds = 20
		short = append(short, &lasting)
	}
	s := newSiteOf(t, v.With(&boot.Delta{Revision: 2, Networks: short}))
	m, conf := plug(t, "br0", knownMAC), filepath.Join(t.TempDir(), "conf")
	must(t, os.WriteFile(conf, []byte("duid\nipv4only\nnoipv4ll\nnoarp\nscript /bin/true\n"), 0o644))
	m.start("unshare", append(privately(), need(t, "dhcpcd", "dhcpcd-base"), "-4", "-B", "-f", conf, "eth0")...)
	s.await("the lease", state("SELECTING", knownMAC))
	m.within(func() { // what is for the server alone goes to nobody from here on
		l, err := netlink.LinkByName("eth0")
		must(t, err)
		must(t, netlink.NeighSet(&netlink.Neigh{LinkIndex: l.Attrs().Index, IP: net.IPv4(10, 77, 0, 1), State: netlink.NUD_PERMANENT, HardwareAddr: hardware(t, "52:54:00:00:00:0f")}))
	})
	e, ok := s.within(30*time.Second, func(e journal.Event) bool { return state("RENEWING", knownMAC)(e) || state("REBINDING", knownMAC)(e) })
	if !ok || e.Detail["state"] != "REBINDING" || e.Detail["reply"] != "ACK" || e.Detail["address"] != "10.77.0.11" {
		t.Errorf("heard %v: %+v", ok, e)
	}
}
