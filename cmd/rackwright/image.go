package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"rackwright/images"
)

func imageCommand(w *world) *cobra.Command {
	return group("image", "Add and look at installable systems", []string{"images"}, imageAdd(w), imageList(w), imageShow(w), imageRemove(w), imageImport(w), imageVerify(w), imageGC(w))
}

func imageList(w *world) *cobra.Command {
	c := &cobra.Command{Use: "list", Aliases: []string{"ls"}, Short: "List images", Args: names(0, 0), Example: "  rackwright image list",
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
					rows = append(rows, []string{i.Name, string(i.Kind), i.Arch, firmwareText(i), bytesText(i.Bytes), bytesText(i.Stored), bytesText(i.Shared), i.Format, cut(i.Digest, 20)})
				}
				table(out, []string{"NAME", "KIND", "ARCH", "FIRMWARE", "ON DISK", "STORED", "SHARED", "FORMAT", "DIGEST"}, rows)
			})
		}}
	return w.pages(c, mostListed)
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
			return w.show(i, func(out io.Writer) { showImage(out, i) })
		}}
}

func showImage(out io.Writer, i images.Image) {
	text := []string{"Name", i.Name, "Id", i.ID, "Kind", string(i.Kind), "Digest", i.Digest, "Source digest", i.Source, "Source format", i.Format, "Signed by", i.Signed, "Architecture", i.Arch,
		"Firmware", firmwareText(i), "On disk", bytesText(i.Bytes), "Stored", bytesText(i.Stored) + ": " + bytesText(i.Stored-i.Shared) + " its own, " + bytesText(i.Shared) + " shared", "Added", timeText(i.CreatedAt)}
	for _, p := range i.Parts {
		text = append(text, "Part", p.Name+", "+bytesText(p.Bytes)+", "+p.Digest)
	}
	text = append(text, "Kernel arguments", i.Args)
	if i.Template != "" {
		text = append(text, "Answers", i.Answers+", a template of "+strconv.Itoa(strings.Count(i.Template, "\n")+1)+" lines")
	}
	pairs(out, text...)
}

func imageRemove(w *world) *cobra.Command {
	var yes bool
	c := &cobra.Command{Use: "remove IMAGE", Aliases: []string{"rm"}, Short: "Forget an image no open operation needs", Args: names(1, 1),
		Example: "  rackwright image remove debian-11 --yes",
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			if err := w.sure(yes, "removes the image", args[0]); err != nil {
				return err
			}
			if err := cl.RemoveImage(c.Context(), args[0]); err != nil {
				return err
			}
			return w.show(map[string]string{"removed": args[0]}, func(out io.Writer) { fmt.Fprintf(out, "image %s removed\n", oneLine(args[0])) })
		}}
	yesFlag(c, &yes)
	return w.tryable(c)
}
