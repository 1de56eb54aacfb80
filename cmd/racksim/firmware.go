package main

import (
	"io"
	"os"

	"github.com/spf13/cobra"

	"rackwright/fault"
	"rackwright/racksim"
)

// maxFirmwareSize bounds the files this command makes, bytes.
const maxFirmwareSize = 4 << 30

func firmware() *cobra.Command {
	var f racksim.Firmware
	var size, out string
	c := &cobra.Command{
		Use: "firmware --component bios --version 2.1 -o FILE", Short: "Make a firmware file for simulated machines", Args: cobra.NoArgs,
		Long: "Makes a file that the update service of a simulated BMC installs: a line\n\n" +
			"  racksim-firmware component=bios version=2.1 sha256=...\n\n" +
			"and behind it bytes that the digest is of. The same arguments make the same file. bios takes\n" +
			"effect with the machine's next reset, bmc restarts the BMC; other components are those\n" +
			"under versions: in the rack file. With --model the file is refused by machines of other models.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			bytes, err := racksim.ParseSize(size)
			if err != nil {
				return fault.Invalidf("--size: %w", err)
			}
			if bytes > maxFirmwareSize {
				return fault.Invalidf("--size %s is more than 4GiB", size)
			}
			if out == "" {
				return fault.Invalidf("no file to write").WithHint("name one with -o bios-2.1.bin; - is standard output")
			}
			return makeFirmware(cmd.OutOrStdout(), out, f, bytes)
		},
	}
	flags := c.Flags()
	flags.StringVar(&f.Component, "component", "bios", "what it is for: an id in the firmware inventory")
	flags.StringVar(&f.Version, "version", "", "the version it brings")
	flags.StringVar(&f.Model, "model", "", "the model of machine it is for (default: all)")
	flags.StringVar(&size, "size", "1MiB", "bytes behind the first line, like 256MiB")
	flags.StringVarP(&out, "output", "o", "", "file to write; - is standard output")
	return c
}

// makeFirmware leaves no half of a file.
func makeFirmware(stdout io.Writer, path string, f racksim.Firmware, size racksim.Size) error {
	if path == "-" {
		return racksim.WriteFirmware(stdout, f, size)
	}
	file, err := os.Create(path)
	if err != nil {
		return fault.Invalidf("firmware file: %w", err)
	}
	err = racksim.WriteFirmware(file, f, size)
	if closing := file.Close(); err == nil && closing != nil {
		err = fault.Internalf("firmware file: %w", closing)
	}
	if err != nil {
		os.Remove(path)
	}
	return err
}
