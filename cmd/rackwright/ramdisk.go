package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"rackwright/images/ramdisk"
)

func ramdiskCommand(w *world) *cobra.Command {
	return group("ramdisk", "Build the netboot ramdisk", nil, ramdiskBuild(w))
}

func ramdiskBuild(w *world) *cobra.Command {
	o := ramdisk.Options{Arch: runtime.GOARCH}
	if self, err := os.Executable(); err == nil {
		o.Agent = filepath.Join(filepath.Dir(self), "rackwright-agent")
	}
	c := &cobra.Command{Use: "build --kernel FILE --modules-dir DIR --out DIR", Short: "Build kernel and ramdisk for one architecture", Args: names(0, 0),
		Long: "Put the agent and the kernel modules of servers' network ports and disk controllers into a ramdisk.\n" +
			"The same inputs give the same bytes. Asks no server.",
		Example: "  rackwright ramdisk build --kernel /boot/vmlinuz-6.1.0-28-amd64 --modules-dir /lib/modules/6.1.0-28-amd64 --out boot/",
		RunE: func(c *cobra.Command, _ []string) error {
			for _, f := range []struct{ flag, value string }{{"kernel", o.Kernel}, {"modules-dir", o.ModulesDir}, {"out", o.Out}, {"agent", o.Agent}} {
				if f.value == "" {
					return usage(c, "--%s is missing", f.flag)
				}
			}
			r, err := ramdisk.Build(o)
			if err != nil {
				return err
			}
			return w.show(r, func(out io.Writer) { printRamdisk(out, filepath.Join(o.Out, o.Arch), r) })
		}}
	f := c.Flags()
	f.StringVar(&o.Kernel, "kernel", "", "the kernel's `file`")
	f.StringVar(&o.ModulesDir, "modules-dir", "", "`folder` of the kernel's modules, named for its version")
	f.StringVar(&o.Agent, "agent", o.Agent, "the agent's `program`")
	f.StringSliceVar(&o.Modules, "module", nil, "`name` of a module to include instead of the usual ones; may be repeated")
	f.StringVar(&o.Out, "out", "", "`folder` for the result; it goes to a folder of it named for the architecture")
	f.StringVar(&o.Arch, "arch", o.Arch, "`architecture`: amd64 or arm64")
	return c
}

func printRamdisk(out io.Writer, dir string, r ramdisk.Report) {
	pairs(out, "Folder", dir, "Kernel", r.Version+", "+bytesText(r.Kernel.Bytes), "Ramdisk", bytesText(r.Initrd.Bytes),
		"Modules", fmt.Sprint(len(r.Modules)), "In the kernel", strings.Join(r.Builtin, " "), "Not in this kernel", strings.Join(r.Absent, " "))
}
