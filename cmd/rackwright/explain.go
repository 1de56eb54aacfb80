package main

import (
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func dhcpCommand(w *world) *cobra.Command {
	return group("dhcp", "What machines are answered by DHCP", nil, dhcpExplain(w), dhcpTrace(w))
}

func bootCommand(w *world) *cobra.Command {
	return group("boot", "What machines are given to load", nil, bootExplain(w))
}

// asks collects flags that are parameters of a route of the same name, and whether the client
// asks by IPv6.
func asks(c *cobra.Command, defs ...[2]string) func() url.Values {
	for _, d := range defs {
		c.Flags().String(d[0], "", d[1])
	}
	six := c.Flags().Bool("ipv6", false, "the client asks by IPv6")
	return func() url.Values {
		q := url.Values{}
		if *six {
			q.Set("ipv6", "true")
		}
		for _, d := range defs {
			c.Flags().Visit(func(f *pflag.Flag) {
				if f.Name == d[0] {
					q.Set(f.Name, f.Value.String())
				}
			})
		}
		return q
	}
}

func dhcpExplain(w *world) *cobra.Command {
	c := &cobra.Command{Use: "explain --mac MAC", Short: "Say what a DHCP message would be answered, and why", Args: names(0, 0),
		Long: "Ask the server what it would answer to a DHCP message. The functions that answer real packets decide; nothing is lent.\n" +
			"Without --network and --relay the message is taken as if it came in by any interface of the server. With --ipv6 it is one\n" +
			"of DHCPv6: its DUID is the one that is given, else made of the UUID, else of the MAC.",
		Example: "  rackwright dhcp explain --mac 52:54:00:12:34:56 --arch uefi-x64\n  rackwright dhcp explain --mac 52:54:00:12:34:56 --client ipxe --relay 10.20.0.1\n" +
			"  rackwright dhcp explain --ipv6 --mac 52:54:00:12:34:56 --client http --arch uefi-x64-http"}
	params := asks(c, [2]string{"mac", "`MAC` of the client"}, [2]string{"client", "`who` asks: pxe, http, ipxe or os; without it pxe"},
		[2]string{"arch", "`architecture`: code of option 93, or bios, uefi-x64, uefi-arm64, uefi-x64-http, uefi-arm64-http"}, [2]string{"uuid", "system `UUID`"},
		[2]string{"message", "`message`: discover, request (of a client that restarts), renew, rebind, inform, bootp, proxy (on port 4011), or leasequery (of the relay); without it discover. By IPv6 solicit, request, renew, rebind, confirm, inform, release or decline"}, [2]string{"wanted", "`address` that a request asks for, that a leasequery is about, or that the client has"},
		[2]string{"network", "`network` it is plugged into"}, [2]string{"relay", "`address` of the DHCP relay (giaddr)"}, [2]string{"link", "link selection `address` of option 82"},
		[2]string{"circuit", "circuit `id` of option 82, as text or 0x and hexadecimal"}, [2]string{"remote", "remote `id` of option 82, likewise"}, [2]string{"vendor", "vendor `class` (option 60) of what does not netboot"},
		[2]string{"duid", "`DUID` of a client by IPv6, hexadecimal"}, [2]string{"iaid", "`number` of the identity association, by IPv6"})
	full := c.Flags().Bool("reply", false, "show the whole reply")
	c.RunE = func(c *cobra.Command, _ []string) error {
		q := params()
		six := q.Has("ipv6")
		if q.Get("mac") == "" && !(six && (q.Has("duid") || q.Has("uuid"))) {
			return usage(c, "whose? give --mac; by IPv6 --duid or --uuid will do")
		}
		cl, err := w.connect()
		if err != nil {
			return err
		}
		e, err := cl.ExplainDHCP(c.Context(), q)
		if err != nil {
			return err
		}
		return w.show(e, func(out io.Writer) {
			answered, address, lease := "no", e.Address, ""
			if e.Answered {
				answered = e.Reply
			}
			if e.Lent {
				address += " (lent from the pool)"
			}
			if e.Lease > 0 {
				lease = strconv.FormatInt(e.Lease, 10) + " s"
			}
			pairs(out, "Answered", answered, "Rule", e.Rule, "Why", e.Why, "Machine", e.Machine, "Network", e.Network, "Client", e.Client, "Architecture", e.Arch,
				"Address", address, "Lease", lease, "Loads", e.File, "Reply goes to", e.To)
			if *full && e.ReplyText != "" {
				fmt.Fprintln(out)
				printLines(out, e.ReplyText)
			}
		})
	}
	return c
}

func bootExplain(w *world) *cobra.Command {
	c := &cobra.Command{Use: "explain --mac MAC", Short: "Say which script a loader would be given, and why", Args: names(0, 0),
		Long: "Ask the server which script it would give to the loader of a machine. The handler that answers real loaders decides; no\n" +
			"nonce is given out and no inspection begins. NONCE stands in the script where a one-time key would. Which loader the machine's\n" +
			"firmware is told of before, and why, is said too.",
		Example: "  rackwright boot explain --mac 52:54:00:12:34:56\n  rackwright boot explain --mac 52:54:00:12:34:56 --arch bios --from 10.0.0.11"}
	params := asks(c, [2]string{"mac", "`MAC` of the client"}, [2]string{"arch", "`architecture`: code of option 93, or bios, uefi-x64, uefi-arm64"},
		[2]string{"uuid", "system `UUID`"}, [2]string{"from", "`address` that it asks from; without it the machine's own"})
	c.RunE = func(c *cobra.Command, _ []string) error {
		q := params()
		if q.Get("mac") == "" {
			return usage(c, "whose? give --mac")
		}
		cl, err := w.connect()
		if err != nil {
			return err
		}
		e, err := cl.ExplainBoot(c.Context(), q)
		if err != nil {
			return err
		}
		return w.show(e, func(out io.Writer) {
			pairs(out, "Rule", e.Rule, "Why", e.Why, "Machine", e.Machine, "Operation", e.Operation, "Loader", e.Loader, "Why that one", e.LoaderWhy, "HTTP status", strconv.Itoa(e.Status))
			fmt.Fprintln(out)
			printLines(out, e.Script)
		})
	}
	return c
}

// printLines prints foreign text line by line, without what draws on the terminal.
func printLines(out io.Writer, text string) {
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		fmt.Fprintln(out, strings.TrimRight("  "+oneLine(line), " "))
	}
}
