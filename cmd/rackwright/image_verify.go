package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"rackwright/fault"
	"rackwright/images"
)

func imageVerify(w *world) *cobra.Command {
	f := jobWait{}
	c := &cobra.Command{Use: "verify [IMAGE]", Aliases: []string{"fsck"}, Short: "Read all stored bytes of images and name what is damaged", Args: names(0, 1),
		Long: "Have the server read every stored byte of an image, or of all, and compare digests. Damage is named by image,\nbyte range and partition; the exit status is then not 0. Adding the image again mends it.\n\n" +
			"The server does it as a job, which goes on when this command is interrupted: 'rackwright job show' looks at it.",
		Example: "  rackwright image verify\n  rackwright image verify debian-12\n  rackwright image verify --wait=false",
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			image := ""
			if len(args) == 1 {
				image = args[0]
			}
			j, err := cl.CheckImages(c.Context(), image)
			if err != nil {
				return err
			}
			return w.awaitJob(c.Context(), cl, j, f, func(j images.Job) error { return w.showFound(j.Result.Found) })
		}}
	f.add(c, true)
	return c
}

// showFound shows what a check found; damage is an error.
func (w *world) showFound(h *images.Health) error {
	if h == nil {
		return fault.Internalf("the server does not say what it found")
	}
	if err := w.show(*h, func(out io.Writer) { showHealth(out, *h) }); err != nil || len(h.Damage) == 0 {
		return err
	}
	return fault.Conflictf("%d stored pieces of images are damaged or missing", len(h.Damage)+h.More).WithHint("add the images named above again; that replaces what is damaged")
}

func showHealth(out io.Writer, h images.Health) {
	var rows [][]string
	for _, d := range h.Damage {
		name, at := oneLine(d.Image), "all"
		if d.Part != "" {
			name += " (" + oneLine(d.Part) + ")"
		}
		if d.Bytes > 0 {
			at = fmt.Sprintf("%d-%d", d.Offset, d.Offset+d.Bytes-1)
		}
		rows = append(rows, []string{name, at, oneLine(d.Where), oneLine(d.What)})
	}
	if len(rows) > 0 {
		table(out, []string{"IMAGE", "BYTES", "WHERE", "WHAT"}, rows)
	}
	if h.More > 0 {
		fmt.Fprintf(out, "and %d more\n", h.More)
	}
	fmt.Fprintf(out, "%d images: %d chunks and %d files, %s read, %d damaged or missing\n", h.Images, h.Chunks, h.Files, bytesText(h.Bytes), len(h.Damage)+h.More)
	if h.Orphans > 0 {
		fmt.Fprintf(out, "%d chunks (%s) are of no image: 'rackwright image gc' removes them\n", h.Orphans, bytesText(h.OrphanBytes))
	}
	for _, d := range h.Unrecorded {
		fmt.Fprintf(out, "%s is stored and in no catalogue\n", oneLine(d))
	}
}

func imageGC(w *world) *cobra.Command {
	f := jobWait{}
	c := &cobra.Command{Use: "gc", Short: "Remove stored bytes that no image needs", Args: names(0, 0),
		Long: "Have the server remove bytes that no image and no operation needs. It does so every hour by itself, and when an image\nis removed; while an image is being added it waits.\n\n" +
			"The server does it as a job, which goes on when this command is interrupted: 'rackwright job show' looks at it.",
		Example: "  rackwright image gc\n  rackwright image gc --dry-run",
		RunE: func(c *cobra.Command, _ []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			j, err := cl.CollectImages(c.Context())
			if err != nil {
				return err
			}
			if w.tries {
				return w.showRemoved(j.Result.Removed)
			}
			return w.awaitJob(c.Context(), cl, j, f, func(j images.Job) error { return w.showRemoved(j.Result.Removed) })
		}}
	f.add(c, true)
	return w.tryable(c)
}

func (w *world) showRemoved(gone *images.Collected) error {
	if gone == nil {
		return fault.Internalf("the server does not say what it removed")
	}
	return w.show(*gone, func(out io.Writer) {
		fmt.Fprintf(out, "%s removed: %d images, %d files, %d chunks\n", bytesText(gone.Bytes), gone.Images, gone.Files, gone.Chunks)
	})
}
