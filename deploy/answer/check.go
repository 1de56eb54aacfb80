package answer

import (
	"strings"

	"rackwright/deploy/ignition"
	"rackwright/fault"
)

// maxArgs bounds a line of kernel arguments: amd64's kernels read 2048 bytes
// (COMMAND_LINE_SIZE), and loader and server add some.
const maxArgs = 1900

// oneLine makes of rendered arguments the line that a loader's script can hold. What the
// loader would read as its own syntax is refused: a setting ${...}, and the words by which
// it ends a command.
func oneLine(title, text string) (string, error) {
	words := strings.Fields(text)
	for _, w := range words {
		switch {
		case w == ";" || w == "||" || w == "&&" || w == "#":
			return "", fault.Invalidf("%s: the word %q would end the loader's command", title, w)
		case strings.Contains(w, "${"):
			return "", fault.Invalidf("%s: %q would be read as a setting of the loader", title, w)
		case strings.ContainsFunc(w, func(r rune) bool { return r < ' ' || r == 0x7f }):
			return "", fault.Invalidf("%s: a control character in %q", title, w)
		}
	}
	line := strings.Join(words, " ")
	if len(line) > maxArgs {
		return "", fault.Invalidf("%s: the kernel arguments have %d bytes; a kernel reads %d", title, len(line), maxArgs)
	}
	return line, nil
}

// proven refuses a rendered file that its reader would not take, where that can be told.
func proven(f Form, name, content string) error {
	switch {
	case f == Ignition:
		return ignition.Check(name, content)
	case name == "meta-data" || name == "vendor-data":
		return nil
	case f == Autoinstall && !strings.HasPrefix(content, "#cloud-config\n"):
		return fault.Invalidf("%s does not begin with #cloud-config", name)
	}
	return nil
}
