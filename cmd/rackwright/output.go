package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"go.yaml.in/yaml/v3"

	"rackwright/fault"
)

// show prints v in the form that was asked for, or calls table for people.
func (w *world) show(v any, table func(io.Writer)) error {
	if len(w.fields) > 0 {
		picked, err := pick(v, w.fields)
		if err != nil {
			return err
		}
		v, table = picked.value, picked.print
	}
	switch w.format {
	case "json":
		enc := json.NewEncoder(w.out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(v)
	case "jsonl":
		return writeLines(w.out, v)
	case "yaml":
		return writeYAML(w.out, v)
	}
	f := &folder{out: w.out, width: w.columns, bare: w.noHeaders}
	table(f)
	return f.flush()
}

// writeLines prints v as JSON without line ends, of a list each thing on a line of its own.
func writeLines(out io.Writer, v any) error {
	text, err := compact(v)
	if err != nil {
		return err
	}
	items := []json.RawMessage{text}
	if bytes.HasPrefix(text, []byte("[")) {
		if err := json.Unmarshal(text, &items); err != nil {
			return fault.Internalf("encode: %w", err)
		}
	}
	for _, item := range items {
		if _, err := fmt.Fprintf(out, "%s\n", item); err != nil {
			return err
		}
	}
	return nil
}

func compact(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fault.Internalf("encode: %w", err)
	}
	return bytes.TrimSpace(b.Bytes()), nil
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

// table prints rows under a heading, in columns, as wide as the terminal is. Control
// characters of foreign text (serials, models) become spaces.
func table(out io.Writer, heading []string, rows [][]string) {
	f, _ := out.(*folder)
	for i, row := range rows {
		rows[i] = make([]string, len(heading))
		for j := range min(len(row), len(heading)) {
			rows[i][j] = oneLine(row[j])
		}
		for j := range rows[i] {
			rows[i][j] = cmp.Or(rows[i][j], "-")
		}
	}
	if f != nil && f.width > 0 {
		heading, rows = fit(heading, rows, f.width)
	}
	if f == nil || !f.bare {
		rows = append([][]string{heading}, rows...)
	}
	t := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(t, strings.TrimRight(strings.Join(row, "\t"), " "))
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
