package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rackwright/api/client"
	"rackwright/fault"
	"rackwright/images"
)

func imageCommand(w *world) *cobra.Command {
	return group("image", "Add and look at installable systems", []string{"images"}, imageAdd(w), imageList(w), imageShow(w), imageRemove(w))
}

func imageAdd(w *world) *cobra.Command {
	var sum string
	c := &cobra.Command{Use: "add NAME FILE|-", Short: "Add an image: raw, qcow2, or either in gzip, xz or zstd", Args: names(2, 2),
		Long:    "Send an image file to the server, which takes it apart, checks it and keeps it by digest.\nA name keeps its digest: give a new image a new name.",
		Example: "  rackwright image add debian-12 debian-12-genericcloud-amd64.qcow2 --sha256 9c5e...\n  zstdcat disk.zst | rackwright image add golden-7 -",
		RunE: func(c *cobra.Command, args []string) error {
			up := client.Upload{Name: args[0], SHA256: strings.ToLower(strings.TrimPrefix(sum, "sha256:")), File: w.in, Bytes: -1}
			if args[1] != "-" {
				f, err := openImage(args[1])
				if err != nil {
					return err
				}
				defer f.Close()
				if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
					up.Bytes = info.Size()
				}
				up.File = f
			}
			cl, err := w.connect()
			if err != nil {
				return err
			}
			img, err := w.upload(c.Context(), cl, up)
			if err != nil {
				return err
			}
			return w.show(img, func(out io.Writer) {
				fmt.Fprintf(out, "image %s added: %s on disk, %s stored, %s\n", oneLine(img.Name), bytesText(img.Bytes), bytesText(img.Stored), img.Digest)
			})
		}}
	c.Flags().StringVar(&sum, "sha256", "", "SHA-256 of the file in `hexadecimal`; another is refused")
	return c
}

func openImage(name string) (*os.File, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fault.Invalidf("read image: %w", err).WithHint("name a file you can read, or - for standard input")
	}
	info, err := f.Stat()
	if err == nil && (info.IsDir() || (info.Mode().IsRegular() && info.Size() == 0)) {
		f.Close()
		return nil, fault.Invalidf("%s holds no image", name).WithHint("name a disk image: raw or qcow2, also in gzip, xz or zstd")
	}
	return f, nil
}

// upload sends the file, with a bar on a terminal.
func (w *world) upload(ctx context.Context, cl *client.Client, up client.Upload) (images.Image, error) {
	if w.width > 0 {
		last := time.Time{}
		up.Progress = func(sent int64) {
			if now := w.now(); now.Sub(last) > 100*time.Millisecond || sent == up.Bytes {
				last = now
				fmt.Fprint(w.err, "\r\x1b[2K"+cut(uploadLine(up, sent), w.width-1))
			}
		}
		defer fmt.Fprintln(w.err)
	}
	return cl.AddImage(ctx, up)
}

func uploadLine(up client.Upload, sent int64) string {
	switch {
	case up.Bytes <= 0:
		return fmt.Sprintf("%s  %s sent", up.Name, bytesText(sent))
	case sent >= up.Bytes:
		return fmt.Sprintf("%s  %s sent; the server checks the rest", up.Name, bytesText(sent))
	}
	share := float64(sent) / float64(up.Bytes)
	return fmt.Sprintf("%s  %s %3.0f %%  %s of %s", up.Name, bar(share, 24), share*100, bytesText(sent), bytesText(up.Bytes))
}

func imageList(w *world) *cobra.Command {
	return &cobra.Command{Use: "list", Aliases: []string{"ls"}, Short: "List images", Args: names(0, 0), Example: "  rackwright image list",
		RunE: func(c *cobra.Command, _ []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			list, err := cl.Images(c.Context())
			if err != nil {
				return err
			}
			return w.show(list, func(out io.Writer) {
				var rows [][]string
				for _, i := range list {
					rows = append(rows, []string{i.Name, i.Arch, firmwareText(i), bytesText(i.Bytes), bytesText(i.Stored), i.Format, cut(i.Digest, 20)})
				}
				table(out, []string{"NAME", "ARCH", "FIRMWARE", "ON DISK", "STORED", "FORMAT", "DIGEST"}, rows)
			})
		}}
}

func firmwareText(i images.Image) string {
	return strings.Trim(fmt.Sprint(i.Firmware), "[]")
}

func imageShow(w *world) *cobra.Command {
	return &cobra.Command{Use: "show IMAGE", Short: "Show one image", Args: names(1, 1), Example: "  rackwright image show debian-12",
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			i, err := cl.Image(c.Context(), args[0])
			if err != nil {
				return err
			}
			return w.show(i, func(out io.Writer) {
				pairs(out, "Name", i.Name, "Id", i.ID, "Digest", i.Digest, "Source digest", i.Source, "Source format", i.Format, "Architecture", i.Arch,
					"Firmware", firmwareText(i), "On disk", bytesText(i.Bytes), "Stored", bytesText(i.Stored), "Added", timeText(i.CreatedAt))
			})
		}}
}

func imageRemove(w *world) *cobra.Command {
	return &cobra.Command{Use: "remove IMAGE", Aliases: []string{"rm"}, Short: "Forget an image no open operation needs", Args: names(1, 1),
		Example: "  rackwright image remove debian-11",
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			if err := cl.RemoveImage(c.Context(), args[0]); err != nil {
				return err
			}
			return w.show(map[string]string{"removed": args[0]}, func(out io.Writer) { fmt.Fprintf(out, "image %s removed\n", oneLine(args[0])) })
		}}
}
