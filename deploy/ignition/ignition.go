// Package ignition judges Ignition configurations by the code of the program that reads
// them on the machine: one that cannot be read stops a system in its ramdisk, where nobody
// sees it. It writes none.
package ignition

import (
	"cmp"
	"strings"

	"github.com/coreos/ignition/v2/config"

	"rackwright/fault"
)

// maxReport bounds what is quoted of a report, in bytes.
const maxReport = 300

// Check returns Invalid with what Ignition objects to, naming the text as what.
func Check(what, text string) error {
	_, report, err := config.Parse([]byte(text))
	if err == nil && !report.IsFatal() {
		return nil
	}
	why := strings.TrimSpace(report.String())
	if err != nil {
		why = cmp.Or(why, err.Error())
	}
	return fault.Invalidf("%s is no Ignition configuration: %.*s", what, maxReport, why).
		WithHint("Ignition is JSON of version 3; make it from YAML with butane, and versions 1 and 2 anew")
}
