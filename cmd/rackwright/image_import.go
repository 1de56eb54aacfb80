package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"rackwright/api/client"
	"rackwright/images"
)

func uploadLine(up client.Upload, sent int64) string {
	switch {
	case up.Bytes <= 0:
		return fmt.Sprintf("%s  %s sent", up.Name, bytesText(sent))
	case sent >= up.Bytes:
		return fmt.Sprintf("%s  %s sent; the server checks the rest", up.Name, bytesText(sent))
	}
	return shareLine(up.Name, sent, up.Bytes)
}

func shareLine(name string, done, total int64) string {
	share := float64(done) / float64(total)
	return fmt.Sprintf("%s  %s %3.0f %%  %s of %s", name, bar(share, 24), share*100, bytesText(done), bytesText(total))
}

// fetches shows a bar on a terminal while the server fetches; the second function ends it.
func (w *world) fetches(name string) (func(images.Import), func()) {
	return lineOf(w, func(i images.Import) (string, bool) { return importLine(name, i), i.State.Ended() })
}

// lineOf shows on a terminal how far something is, in one line that is written anew; the
// second function ends it. of also says whether it is the last.
func lineOf[T any](w *world, of func(T) (line string, last bool)) (func(T), func()) {
	if w.width == 0 {
		return nil, func() {}
	}
	shown := time.Time{}
	tell := func(is T) {
		line, last := of(is)
		if now := w.now(); now.Sub(shown) > 100*time.Millisecond || last {
			shown = now
			fmt.Fprint(w.err, "\r\x1b[2K"+cut(line, w.width-1))
		}
	}
	return tell, func() { fmt.Fprintln(w.err) }
}

func importLine(name string, i images.Import) string {
	if i.Bytes > 0 && i.State == images.Fetching {
		return shareLine(name, min(i.Done, i.Bytes), i.Bytes)
	}
	return fmt.Sprintf("%s  %s  %s", name, i.State, bytesText(i.Done))
}

func imageImport(w *world) *cobra.Command {
	return group("import", "Look at images on their way in", nil, importList(w), importShow(w), importRemove(w))
}

func importList(w *world) *cobra.Command {
	c := &cobra.Command{Use: "list", Aliases: []string{"ls"}, Short: "List imports and uploads of the last days", Args: names(0, 0), Example: "  rackwright image import list",
		RunE: func(c *cobra.Command, _ []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			list, err := cl.Imports(c.Context())
			if err != nil {
				return err
			}
			return w.show(list, func(out io.Writer) {
				var rows [][]string
				for _, i := range list {
					rows = append(rows, []string{i.ID, oneLine(i.Name), string(i.Kind), string(i.State), importShare(i), cut(oneLine(i.From), 48), cut(oneLine(i.Error), 60)})
				}
				table(out, []string{"ID", "NAME", "KIND", "STATE", "DONE", "FROM", "ERROR"}, rows)
			})
		}}
	return w.watchable(c, polled, nil)
}

func importShare(i images.Import) string {
	if i.Bytes <= 0 {
		return bytesText(i.Done)
	}
	return fmt.Sprintf("%d %%", min(i.Done, i.Bytes)*100/i.Bytes)
}

func importShow(w *world) *cobra.Command {
	c := &cobra.Command{Use: "show IMPORT", Short: "Show how far an import or upload is", Args: names(1, 1), Example: "  rackwright image import show 0199c7a0-7d2b-7cc3-98c4-5d0c3a1e6f00",
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			i, err := cl.Import(c.Context(), args[0])
			if err != nil {
				return err
			}
			w.over = i.State.Ended()
			return w.show(i, func(out io.Writer) {
				pairs(out, "Id", i.ID, "Name", oneLine(i.Name), "Kind", string(i.Kind), "From", oneLine(i.From), "State", string(i.State), "Received", bytesText(i.Done), "Size", bytesText(i.Bytes),
					"Digest", i.Digest, "Error", oneLine(i.Error), "Hint", oneLine(i.Hint), "By", oneLine(i.Actor), "Begun", timeText(i.Created), "Last heard of", timeText(i.Updated))
			})
		}}
	return w.watchable(c, polled, nil)
}

func importRemove(w *world) *cobra.Command {
	var yes bool
	c := &cobra.Command{Use: "remove IMPORT", Aliases: []string{"rm", "cancel"}, Short: "Cancel an import or upload, or forget one that ended", Args: names(1, 1), Example: "  rackwright image import remove 0199c7a0-7d2b-7cc3-98c4-5d0c3a1e6f00 --yes",
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			if err := w.sure(yes, "ends and removes the import", args[0]); err != nil {
				return err
			}
			if err := cl.RemoveImport(c.Context(), args[0]); err != nil {
				return err
			}
			return w.show(map[string]string{"removed": args[0]}, func(out io.Writer) { fmt.Fprintf(out, "import %s removed\n", oneLine(args[0])) })
		}}
	yesFlag(c, &yes)
	return w.tryable(c)
}
