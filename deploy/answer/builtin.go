package answer

import (
	"embed"
	"slices"
	"strings"
)

//go:embed templates/*.tmpl
var templates embed.FS

// Builtin returns a built-in template by name, e.g. "preseed.cfg.tmpl".
func Builtin(name string) (string, bool) {
	b, err := templates.ReadFile("templates/" + name)
	return string(b), err == nil
}

// Named is a built-in template.
type Named struct {
	Name string `json:"name"`
	Form Form   `json:"form"`
	For  string `json:"for" doc:"What it makes"`
}

// Builtins lists the built-in templates.
func Builtins() []Named {
	var out []Named
	for _, f := range append(Forms(), None) {
		for _, file := range f.Files() {
			out = append(out, Named{file + ".tmpl", f, purpose(file)})
		}
		out = append(out, Named{string(f) + ".args.tmpl", f, purpose("args")})
	}
	return slices.DeleteFunc(out, func(n Named) bool { _, ok := Builtin(n.Name); return !ok })
}

func purpose(file string) string {
	return map[string]string{
		"preseed.cfg": "Debian's installer", "late.sh": "Debian's installer, the last steps", "ks.cfg": "Anaconda (Fedora, RHEL and its relatives)",
		"user-data": "Ubuntu's installer", "meta-data": "Ubuntu's installer, instance id and host name", "vendor-data": "Ubuntu's installer, nothing",
		"config.ign": "the installed Flatcar or CoreOS", "install.ign": "a netbooted Flatcar that installs itself", "args": "kernel arguments",
	}[strings.TrimSuffix(file, ".tmpl")]
}
