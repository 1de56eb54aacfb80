package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rackwright/api/client"
	"rackwright/fault"
	"rackwright/firmware"
)

func firmwareCommand(w *world) *cobra.Command {
	return group("firmware", "Firmware files, how machines stand beside their baseline, updates", []string{"fw"},
		firmwareAdd(w), firmwareList(w), firmwareShow(w), firmwareRemove(w), firmwareCompliance(w), firmwareUpdate(w), firmwareCampaign(w))
}

const firmwareAddLong = `Send a firmware file to the server as the vendor ships it, and say what it is: which
component it is for, which version that has with it, and which machines it is for, by
model (as the plan or the machine says it) or vendor. A * at the end matches the rest.

--from names the versions it may be put on, --requires versions that other components
must run before; both are used to find the way to a baseline. --reset says what makes it
run: host (a restart of the machine; the default), bmc (the BMC restarts itself; the
default for component bmc) or none.

A name keeps its file: give a new one a new name.`

func firmwareAdd(w *world) *cobra.Command {
	var f firmware.File
	var sum, reset string
	var needs []string
	c := &cobra.Command{Use: "add FILE --name NAME --component WHICH --version VERSION --model MODEL...", Short: "Add a firmware file to the catalogue", Args: names(1, 1), Long: firmwareAddLong,
		Example: "  rackwright firmware add BIOS_X1.cap --name x1-bios-2.4.1 --component bios --version 2.4.1 --model x1 --from '2.*' --requires bmc=1.2\n" +
			"  rackwright firmware add bmc.bin --name x1-bmc-1.12 --component bmc --version 1.12 --vendor Acme --model 'X1*' --sha256 9c5e...",
		RunE: func(c *cobra.Command, args []string) error {
			for _, text := range needs {
				n, err := firmware.ParseNeed(text)
				if err != nil {
					return err
				}
				f.Requires = append(f.Requires, n)
			}
			f.Reset, f.Original = firmware.Reset(reset), filepath.Base(args[0])
			if err := asFlags(f.Complete()); err != nil {
				return err
			}
			file, bytes, err := openFirmware(args[0])
			if err != nil {
				return err
			}
			defer file.Close()
			up := client.Upload{Name: f.Name, SHA256: strings.ToLower(strings.TrimPrefix(sum, "sha256:")), File: file, Bytes: bytes}
			cl, err := w.connect()
			if err != nil {
				return err
			}
			defer w.sends(&up)()
			added, err := cl.AddFirmware(c.Context(), f, up)
			if err != nil {
				return err
			}
			return w.show(added, func(out io.Writer) {
				fmt.Fprintf(out, "firmware file %s added: %s %s, %s, %s\n", oneLine(added.Name), oneLine(added.Component), oneLine(added.Version), bytesText(added.Size), added.Digest)
			})
		}}
	flags := c.Flags()
	flags.StringVar(&f.Name, "name", "", "unique `name`")
	flags.StringVar(&f.Component, "component", "", "`which`: bios, bmc, or as in a model's baseline")
	flags.StringVar(&f.Version, "version", "", "`version` that the component says with it")
	flags.StringVar(&f.Vendor, "vendor", "", "`vendor` of the machines")
	flags.StringArrayVar(&f.Models, "model", nil, "`model` of the machines; may be repeated")
	flags.StringArrayVar(&f.From, "from", nil, "`version` it may be put on; may be repeated")
	flags.StringArrayVar(&needs, "requires", nil, "`component=version` that must run before; may be repeated")
	flags.StringVar(&reset, "reset", "", "what makes it run: `host`, bmc or none")
	flags.StringVar(&sum, "sha256", "", "SHA-256 of the file in `hexadecimal`; another is refused")
	return c
}

// asFlags names fields as the flags they come from.
func asFlags(err error) error {
	if f, is := err.(*fault.Error); is {
		slices.SortFunc(f.Fields, func(a, b fault.Field) int { return strings.Compare(a.Path, b.Path) })
		for i := range f.Fields {
			f.Fields[i].Path = "--" + f.Fields[i].Path
		}
	}
	return err
}

func openFirmware(name string) (*os.File, int64, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, 0, fault.Invalidf("read firmware: %w", err).WithHint("name a file you can read")
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		f.Close()
		return nil, 0, fault.Invalidf("%s holds no firmware", name).WithHint("name the file as the vendor ships it")
	}
	return f, info.Size(), nil
}

// sends shows a bar on a terminal while an upload goes; the function ends it.
func (w *world) sends(up *client.Upload) func() {
	if w.width == 0 {
		return func() {}
	}
	last, shown := time.Time{}, *up
	up.Progress = func(sent int64) {
		if now := w.now(); now.Sub(last) > 100*time.Millisecond || sent == shown.Bytes {
			last = now
			fmt.Fprint(w.err, "\r\x1b[2K"+cut(uploadLine(shown, sent), w.width-1))
		}
	}
	return func() { fmt.Fprintln(w.err) }
}

func firmwareList(w *world) *cobra.Command {
	return &cobra.Command{Use: "list", Aliases: []string{"ls"}, Short: "List firmware files", Args: names(0, 0), Example: "  rackwright firmware list",
		RunE: func(c *cobra.Command, _ []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			list, err := cl.FirmwareFiles(c.Context())
			if err != nil {
				return err
			}
			return w.show(list, func(out io.Writer) {
				var rows [][]string
				for _, f := range list {
					rows = append(rows, []string{f.Name, f.Component, f.Version, forText(f), strings.Join(f.From, ", "), needsText(f), string(f.Reset), bytesText(f.Size)})
				}
				table(out, []string{"NAME", "COMPONENT", "VERSION", "FOR", "FROM", "REQUIRES", "RESET", "SIZE"}, rows)
			})
		}}
}

func forText(f firmware.File) string {
	return strings.TrimSpace(f.Vendor + " " + strings.Join(f.Models, ", "))
}

func needsText(f firmware.File) string {
	var out []string
	for _, n := range f.Requires {
		out = append(out, n.Component+" "+n.AtLeast)
	}
	return strings.Join(out, ", ")
}

func firmwareShow(w *world) *cobra.Command {
	return &cobra.Command{Use: "show FILE", Short: "Show one firmware file", Args: names(1, 1), Example: "  rackwright firmware show x1-bios-2.4.1",
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			f, err := cl.FirmwareFile(c.Context(), args[0])
			if err != nil {
				return err
			}
			return w.show(f, func(out io.Writer) {
				pairs(out, "Name", f.Name, "Component", f.Component, "Version", f.Version, "For", forText(f), "From", strings.Join(f.From, ", "), "Requires", needsText(f),
					"Reset", string(f.Reset), "Original", f.Original, "Size", bytesText(f.Size), "Digest", f.Digest, "Added", timeText(f.Created))
			})
		}}
}

func firmwareRemove(w *world) *cobra.Command {
	var yes bool
	c := &cobra.Command{Use: "remove FILE", Aliases: []string{"rm"}, Short: "Forget a firmware file that nothing needs", Args: names(1, 1), Example: "  rackwright firmware remove x1-bios-2.3.0 --yes",
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			if err := w.sure(yes, "removes the firmware file", args[0]); err != nil {
				return err
			}
			if err := cl.RemoveFirmware(c.Context(), args[0]); err != nil {
				return err
			}
			return w.show(map[string]string{"removed": args[0]}, func(out io.Writer) { fmt.Fprintf(out, "firmware file %s removed\n", oneLine(args[0])) })
		}}
	yesFlag(c, &yes)
	return w.tryable(c)
}
