package main

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"rackwright/fault"
)

// exitStatus is where the kinds of fault meet the shell; docs/running/command.md has it.
func exitStatus(k fault.Kind) int {
	switch k {
	case fault.Invalid:
		return 2
	case fault.NotFound:
		return 3
	case fault.Conflict:
		return 4
	case fault.Denied:
		return 5
	case fault.Unreachable:
		return 6
	}
	return 1
}

// usage is the error of a command line that cannot be understood.
func usage(c *cobra.Command, format string, args ...any) error {
	return fault.Invalidf(format, args...).WithHint("see '%s --help'", c.CommandPath())
}

// badly is the error of work that ended otherwise than asked.
func badly(hint, format string, args ...any) error {
	return &fault.Error{Kind: fault.Internal, Message: fmt.Sprintf(format, args...), Hint: hint}
}

// report prints an error as one line and its hint as another, and returns the exit
// status.
func report(to io.Writer, err error) int {
	fmt.Fprintln(to, "rackwright: "+oneLine(err.Error()))
	if hint := fault.HintOf(err); hint != "" {
		fmt.Fprintln(to, "hint: "+oneLine(hint))
	}
	return exitStatus(fault.KindOf(err))
}

// oneLine keeps foreign text from drawing on the terminal: no control characters, and none
// that turn the direction of writing round.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp) {
			return ' '
		}
		return r
	}, strings.TrimSpace(s))
}

// count is a number of things: 1 fault, 2 faults.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
