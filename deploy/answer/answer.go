// Package answer renders what an installer asks and what its kernel is told: files and
// kernel arguments made from templates and one machine's values. Templates are strict and
// bounded: a mistake is an error before anything boots. It stores and serves nothing.
package answer

import (
	"cmp"
	"slices"

	"rackwright/fault"
)

// Form is how an installer wants its answers.
type Form string

// The forms.
const (
	None        Form = "none"
	Preseed     Form = "preseed"     // Debian's debconf preseeding
	Kickstart   Form = "kickstart"   // Red Hat's Anaconda
	Autoinstall Form = "autoinstall" // Ubuntu's Subiquity, by cloud-init's NoCloud
	Ignition    Form = "ignition"    // Flatcar and CoreOS
)

// Forms lists those with answers.
func Forms() []Form { return []Form{Preseed, Kickstart, Autoinstall, Ignition} }

// Main is the file of a form that an image's or an order's own template stands for, "" for
// a form without answers.
func (f Form) Main() string {
	if files := f.Files(); len(files) > 0 {
		return files[0]
	}
	return ""
}

// Files names the files of a form as the installer asks for them, the main one first.
func (f Form) Files() []string {
	switch f {
	case Preseed:
		return []string{"preseed.cfg", "late.sh"}
	case Kickstart:
		return []string{"ks.cfg"}
	case Autoinstall:
		return []string{"user-data", "meta-data", "vendor-data"}
	case Ignition:
		return []string{"config.ign", "install.ign"}
	}
	return nil
}

// File is a rendered file.
type File struct {
	Name    string `json:"name"`
	Content string `json:"content"`
}

// Sheet is what one deployment says to an installer besides the values: the form, and
// templates in place of the built-in ones, "" for those.
type Sheet struct {
	Form     Form
	Template string // of the form's main file
	Args     string // of the kernel arguments
}

// Check refuses a sheet whose templates cannot be read, whatever the machine.
func (s Sheet) Check() error {
	if s.Form != "" && s.Form != None && !slices.Contains(Forms(), s.Form) {
		return fault.Invalidf("there is no form of answers %q", s.Form).WithHint("forms are none and %v", Forms())
	}
	if s.Template != "" && s.Form.Main() == "" {
		return fault.Invalidf("a template of answers needs a form").WithHint("say which of %v the installer reads", Forms())
	}
	if _, err := parseTemplate("template", s.Template); err != nil {
		return err
	}
	_, err := parseTemplate("kernel arguments", s.Args)
	return err
}

// Answers renders every file of the sheet.
func (s Sheet) Answers(d Data) ([]File, error) {
	var out []File
	for _, name := range s.Form.Files() {
		content, err := s.Answer(name, d)
		if err != nil {
			return nil, err
		}
		out = append(out, File{name, content})
	}
	return out, nil
}

// Answer renders one file of the sheet; NotFound when it has none of that name.
func (s Sheet) Answer(name string, d Data) (string, error) {
	if !slices.Contains(s.Form.Files(), name) {
		return "", fault.NotFoundf("there is no answer file %q", name)
	}
	text, title := s.Template, "template"
	if text == "" || name != s.Form.Main() {
		title = name + ".tmpl"
		text, _ = Builtin(title)
	}
	content, err := render(title, text, d)
	if err != nil {
		return "", err
	}
	return content, proven(s.Form, name, content)
}

// KernelArgs renders the kernel arguments.
func (s Sheet) KernelArgs(d Data) (string, error) {
	text, title := s.Args, "kernel arguments"
	if text == "" {
		title = string(cmp.Or(s.Form, None)) + ".args.tmpl"
		text, _ = Builtin(title)
	}
	line, err := render(title, text, d)
	if err != nil {
		return "", err
	}
	return oneLine(title, line)
}
