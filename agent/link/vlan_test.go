package link

import (
	"errors"
	"net"
	"runtime"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"rackwright/agent/wire"
	"rackwright/fault"
)

// TestATaggedNetworkHasAPortOfItsOwnThatIsMadeOnce works in a network namespace of its own,
// on a thread that ends with it.
func TestATaggedNetworkHasAPortOfItsOwnThatIsMadeOnce(t *testing.T) {
	lacks := make(chan string, 1)
	go func() {
		defer close(lacks)
		runtime.LockOSThread() // never unlocked: the thread goes with the goroutine
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			lacks <- "no network namespace: run as root"
			return
		}
		if err := netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "eth0"}, PeerName: "switch"}); err != nil {
			lacks <- "no veth: load the module veth"
			return
		}
		port, err := net.InterfaceByName("eth0")
		if err != nil {
			t.Error(err)
			return
		}
		for range 2 {
			name, err := tagged(*port, 123)
			if errors.Is(err, unix.EOPNOTSUPP) {
				lacks <- "no VLANs: load the module 8021q"
				return
			}
			if err != nil {
				t.Error(err)
				return
			}
			made, err := netlink.LinkByName(name)
			v, ok := made.(*netlink.Vlan)
			if err != nil || !ok || v.VlanId != 123 || v.Attrs().ParentIndex != port.Index || v.Attrs().Flags&net.FlagUp == 0 {
				t.Errorf("%s is %+v, %v", name, made, err)
			}
		}
	}()
	if why := <-lacks; why != "" {
		t.Skip(why)
	}
}

func TestWhyThereIsNoNetworkIsTold(t *testing.T) {
	if got := TroubleOf(diagnose(map[string]bool{"eth0": true}, errors.New("silence"))); got == 0 {
		t.Error("no trouble")
	}
	err := error(&without{wire.NoLink, fault.Unreachablef("no link").WithHint("look")})
	if TroubleOf(err) != wire.NoLink || !fault.Is(err, fault.Unreachable) || fault.HintOf(err) != "look" {
		t.Errorf("%v: %v, hint %q", err, TroubleOf(err), fault.HintOf(err))
	}
}
