package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"rackwright/api/wire"
	"rackwright/deploy/answer"
	"rackwright/fault"
)

func previewCommand(w *world) *cobra.Command {
	var f deployFlags
	c := &cobra.Command{Use: "preview MACHINE --image NAME", Short: "Show all that a deployment would give to a machine", Args: names(1, 1),
		Long: "Show what this machine would get: its steps, the disk that would be overwritten, what its\n" +
			"loader is told, kernel arguments, an installer's answers, first-boot configuration and\n" +
			"network. Nothing is changed. What a template lacks is an error that names file and line.\n" +
			"Secrets that are made with the operation stand as SECRET.",
		Example: "  rackwright preview r1-u10 --image debian-installer --var mirror=mirror.example.net\n" +
			"  rackwright preview r1-u10 --image debian-12 --ssh-key ~/.ssh/id_ed25519.pub -o yaml",
		RunE: func(c *cobra.Command, args []string) error {
			order, err := f.order(c)
			if err != nil {
				return err
			}
			cl, err := w.connect()
			if err != nil {
				return err
			}
			p, err := cl.Preview(c.Context(), args[0], order)
			if err != nil {
				return err
			}
			return w.show(p, func(out io.Writer) { printPreview(out, p) })
		}}
	f.add(c)
	return c
}

func printPreview(out io.Writer, p wire.Preview) {
	fmt.Fprintf(out, "%s, method %s, overwrites %s\n", oneLine(p.Machine), p.Method, oneLine(p.Overwrites))
	switch {
	case p.Disk != nil:
		fmt.Fprintf(out, "disk: serial %q, model %q, %s", p.Disk.Serial, p.Disk.Model, bytesText(p.Disk.Bytes))
		if p.Disk.Path != "" {
			fmt.Fprintf(out, ", last seen as %s", oneLine(p.Disk.Path))
		}
		fmt.Fprintln(out)
	case p.DiskProblem != "":
		fmt.Fprintf(out, "disk: not known: %s\n", oneLine(p.DiskProblem))
	}
	for _, n := range p.Untold {
		fmt.Fprintf(out, "nic %s: nobody knows its MAC, so the system is not told of its network; inspect the machine, or give the MAC in the plan\n", oneLine(n))
	}
	printPlanned(out, p.Steps)
	part := func(title, text string) {
		if text != "" {
			fmt.Fprintf(out, "\n--- %s\n%s", oneLine(title), printable(text))
		}
	}
	part("boot script", p.Script)
	part("kernel arguments", p.KernelArgs)
	for _, f := range p.Files {
		part(f.Name+" ("+f.Where+")", f.Content)
	}
}

// printable is text of several lines that moves no terminal's cursor.
func printable(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f {
			return '?'
		}
		return r
	}, text)
	return strings.TrimRight(text, "\n") + "\n"
}

func templateCommand(w *world) *cobra.Command {
	return group("template", "Built-in templates of installers' answers and kernel arguments", nil, templateList(w), templateShow(w), templateValues(w))
}

func templateList(w *world) *cobra.Command {
	return &cobra.Command{Use: "list", Short: "List the built-in templates", Args: names(0, 0), Example: "  rackwright template list",
		RunE: func(*cobra.Command, []string) error {
			list := answer.Builtins()
			return w.show(list, func(out io.Writer) {
				rows := [][]string{}
				for _, b := range list {
					rows = append(rows, []string{b.Name, string(b.Form), b.For})
				}
				table(out, []string{"NAME", "FORM", "FOR"}, rows)
			})
		}}
}

func templateShow(w *world) *cobra.Command {
	return &cobra.Command{Use: "show NAME", Short: "Print a built-in template, to begin one of your own", Args: names(1, 1),
		Example: "  rackwright template show preseed.cfg.tmpl > mine.cfg",
		RunE: func(_ *cobra.Command, args []string) error {
			text, ok := answer.Builtin(args[0])
			if !ok {
				return fault.NotFoundf("there is no built-in template %q", args[0]).WithHint("'rackwright template list' shows them")
			}
			return w.show(map[string]string{"name": args[0], "text": text}, func(out io.Writer) { fmt.Fprint(out, text) })
		}}
}

func templateValues(w *world) *cobra.Command {
	return &cobra.Command{Use: "values", Short: "List what a template may use", Args: names(0, 0), Example: "  rackwright template values",
		Long: "List the values and functions of templates. They are Go's text/template; what is not\nhere is an error, and so is a variable that nobody gave.",
		RunE: func(*cobra.Command, []string) error {
			values, functions := answer.Values(), answer.Functions()
			all := map[string][][2]string{"values": values, "functions": functions}
			return w.show(all, func(out io.Writer) {
				for _, v := range append(values, functions...) {
					fmt.Fprintf(out, "%-40s %s\n", v[0], v[1])
				}
			})
		}}
}
