package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"rackwright/fault"
	"rackwright/racksim/run"
)

// report prints a line for each machine under a heading.
func report(out io.Writer, bays []run.Bay) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "MACHINE\tFIRMWARE\tBMC\tUSER\tPASSWORD FILE\tCERTIFICATE SHA-256\tCONSOLE")
	for _, b := range bays {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", b.Name, b.Firmware, b.URL, b.Username, b.PasswordFile, b.Fingerprint, b.Console)
	}
	w.Flush()
}

// writeReady puts the report into path in one step: who sees the file sees all of it.
func writeReady(path string, bays []run.Bay) error {
	var text bytes.Buffer
	report(&text, bays)
	if err := os.WriteFile(path+".new", text.Bytes(), 0o644); err != nil {
		return fault.Internalf("ready file: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fault.Internalf("ready file: %w", err)
	}
	return nil
}
