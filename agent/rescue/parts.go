package rescue

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

func lspci(_ context.Context, s *shell, _ []string) error {
	for _, d := range s.house.ground.Facts().PCI {
		link := ""
		if d.Width > 0 {
			link = "x" + strconv.Itoa(d.Width) + " " + d.Speed
		}
		if d.Degraded() {
			link += " (could be x" + strconv.Itoa(d.MaxWidth) + " " + d.MaxSpeed + ")"
		}
		s.say("%s  %s  class %s  %-14s %s", d.Address, d.ID, d.Class, orDash(d.Driver), link)
	}
	return nil
}

func orDash(v string) string {
	if v == "" {
		return "-"
	}
	return v
}

func lsblk(_ context.Context, s *shell, _ []string) error {
	for _, d := range s.house.ground.Facts().Disks {
		s.say("%-16s %8.1f GiB  %-7s %s  serial %s", d.Path, float64(d.Bytes)/(1<<30), d.Type, d.Model, orDash(d.Serial))
		if w := d.Health.Warning(); w != "" {
			s.say("  ! %s", w)
		}
		name := filepath.Base(d.Path)
		parts, _ := filepath.Glob(filepath.Join(s.house.ground.Root, "sys/block", name, name+"*")) // well-formed: names of devices have no brackets
		for _, p := range parts {
			sectors, err := strconv.ParseInt(strings.TrimSpace(readText(filepath.Join(p, "size"))), 10, 64)
			if err == nil {
				s.say("  %-14s %8.1f GiB", "/dev/"+filepath.Base(p), float64(sectors)*512/(1<<30))
			}
		}
	}
	return nil
}

func readText(path string) string {
	b, err := os.ReadFile(path)
	if err != nil || len(b) > 4096 {
		return ""
	}
	return string(b)
}

func ports(_ context.Context, s *shell, _ []string) error {
	all, err := net.Interfaces()
	if err != nil {
		return unreadable(err)
	}
	for _, i := range all {
		s.say("%s: %s mtu %d %s", i.Name, i.Flags, i.MTU, i.HardwareAddr)
		addresses, _ := i.Addrs() // an interface that just went away has none
		for _, a := range addresses {
			s.say("    %s", a)
		}
	}
	return nil
}
