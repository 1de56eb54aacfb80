package listen

import (
	"context"
	"log/slog"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/vishvananda/netlink"

	"rackwright/fault"
)

// addresses is one reading of the machine's interfaces, immutable.
type addresses struct {
	names map[int]string
	addrs map[int][]netip.Addr // IPv4 by interface index, in the kernel's order
	own   []netip.Addr

	six  map[int][]netip.Addr // IPv6 by interface index
	own6 []netip.Addr
}

// links follows the interfaces through netlink.
type links struct {
	current atomic.Pointer[addresses]
	addr    chan netlink.AddrUpdate
	link    chan netlink.LinkUpdate
}

// settle is how long changes are gathered before the interfaces are read again.
const settle = 50 * time.Millisecond

// watchLinks subscribes first and reads then, so that no change falls between.
func watchLinks(ctx context.Context) (*links, error) {
	l := &links{addr: make(chan netlink.AddrUpdate, 64), link: make(chan netlink.LinkUpdate, 64)}
	if err := netlink.AddrSubscribe(l.addr, ctx.Done()); err != nil {
		return nil, fault.Internalf("DHCP: watch interface addresses: %w", err)
	}
	if err := netlink.LinkSubscribe(l.link, ctx.Done()); err != nil {
		return nil, fault.Internalf("DHCP: watch interfaces: %w", err)
	}
	if err := l.read(); err != nil {
		return nil, fault.Internalf("DHCP: read interface addresses: %w", err)
	}
	return l, nil
}

func (l *links) now() *addresses { return l.current.Load() }

// follow reads the interfaces again after every burst of changes. The channels close
// when ctx ends.
func (l *links) follow(ctx context.Context, log *slog.Logger) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case _, ok := <-l.addr:
			if !ok {
				return lost(ctx)
			}
			timer.Reset(settle)
		case _, ok := <-l.link:
			if !ok {
				return lost(ctx)
			}
			timer.Reset(settle)
		case <-timer.C:
			if err := l.read(); err != nil {
				log.Warn("dhcp: read interface addresses", "error", err)
			}
			timer.Reset(time.Hour)
		}
	}
}

func lost(ctx context.Context) error {
	if ctx.Err() != nil {
		return nil
	}
	return fault.Internalf("DHCP: the kernel stopped telling of interface changes")
}

func (l *links) read() error {
	all, err := netlink.LinkList()
	if err != nil {
		return err
	}
	next := &addresses{names: map[int]string{}, addrs: map[int][]netip.Addr{}, six: map[int][]netip.Addr{}}
	for _, link := range all {
		next.names[link.Attrs().Index] = link.Attrs().Name
	}
	list, err := netlink.AddrList(nil, netlink.FAMILY_V4)
	if err != nil {
		return err
	}
	for _, a := range list {
		ip, ok := netip.AddrFromSlice(a.IP)
		if !ok {
			continue
		}
		next.addrs[a.LinkIndex] = append(next.addrs[a.LinkIndex], ip.Unmap())
		next.own = append(next.own, ip.Unmap())
	}
	if list, err = netlink.AddrList(nil, netlink.FAMILY_V6); err != nil {
		list = nil // a kernel without IPv6
	}
	for _, a := range list {
		ip, ok := netip.AddrFromSlice(a.IP)
		if !ok || ip.Is4In6() || ip.IsLoopback() {
			continue
		}
		next.six[a.LinkIndex] = append(next.six[a.LinkIndex], ip)
		next.own6 = append(next.own6, ip)
	}
	l.current.Store(next)
	return nil
}
