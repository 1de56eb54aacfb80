package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"rackwright/api/client"
	"rackwright/images"
	"rackwright/inventory"
)

func siteCommand(w *world) *cobra.Command {
	list := &cobra.Command{Use: "list", Aliases: []string{"ls"}, Short: "List sites and how far their machines are", Args: names(0, 0), Example: "  rackwright site list",
		RunE: func(c *cobra.Command, _ []string) error {
			return ask(w, c, func(cl *client.Client) ([]inventory.SiteTally, error) { return cl.Sites(c.Context()) }, func(out io.Writer, list []inventory.SiteTally) {
				var rows [][]string
				for _, s := range list {
					rows = append(rows, []string{s.Name, fmt.Sprint(s.Racks), fmt.Sprint(s.Machines), phasesText(s.Phases)})
				}
				table(out, []string{"NAME", "RACKS", "MACHINES", "PHASES"}, rows)
			})
		}}
	w.pages(list, mostListed)
	w.watchable(list, byEvents, nil)
	show := tells(w, "show SITE", "Show a site: its rooms, and how many machines are in which phase", "rackwright site show lab",
		func(cl *client.Client, c *cobra.Command, name string) (inventory.SiteTally, error) {
			return cl.Site(c.Context(), name)
		}, printSite)
	return group("site", "Look at sites", []string{"sites"}, list, w.watchable(show, byEvents, nil))
}

func printSite(out io.Writer, s inventory.SiteTally) {
	facts := []string{"Name", s.Name, "Id", s.ID, "Racks", fmt.Sprint(s.Racks)}
	for _, r := range s.Rooms {
		facts = append(facts, "Room "+cmp.Or(r.Name, "(none)"), fmt.Sprintf("%d racks", r.Racks))
	}
	pairs(out, append(facts, "Machines", fmt.Sprint(s.Machines), "Phases", phasesText(s.Phases))...)
}

// phasesText counts machines in the order of their life.
func phasesText(phases map[inventory.Phase]int) string {
	var out []string
	for _, p := range []inventory.Phase{inventory.Planned, inventory.Racked, inventory.Discovered, inventory.Verified, inventory.Ready, inventory.Active, inventory.Maintenance} {
		if phases[p] > 0 {
			out = append(out, fmt.Sprintf("%d %s", phases[p], p))
		}
	}
	return strings.Join(out, ", ")
}

func networkShow(w *world) *cobra.Command {
	return tells(w, "show NETWORK", "Show a network", "rackwright network show provision", func(cl *client.Client, c *cobra.Command, name string) (inventory.Network, error) {
		return cl.Network(c.Context(), name)
	}, func(out io.Writer, n inventory.Network) {
		pairs(out, "Name", n.Name, "Id", n.ID, "CIDR", validText(n.Prefix), "Gateway", validText(n.Gateway), "CIDR 6", validText(n.Prefix6), "Gateway 6", validText(n.Gateway6),
			"DNS", listText(n.DNS), "NTP", listText(n.NTP), "Domain", n.Domain, "MTU", positive(n.MTU), "VLAN", positive(n.VLAN), "Routing domain", n.RoutingDomain,
			"Purpose", n.Purpose, "DHCP", string(n.DHCP), "DHCPv6", string(n.DHCP6), "Strangers", string(n.Strangers), "Pool", poolText(n.Pool), "Lease", positive(n.LeaseSeconds)+" s")
	})
}

func poolText(p inventory.Pool) string {
	if p.IsZero() {
		return ""
	}
	return p.First.String() + " to " + p.Last.String()
}

// validText is empty for an address or prefix that is not given.
func validText(v interface {
	IsValid() bool
	String() string
}) string {
	if !v.IsValid() {
		return ""
	}
	return v.String()
}

func listText[T fmt.Stringer](list []T) string {
	var out []string
	for _, v := range list {
		out = append(out, v.String())
	}
	return strings.Join(out, ", ")
}

// positive is empty for 0.
func positive(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

func modelShow(w *world) *cobra.Command {
	return tells(w, "show MODEL", "Show a model: what each thing of it has to have", "rackwright model show dell-r660", func(cl *client.Client, c *cobra.Command, name string) (inventory.Model, error) {
		return cl.Model(c.Context(), name)
	}, func(out io.Writer, m inventory.Model) {
		facts := []string{"Name", m.Name, "Id", m.ID, "Kind", string(m.Kind), "Hardware", strings.TrimSpace(m.Vendor + " " + m.Product), "Units", fmt.Sprint(max(m.Height, 1)),
			"Depth", amount(float64(m.DepthMM), "mm"), "Weight", amount(m.WeightKG, "kg"), "Power", amount(m.Watts, "W"), "Airflow", m.Airflow, "Bays", strings.Join(m.Bays, ", "),
			"Ports", positive(len(m.Ports)), "Power supplies", positive(len(m.PSUs)), "CPUs", positive(len(m.Parts.CPUs)), "DIMMs", positive(len(m.Parts.DIMMs)),
			"Disks", positive(len(m.Parts.Disks)), "NICs", positive(m.Parts.NICs), "Netboots by", string(m.Netboot)}
		for _, f := range m.Firmware {
			facts = append(facts, "Firmware", strings.TrimSpace(f.Component+" "+f.Version))
		}
		pairs(out, append(facts, "BIOS", labelText(m.BIOS))...)
	})
}

func projectShow(w *world) *cobra.Command {
	return tells(w, "show PROJECT", "Show a project", "rackwright project show web", func(cl *client.Client, c *cobra.Command, name string) (inventory.Project, error) {
		return cl.Project(c.Context(), name)
	}, func(out io.Writer, p inventory.Project) {
		pairs(out, "Name", p.Name, "Id", p.ID, "Labels", labelText(p.Labels))
	})
}

func deviceShow(w *world) *cobra.Command {
	return tells(w, "show DEVICE", "Show a switch, PDU, chassis or panel with its cables", "rackwright device show r1-leaf-1", func(cl *client.Client, c *cobra.Command, name string) (inventory.Device, error) {
		return cl.Device(c.Context(), name)
	}, printDevice)
}

func printDevice(out io.Writer, d inventory.Device) {
	pairs(out, "Name", d.Name, "Id", d.ID, "Kind", string(d.Kind), "Slot", slotText(d.Slot), "Model", d.Model, "Serial", d.Serial, "Asset tag", d.AssetTag, "Feed", d.Feed, "LLDP", d.LLDP, "Remote id", d.RemoteID,
		"Bays", strings.Join(d.Bays, ", "), "Labels", labelText(d.Labels), "Tags", strings.Join(d.Tags, " "))
	var rows [][]string
	for _, p := range d.PSUs {
		rows = append(rows, []string{p.Name, string(p.Connector), cableText(p.Cable)})
	}
	for _, p := range d.Ports {
		rows = append(rows, []string{p.Name, string(p.Connector), cableText(p.Cable)})
	}
	if len(rows) > 0 {
		fmt.Fprintln(out)
		table(out, []string{"PORT", "CONNECTOR", "CABLE"}, rows)
	}
}

func cacheShow(w *world) *cobra.Command {
	return tells(w, "show CACHE", "Show a cache, where it stands and what it does", "rackwright cache show r1", func(cl *client.Client, c *cobra.Command, name string) (images.Cache, error) {
		return cl.Cache(c.Context(), name)
	}, func(out io.Writer, c images.Cache) { printCaches(out, []images.Cache{c}) })
}
