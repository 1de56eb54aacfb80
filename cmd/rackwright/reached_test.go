package main

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
)

func TestAMachineIsToldAnAddressOfTheFamilyItAsksBy(t *testing.T) {
	for _, c := range []struct{ local, public, want string }{
		{"10.0.0.1:80", "", "10.0.0.1"},
		{"10.0.0.1:80", "192.0.2.7", "192.0.2.7"},
		{"[fd00::1]:80", "192.0.2.7", "fd00::1"},
		{"[fd00::1]:80", "2001:db8::7", "2001:db8::7"},
		{"10.0.0.1:80", "2001:db8::7", "10.0.0.1"},
		{"[fe80::1%eth0]:80", "", "fe80::1"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		local := net.Addr(net.TCPAddrFromAddrPort(netip.MustParseAddrPort(c.local)))
		r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, local))
		public, _ := netip.ParseAddr(c.public)
		if got := reachedAt(r, public); got.String() != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}
