package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"rackwright/fault"
	"rackwright/images/ramdisk"
)

func ramdiskCommand(w *world) *cobra.Command {
	return group("ramdisk", "Build the netboot ramdisk and look into it", nil, ramdiskBuild(w), ramdiskList(w), ramdiskShow(w))
}

func ramdiskBuild(w *world) *cobra.Command {
	o := ramdisk.Options{Arch: runtime.GOARCH}
	if self, err := os.Executable(); err == nil {
		o.Agent = filepath.Join(filepath.Dir(self), "rackwright-agent")
	}
	c := &cobra.Command{Use: "build --kernel FILE --modules-dir DIR --out DIR", Short: "Build kernel and ramdisk for one architecture", Args: names(0, 0),
		Long: "Put the agent and the kernel's drivers of network ports and disk controllers, with the firmware they name, into a ramdisk.\n" +
			"The same inputs give the same bytes. Asks no server.",
		Example: "  rackwright ramdisk build --kernel /boot/vmlinuz-6.1.0-28-amd64 --modules-dir /lib/modules/6.1.0-28-amd64 --out boot/\n" +
			"  rackwright ramdisk build --kernel vmlinuz --modules-dir lib/modules/6.1.0-28-amd64 --only small --busybox /bin/busybox --out boot/",
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
	f.StringVar(&o.FirmwareDir, "firmware-dir", "/lib/firmware", "`folder` of the firmware that modules name; \"\" takes none")
	f.StringVar(&o.Agent, "agent", o.Agent, "the agent's `program`")
	f.StringVar(&o.Busybox, "busybox", "", "a static busybox `program`, for people in a rescue")
	f.StringSliceVar(&o.Modules, "module", nil, "`name` of a module to include instead of the usual ones; may be repeated")
	f.StringSliceVar(&o.Only, "only", nil, "`name` of a set to include instead of all: "+strings.Join(ramdisk.SetNames(), ", ")+", or of a module; may be repeated")
	f.StringVar(&o.Out, "out", "", "`folder` for the result; it goes to a folder of it named for the architecture")
	f.StringVar(&o.Arch, "arch", o.Arch, "`architecture`: amd64 or arm64")
	return c
}

func ramdiskList(w *world) *cobra.Command {
	return &cobra.Command{Use: "list DIR", Aliases: []string{"ls"}, Short: "List the ramdisks in a folder", Args: names(1, 1),
		Long: "List the ramdisks of a folder, one for each architecture. Asks no server.", Example: "  rackwright ramdisk list boot/",
		RunE: func(_ *cobra.Command, args []string) error {
			list, err := ramdisk.List(args[0])
			if err != nil {
				return err
			}
			return w.show(list, func(out io.Writer) {
				var rows [][]string
				for _, i := range list {
					r := i.Report
					rows = append(rows, []string{i.Folder, r.Arch, r.Version, bytesText(r.Initrd.Bytes), bytesText(r.Unpacked), strconv.Itoa(len(r.Modules)), strconv.Itoa(len(r.Firmware)), short(r.Agent.SHA256)})
				}
				table(out, []string{"FOLDER", "ARCH", "KERNEL", "RAMDISK", "IN MEMORY", "MODULES", "FIRMWARE", "AGENT"}, rows)
			})
		}}
}

func short(digest string) string { return digest[:min(len(digest), 12)] }

func ramdiskShow(w *world) *cobra.Command {
	var files bool
	c := &cobra.Command{Use: "show DIR", Short: "Show what is inside a ramdisk", Args: names(1, 1),
		Long: "Read a ramdisk and compare it with the list of its contents. DIR is the folder of one architecture,\n" +
			"or has the only one. Exit status 1 when they differ. Asks no server.",
		Example: "  rackwright ramdisk show boot/amd64\n  rackwright ramdisk show boot/amd64 --files",
		RunE: func(_ *cobra.Command, args []string) error {
			list, err := ramdisk.List(args[0])
			if err != nil {
				return err
			}
			if len(list) > 1 {
				return fault.Invalidf("%s has several ramdisks", args[0]).WithHint("name one: %s", list[0].Folder)
			}
			i, err := ramdisk.Show(list[0].Folder)
			if err != nil {
				return err
			}
			if err := w.show(i, func(out io.Writer) { printInspection(out, i, files) }); err != nil || len(i.Wrong) == 0 {
				return err
			}
			return fault.Internalf("%s", strings.Join(i.Wrong, "; ")).WithHint("build it again")
		}}
	c.Flags().BoolVar(&files, "files", false, "list the archive's files instead of modules and firmware")
	return c
}

func printRamdisk(out io.Writer, dir string, r ramdisk.Report) {
	box := ""
	if r.Busybox != nil {
		box = bytesText(r.Busybox.Bytes)
	}
	pairs(out, "Folder", dir, "Kernel", r.Version+", "+bytesText(r.Kernel.Bytes), "Ramdisk", bytesText(r.Initrd.Bytes), "In memory", bytesText(r.Unpacked),
		"Agent", bytesText(r.Agent.Bytes)+", "+short(r.Agent.SHA256), "Busybox", box, "Modules", fmt.Sprint(len(r.Modules)), "In the kernel", strings.Join(r.Builtin, " "),
		"Not in this kernel", strings.Join(r.Absent, " "), "Firmware", fmt.Sprint(len(r.Firmware)), "Firmware not installed", notInstalled(r.NoFirmware))
}

// shownFirmware is how many names of absent firmware a person is shown.
const shownFirmware = 8

func notInstalled(names []string) string {
	if len(names) <= shownFirmware {
		return strings.Join(names, " ")
	}
	return fmt.Sprintf("%s and %d more (contents.json has all)", strings.Join(names[:shownFirmware], " "), len(names)-shownFirmware)
}

func printInspection(out io.Writer, i ramdisk.Inspection, files bool) {
	printRamdisk(out, i.Folder, i.Report)
	fmt.Fprintln(out)
	var rows [][]string
	if files {
		for _, f := range i.Files {
			name := f.Name
			if f.Link != "" {
				name += " -> " + f.Link
			}
			rows = append(rows, []string{f.Mode, bytesText(f.Bytes), name})
		}
		table(out, []string{"MODE", "SIZE", "FILE"}, rows)
		return
	}
	for _, m := range i.Report.Modules {
		rows = append(rows, []string{"module", bytesText(m.Bytes), m.Name})
	}
	for _, m := range i.Report.Firmware {
		rows = append(rows, []string{"firmware", bytesText(m.Bytes), m.Name})
	}
	table(out, []string{"KIND", "SIZE", "NAME"}, rows)
}
