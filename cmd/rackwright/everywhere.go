package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rackwright/api/client"
)

// forms of the output.
func forms() []string { return []string{"table", "json", "yaml", "jsonl"} }

// outputFlags are how every command shows what it found.
func (w *world) outputFlags(flags *pflag.FlagSet) {
	flags.StringVarP(&w.format, "output", "o", "table", "`form` of the output: table, json, yaml or jsonl (one thing a line)")
	flags.StringSliceVar(&w.fields, "fields", nil, "show only these `fields`, by their names in JSON: name,slot.rack")
	flags.BoolVar(&w.noHeaders, "no-headers", false, "tables without their first line")
}

// begins looks at what every command is given before it runs.
func (w *world) begins(c *cobra.Command) error {
	if !slices.Contains(forms(), w.format) {
		return usage(c, "there is no output form %q: use table, json, yaml or jsonl", w.format)
	}
	if slices.ContainsFunc(w.fields, func(f string) bool { return strings.Trim(f, ". ") == "" }) {
		return usage(c, "--fields has an empty name")
	}
	if c.Annotations[inPages] != "" {
		most, err := c.Flags().GetInt("limit")
		if err != nil || most < 1 {
			return usage(c, "--limit must be 1 or more")
		}
		c.SetContext(client.AtMost(c.Context(), most, func() {
			fmt.Fprintf(w.err, "there are more than these %d: narrow the list, or give --limit\n", most)
		}))
	}
	return nil
}

// inPages marks a command whose list comes in pages.
const inPages = "pages"

// mostListed is how much of a list is shown unless more is asked for.
const mostListed = 10_000

// pages gives a command whose list comes in pages its bound.
func (w *world) pages(c *cobra.Command, most int) *cobra.Command {
	if c.Annotations == nil {
		c.Annotations = map[string]string{}
	}
	c.Annotations[inPages] = "yes"
	c.Flags().Int("limit", most, "at most so `many`; the pages of the server are gone through")
	return c
}
