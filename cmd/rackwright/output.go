package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"go.yaml.in/yaml/v3"

	"rackwright/fault"
)

// show prints v as JSON or YAML, or calls table for people.
func (w *world) show(v any, table func(io.Writer)) error {
	switch w.format {
	case "json":
		enc := json.NewEncoder(w.out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(v)
	case "yaml":
		return writeYAML(w.out, v)
	}
	if w.columns == 0 {
		table(w.out)
		return nil
	}
	f := &folder{out: w.out, width: w.columns}
	table(f)
	return f.flush()
}

// writeYAML prints v with the names and the order its JSON has.
func writeYAML(out io.Writer, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return fault.Internalf("encode: %w", err)
	}
	var node yaml.Node
	if err := yaml.Unmarshal(text, &node); err != nil {
		return fault.Internalf("encode: %w", err)
	}
	plain(&node)
	enc := yaml.NewEncoder(out)
	enc.SetIndent(2)
	defer enc.Close()
	return enc.Encode(&node)
}

// plain drops JSON's braces and quotes where YAML needs none.
func plain(n *yaml.Node) {
	if len(n.Content) > 0 || n.Kind == yaml.ScalarNode {
		n.Style = 0
	}
	for _, c := range n.Content {
		plain(c)
	}
}

// table prints rows under a heading, in columns. Control characters of foreign text
// (serials, models) become spaces.
func table(out io.Writer, heading []string, rows [][]string) {
	t := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	for _, row := range append([][]string{heading}, rows...) {
		cells := make([]string, len(row))
		for i, cell := range row {
			if cells[i] = oneLine(cell); cells[i] == "" {
				cells[i] = "-"
			}
		}
		fmt.Fprintln(t, strings.TrimRight(strings.Join(cells, "\t"), " "))
	}
	t.Flush()
}

// pairs prints one fact a line; empty ones are left out.
func pairs(out io.Writer, facts ...string) {
	t := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	for i := 0; i < len(facts); i += 2 {
		if facts[i+1] != "" {
			fmt.Fprintf(t, "%s:\t%s\n", facts[i], oneLine(facts[i+1]))
		}
	}
	t.Flush()
}

// bytesText prints a number of bytes for people.
func bytesText(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	value, prefixes := float64(n)/unit, "KMGTPE"
	for value >= unit && len(prefixes) > 1 {
		value, prefixes = value/unit, prefixes[1:]
	}
	return fmt.Sprintf("%.1f %ciB", value, prefixes[0])
}

// timeText prints a time for people, nothing for none.
func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}
