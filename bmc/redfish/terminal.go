package redfish

import (
	"context"
	"net"
	"net/url"
	"strconv"

	"rackwright/bmc"
	"rackwright/bmc/console/ssh"
)

// sshPort is SSH's own (RFC 4253 section 4.1).
const sshPort = 22

// WatchConsole reads the console over SSH, as SerialConsole of the ComputerSystem schema
// (v1.13) says; where only the manager tells of one, by what its vendor is known for.
func (c *Controller) WatchConsole(ctx context.Context, v bmc.ConsoleView) error {
	port, entry, err := c.consoleWay(ctx)
	if err != nil {
		return err
	}
	u, err := url.Parse(c.access.Address)
	if err != nil {
		return c.lacks("address that can be read")
	}
	return ssh.Watch(ctx, ssh.Target{Address: net.JoinHostPort(u.Hostname(), strconv.Itoa(port)), Username: c.access.Username, Password: c.access.Password, Entry: entry}, v)
}

// consoleWay is the port and what leads from it to the console.
func (c *Controller) consoleWay(ctx context.Context) (port int, entry string, err error) {
	sys, err := c.read(withBudget(ctx, maxCustodyReads))
	if err != nil {
		return 0, "", c.explain("read the serial console", err)
	}
	h := sys.SerialConsole
	switch {
	case h != nil && h.SSH != nil && h.SSH.ServiceEnabled:
		port, entry = h.SSH.Port, tidy(h.SSH.ConsoleEntryCommand)
	case h == nil && c.traits.entry != "":
	default:
		return 0, "", c.lacks("serial console over SSH that is on")
	}
	if port < 1 || port > 65535 {
		port = sshPort
	}
	if entry == "" && port == sshPort { // a port of its own leads straight to the console
		entry = c.traits.entry
	}
	return port, entry, nil
}

// Progress is how far the system's start is (BootProgress, ComputerSystem v1.13), "" where
// the BMC does not tell.
func (c *Controller) Progress(ctx context.Context) (string, error) {
	sys, err := c.read(ctx)
	if err != nil {
		return "", c.explain("read how far the start is", err)
	}
	return tidy(sys.BootProgress.LastState), nil
}
