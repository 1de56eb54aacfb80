// Package firmware says which firmware files there are, which machines each is for, what a
// machine's baseline lacks, and in which order files go on. It is pure: no bytes, no BMC, no
// clock.
package firmware

import (
	"path"
	"regexp"
	"strings"
	"time"

	"rackwright/fault"
)

// File is a firmware file in the catalogue. Its digest never changes under its name.
type File struct {
	Name      string    `json:"name" doc:"Unique, e.g. x1-bios-2.4.1"`
	Component string    `json:"component" doc:"bios, bmc, or the component as in a model's firmware baseline"`
	Version   string    `json:"version" doc:"What the component says when the file is on it"`
	Vendor    string    `json:"vendor,omitempty" doc:"Of the machine; empty: any"`
	Models    []string  `json:"models,omitempty" nullable:"false" doc:"Machine models it is for, as the plan or the machine names them; a * at the end matches the rest"`
	From      []string  `json:"from,omitempty" nullable:"false" doc:"Versions it may be put on; none: any. A * at the end matches the rest"`
	Requires  []Need    `json:"requires,omitempty" nullable:"false" doc:"Versions that other components must run before"`
	Reset     Reset     `json:"reset" enum:"host,bmc,none" doc:"What makes it run: a reset of the machine, of the BMC (which does it itself), or nothing"`
	Digest    string    `json:"digest" doc:"sha256: and the SHA-256 of the file, hexadecimal"`
	Size      int64     `json:"size" doc:"Bytes"`
	Original  string    `json:"original" doc:"The vendor's file name, which the BMC is shown: some look at it"`
	Created   time.Time `json:"created_at"`
}

// Reset is what makes new firmware run.
type Reset string

// The resets.
const (
	ResetHost Reset = "host"
	ResetBMC  Reset = "bmc"
	ResetNone Reset = "none"
)

// Need is a component at a version or a later one.
type Need struct {
	Component string `json:"component"`
	AtLeast   string `json:"at_least"`
}

// Pick is a file chosen for one machine.
type Pick struct {
	File      string `json:"file"`
	Digest    string `json:"digest"`
	Size      int64  `json:"size"`
	Original  string `json:"original"`
	Component string `json:"component"`
	From      string `json:"from,omitempty" doc:"The version that was there when it was chosen"`
	To        string `json:"to"`
	Reset     Reset  `json:"reset" enum:"host,bmc,none"`
	Stage     int    `json:"stage" doc:"Files of one stage share one reset of the machine"`
}

// Limits of the catalogue.
const (
	MaxBytes = 4 << 30 // of a file; the largest vendors' bundles have about 2 GiB
	maxList  = 100     // models, versions or needs of a file
	maxText  = 128     // bytes of a name or version
)

var (
	fileName     = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)
	originalName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+-]{0,127}$`)
)

// Complete fills in what follows from the rest and returns Invalid, naming every bad
// field, for a file that no machine could be given.
func (f *File) Complete() error {
	bad := &fault.Error{Kind: fault.Invalid, Message: "the description of the firmware file is wrong", Hint: "'rackwright firmware add --help' has an example"}
	say := func(field, message string) {
		bad.Fields = append(bad.Fields, fault.Field{Path: field, Message: message})
	}
	if !fileName.MatchString(f.Name) || f.Name == "compliance" {
		say("name", "is not a file's name: 1 to 63 of a-z, 0-9, '.', '_' and '-', the first a letter or digit, and not 'compliance'")
	}
	for field, text := range map[string]string{"component": f.Component, "version": f.Version} {
		if !plain(text) {
			say(field, "is needed: 1 to 128 printable characters")
		}
	}
	if f.Vendor != "" && !plain(f.Vendor) {
		say("vendor", "has more than 128 characters, or some that cannot be printed")
	}
	for field, list := range map[string][]string{"model": f.Models, "from": f.From} {
		for _, text := range list {
			if !plain(text) || len(list) > maxList || text == "*" {
				say(field, "has to be up to 100 names of 1 to 128 printable characters; leave it out for any")
				break
			}
		}
	}
	if len(f.Models) == 0 && f.Vendor == "" {
		say("model", "is needed, or a vendor: a file for every machine of the world is a mistake")
	}
	for _, n := range f.Requires {
		if !plain(n.Component) || !plain(n.AtLeast) || len(f.Requires) > maxList || Key(n.Component) == Key(f.Component) {
			say("requires", "is COMPONENT=VERSION of another component; for its own use from")
			break
		}
	}
	if f.Original = path.Base(strings.ReplaceAll(f.Original, `\`, "/")); !originalName.MatchString(f.Original) {
		say("original", "is the vendor's file name: letters, digits, '.', '_', '+' and '-'")
	}
	switch f.Reset {
	case "":
		f.Reset = resetOf(f.Component)
	case ResetHost, ResetBMC, ResetNone:
	default:
		say("reset", "is host, bmc or none")
	}
	if len(bad.Fields) > 0 {
		return bad
	}
	return nil
}

// resetOf is what makes a component's new firmware run unless the file says otherwise.
func resetOf(component string) Reset {
	if Key(component) == "bmc" {
		return ResetBMC
	}
	return ResetHost
}

func plain(s string) bool {
	return s != "" && len(s) <= maxText && strings.TrimSpace(s) == s && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0xfffd })
}

// ParseNeed reads COMPONENT=VERSION.
func ParseNeed(s string) (Need, error) {
	component, version, ok := strings.Cut(s, "=")
	if n := (Need{Component: strings.TrimSpace(component), AtLeast: strings.TrimSpace(version)}); ok && plain(n.Component) && plain(n.AtLeast) {
		return n, nil
	}
	return Need{}, fault.Invalidf("%.80q names no component and version", s).WithHint("write it as bmc=1.2: the component, and the lowest version that will do")
}
