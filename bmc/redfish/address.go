package redfish

import (
	"net/netip"
	"net/url"
	"strings"

	"rackwright/fault"
)

const systemsPath = "/redfish/v1/Systems/"

// address is a checked bmc.Access.Address.
type address struct {
	base   *url.URL // scheme and host alone
	system string   // URI of the ComputerSystem to drive; empty: choose
}

// parseAddress reads https://host[:port][/redfish/v1/Systems/ID]. A user name in the
// URL is refused, because addresses are logged.
func parseAddress(s string) (address, error) {
	invalid := func(reason string) (address, error) {
		return address{}, fault.Invalidf("BMC address %s", reason).
			WithHint("write bmc.address as https://host[:port]")
	}
	u, err := url.Parse(strings.TrimSpace(s))
	switch {
	case err != nil:
		return invalid("is not a URL") // err would quote it, with a password that may be in it
	case u.User != nil:
		return invalid("contains a user name; it belongs into bmc.username")
	case u.Hostname() == "" || u.Opaque != "":
		return invalid("has no host")
	case u.RawQuery != "" || u.Fragment != "":
		return invalid("has a query or a fragment")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return invalid("is plain http, which shows the password to the network; only https is spoken")
	case u.Scheme != "https" && u.Scheme != "http":
		return invalid("does not begin with https://")
	}
	system, ok := systemPath(u.EscapedPath())
	if !ok {
		return invalid("has a path that is not that of a ComputerSystem")
	}
	return address{base: &url.URL{Scheme: u.Scheme, Host: u.Host}, system: system}, nil
}

// systemPath accepts no path, the service root, or one ComputerSystem.
func systemPath(path string) (string, bool) {
	path = strings.TrimRight(path, "/")
	if path == "" || path == "/redfish" || path == "/redfish/v1" {
		return "", true
	}
	id, ok := strings.CutPrefix(path, systemsPath)
	return path, ok && id != "" && !strings.Contains(id, "/") && id != "." && id != ".."
}

func loopback(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.IsLoopback()
	}
	return host == "localhost"
}
