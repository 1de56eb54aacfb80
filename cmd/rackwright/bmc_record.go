package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"time"

	"github.com/spf13/cobra"

	"rackwright/bmc/redfish"
	"rackwright/fault"
)

func bmcRecord(w *world) *cobra.Command {
	var login bmcLogin
	var r redfish.Recording
	var anonymous, force bool
	c := &cobra.Command{Use: "record ADDRESS DIR --username USER", Short: "Save what a BMC answers as a mockup without secrets", Args: names(2, 2),
		Long: "Reads all resources of a BMC from /redfish/v1 on, changes nothing, and writes them to a directory in the layout of DMTF's mockups:\n" +
			"PATH/index.json, with headers.json beside it. racksim serves such a directory as a BMC.\n" +
			"Passwords, tokens, sessions, keys and licences are left out. Unless --anonymous=false, serial numbers, UUIDs, MACs, addresses, host names,\n" +
			"asset tags and user names become others of the same shape, the same everywhere. Look through it all the same before you give it away.\n\n" + bmcLoginLong,
		Example: "  rackwright bmc record 10.0.0.21 r650-mockup --username root --password-file bmc-password",
		RunE: func(c *cobra.Command, args []string) error {
			dir, err := emptyDir(args[1], force)
			if err != nil {
				return err
			}
			defer dir.Close()
			controller, err := login.dial(c.Context(), w, c, args[0])
			if err != nil {
				return err
			}
			r.Named = !anonymous
			r.Progress = func(done, waiting int) {
				if w.width > 0 {
					fmt.Fprintf(w.err, "\r\x1b[K%d resources read, %d known of", done, waiting)
				}
			}
			recorded, err := controller.Record(c.Context(), r, func(name string, text []byte) error { return keepFile(dir, name, text) })
			if w.width > 0 {
				fmt.Fprint(w.err, "\r\x1b[K")
			}
			if closing := controller.Close(c.Context()); err == nil {
				err = closing
			}
			if err != nil {
				return err
			}
			return w.show(recorded, func(out io.Writer) {
				fmt.Fprintf(out, "%s, %s, in %s\n", count(recorded.Resources, "resource"), bytesText(recorded.Bytes), oneLine(args[1]))
				for _, left := range recorded.LeftOut {
					fmt.Fprintln(out, "left out: "+oneLine(left))
				}
			})
		}}
	login.flags(c)
	f := c.Flags()
	f.BoolVar(&anonymous, "anonymous", true, "make up serial numbers, addresses and names")
	f.BoolVar(&force, "force", false, "write into a directory that is not empty")
	f.IntVar(&r.Resources, "most", 10000, "record so many `resources` at most")
	f.IntVar(&r.LogEntries, "log-entries", 25, "`entries` of each log, the first that are listed")
	f.DurationVar(&r.Time, "timeout", 30*time.Minute, "stop reading after this long, and write what was read")
	return c
}

// emptyDir opens a directory to write to, made if it is not there.
func emptyDir(name string, force bool) (*os.Root, error) {
	if err := os.MkdirAll(name, 0o755); err != nil {
		return nil, fault.Invalidf("make the directory: %w", err).WithHint("name one that you may make or write")
	}
	entries, err := os.ReadDir(name)
	if err != nil {
		return nil, fault.Invalidf("read the directory: %w", err).WithHint("name one that you may make or write")
	}
	if len(entries) > 0 && !force {
		return nil, fault.Conflictf("%s is not empty", name).WithHint("name a new directory, or write over what is there with --force")
	}
	root, err := os.OpenRoot(name)
	if err != nil {
		return nil, fault.Invalidf("open the directory: %w", err)
	}
	return root, nil
}

// keepFile writes one file; nothing leads out of the directory.
func keepFile(dir *os.Root, name string, text []byte) error {
	if err := dir.MkdirAll(path.Dir(name), 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return fault.Invalidf("write the recording: %w", err)
	}
	if err := dir.WriteFile(name, text, 0o644); err != nil {
		return fault.Invalidf("write the recording: %w", err).WithHint("is there room on the disk?")
	}
	return nil
}
