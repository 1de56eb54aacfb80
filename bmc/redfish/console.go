package redfish

import (
	"context"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"rackwright/bmc"
)

// shell is SerialConsole and CommandShell of the Manager schema.
type shell struct {
	ServiceEnabled        bool
	MaxConcurrentSessions int
	ConnectTypesSupported []string
}

// hostConsole is SerialConsole of the ComputerSystem schema (v1.13).
type hostConsole struct {
	MaxConcurrentSessions int
	SSH, IPMI, Telnet     *way
	WebSocket             *struct {
		ServiceEnabled bool
		ConsoleURI     string
	}
}

// way is one protocol of it.
type way struct {
	ServiceEnabled      bool
	Port                int
	ConsoleEntryCommand string
}

// Console says how the serial console is reached: what the system says, else what the
// manager does.
func (c *Controller) Console(ctx context.Context) (bmc.Console, error) {
	ctx = withBudget(ctx, maxCustodyReads)
	sys, err := c.read(ctx)
	if err != nil {
		return bmc.Console{}, c.explain("read the serial console", err)
	}
	if h := sys.SerialConsole; h != nil && (h.SSH != nil || h.IPMI != nil || h.Telnet != nil || h.WebSocket != nil) {
		return c.fromHost(*h), nil
	}
	m, err := c.itself(ctx)
	if err != nil {
		return bmc.Console{}, c.explain("read the serial console", err)
	}
	for _, s := range []*shell{m.SerialConsole, m.CommandShell} {
		if s != nil && len(s.ConnectTypesSupported) > 0 {
			return c.fromShell(*s), nil
		}
	}
	return bmc.Console{}, c.lacks("serial console that it tells of")
}

// fromHost lists the ways, and takes for the command the first that is on: SSH before IPMI.
func (c *Controller) fromHost(h hostConsole) bmc.Console {
	out := bmc.Console{Kinds: []string{}, Most: max(h.MaxConcurrentSessions, 0)}
	for _, w := range []struct {
		kind string
		way  *way
	}{{"ssh", h.SSH}, {"ipmi", h.IPMI}, {"telnet", h.Telnet}} {
		if w.way == nil {
			continue
		}
		out.Kinds = append(out.Kinds, w.kind)
		if w.way.ServiceEnabled {
			out.On = true
			if out.Command == "" {
				out.Command = c.command(w.kind, w.way.Port, tidy(w.way.ConsoleEntryCommand))
			}
		}
	}
	if h.WebSocket != nil {
		out.Kinds = append(out.Kinds, "websocket")
		out.On = out.On || h.WebSocket.ServiceEnabled
	}
	return out
}

// fromShell reads the older form, which tells no port.
func (c *Controller) fromShell(s shell) bmc.Console {
	out := bmc.Console{Kinds: []string{}, On: s.ServiceEnabled, Most: max(s.MaxConcurrentSessions, 0)}
	for _, kind := range []string{"ssh", "ipmi", "telnet"} {
		if slices.ContainsFunc(s.ConnectTypesSupported, func(t string) bool { return strings.EqualFold(t, kind) }) {
			out.Kinds = append(out.Kinds, kind)
		}
	}
	if out.On && len(out.Kinds) > 0 {
		out.Command = c.command(out.Kinds[0], 0, "")
	}
	return out
}

// command is what to run. The user is ours; the password is not in it.
func (c *Controller) command(kind string, port int, entry string) string {
	host := ""
	if u, err := url.Parse(c.access.Address); err == nil {
		host = u.Hostname()
	}
	switch kind {
	case "ipmi":
		out := "ipmitool -I lanplus -H " + quoted(host) + " -U " + quoted(c.access.Username)
		if port > 0 && port != 623 {
			out += " -p " + strconv.Itoa(port)
		}
		return out + " -a sol activate"
	case "telnet":
		if port > 0 && port != 23 {
			return "telnet " + quoted(host) + " " + strconv.Itoa(port)
		}
		return "telnet " + quoted(host)
	}
	out := "ssh "
	if port > 0 && port != 22 {
		out += "-p " + strconv.Itoa(port) + " "
	}
	out += quoted(c.access.Username) + "@" + quoted(host)
	if entry == "" && (port == 0 || port == 22) { // a port of its own leads straight to the console
		entry = c.traits.entry
	}
	if entry != "" {
		out += " " + quoted(entry)
	}
	return out
}

// quoted makes a BMC's word safe to paste into a shell.
func quoted(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:-") == "" && s[0] != '-' || net.ParseIP(s) != nil {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
