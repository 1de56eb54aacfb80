package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"github.com/spf13/cobra"

	"rackwright/boot"
	"rackwright/fault"
)

func loaderImport(w *world) *cobra.Command {
	var to, arch string
	c := &cobra.Command{Use: "import ARCHIVE --out DIR", Short: "Take shim and iPXE for Secure Boot out of a signed release", Args: names(1, 1),
		Long: "Take shim and ipxe.efi for one architecture out of an archive of iPXE (tar, plain or in gzip), look that both are whole,\n" +
			"for that architecture and signed, and put them where the server finds them: DIR is its boot.loader_dir. Restart it then.\nAsks no server.",
		Example: "  rackwright loader import ipxeboot.tar.gz --out /var/lib/rackwright/loaders",
		RunE: func(c *cobra.Command, args []string) error {
			if to == "" {
				return usage(c, "--out is missing")
			}
			list, err := importLoaders(args[0], arch, to)
			if err != nil {
				return err
			}
			return w.show(list, func(out io.Writer) {
				var rows [][]string
				for _, l := range list {
					rows = append(rows, []string{filepath.Join(to, l.Name), l.For, bytesText(int64(l.Size)), l.Digest})
				}
				table(out, []string{"FILE", "FOR", "BYTES", "DIGEST"}, rows)
				fmt.Fprintln(out, "Restart the server, and say 'loader: ipxe-signed' of the models that boot so.")
			})
		}}
	c.Flags().StringVar(&to, "out", "", "the `folder` of the server's loaders")
	c.Flags().StringVar(&arch, "arch", runtime.GOARCH, "`architecture` of the machines: amd64 or arm64")
	return c
}

// importLoaders puts the loaders of an archive into a folder that stays one the server takes.
func importLoaders(archive, arch, dir string) ([]*boot.LoaderFile, error) {
	f, err := os.Open(archive)
	if err != nil {
		return nil, fault.Invalidf("the archive cannot be read: %w", err)
	}
	defer f.Close()
	list, err := boot.SignedRelease(f, arch)
	if err != nil {
		return nil, err
	}
	shims, err := filepath.Glob(filepath.Join(dir, string(boot.SignedIPXE), "ipxe-shim*.efi"))
	if err != nil {
		return nil, fault.Invalidf("%s: %w", dir, err)
	}
	for _, shim := range shims {
		if filepath.Base(shim) != filepath.Base(list[0].Name) {
			return nil, fault.Conflictf("%s is there already, and starts ipxe.efi for another architecture", shim).WithHint("one server has a signed iPXE for one architecture: remove that shim first")
		}
	}
	for _, l := range list {
		if err := putLoader(filepath.Join(dir, l.Name), l.Bytes()); err != nil {
			return nil, fault.Invalidf("the loader is not written: %w", err)
		}
	}
	_, err = boot.NewLoaders().With(dir)
	return list, err
}

// putLoader writes a file that the server reads, which may be another user's.
func putLoader(name string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	if err := writeWhole(name, content); err != nil {
		return err
	}
	return os.Chmod(name, 0o644)
}
