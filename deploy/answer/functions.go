package answer

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"text/template"

	"rackwright/fault"
)

// builtins of Go's templates that stay as they are: they make no text.
var builtins = []string{"and", "or", "not", "len", "index", "eq", "ne", "lt", "le", "gt", "ge"}

// Functions lists what a template may call, with one line each.
func Functions() [][2]string {
	return [][2]string{
		{"var NAME [DEFAULT]", "a value given with --var; without a default it must be given"},
		{"default OTHERWISE VALUE", "VALUE, or OTHERWISE where it is empty"},
		{"need WHAT VALUE", "VALUE, or an error that names WHAT where it is empty"},
		{"fail WORDS", "always an error"},
		{"indent N TEXT", "TEXT with N spaces before each line but the first"},
		{"join SEPARATOR LIST", "the values of a list in one line"},
		{"lower TEXT, upper TEXT, trim TEXT", "as they say"},
		{"replace OLD NEW TEXT", "every OLD in TEXT made NEW"},
		{"sh TEXT", "quoted for a POSIX shell"},
		{"json VALUE, yaml VALUE", "as JSON, which YAML reads as well"},
		{"mask BITS", "a prefix length as an IPv4 mask: 24 is 255.255.255.0"},
		{"dataurl TEXT", "as a data: URL (RFC 2397), for Ignition"},
		{"has NAME", "whether the image has a part of that name"},
		{"part NAME", "URL of a part of the image, e.g. a squashfs that the installer loads"},
		{"url FILE", "URL of an answer file"},
		{"printf FORMAT VALUES...", "as in Go"},
		{strings.Join(builtins, ", "), "as in Go's text/template"},
	}
}

func allowed(name string) bool {
	_, ours := (&run{}).functions()[name]
	return ours && name != roundName && !barred(name) || slices.Contains(builtins, name)
}

// barred are Go's functions that nobody needs here and that could make much of little.
func barred(name string) bool {
	return slices.Contains([]string{"print", "println", "html", "js", "urlquery", "call", "slice"}, name)
}

// run is one rendering: its values and what it has spent.
type run struct {
	data   *Data
	rounds int
	spent  int
}

func (r *run) functions() template.FuncMap {
	return template.FuncMap{
		roundName: r.round,
		"var":     r.variable,
		"default": func(otherwise, v any) any {
			if empty(v) {
				return otherwise
			}
			return v
		},
		"need": func(what string, v any) (any, error) {
			if empty(v) {
				return nil, fault.Invalidf("%s is not known", what)
			}
			return v, nil
		},
		"fail": func(words string) (string, error) { return "", fault.Invalidf("%s", words) },
		"indent": func(n int, text string) (string, error) {
			return r.replace("\n", "\n"+strings.Repeat(" ", min(max(n, 0), 80)), strings.TrimRight(text, "\n"))
		},
		"join":    func(sep string, list []string) (string, error) { return r.made(strings.Join(list, sep), nil) },
		"lower":   func(s string) (string, error) { return r.made(strings.ToLower(s), nil) },
		"upper":   func(s string) (string, error) { return r.made(strings.ToUpper(s), nil) },
		"trim":    strings.TrimSpace,
		"replace": r.replace,
		"sh":      func(s string) (string, error) { return r.made("'"+strings.ReplaceAll(s, "'", `'\''`)+"'", nil) },
		"json":    r.json,
		"yaml":    r.json,
		"dataurl": func(s string) (string, error) {
			return r.made("data:;base64,"+base64.StdEncoding.EncodeToString([]byte(s)), nil)
		},
		"mask":   mask,
		"has":    func(part string) bool { return slices.Contains(r.data.parts, part) },
		"part":   r.part,
		"url":    func(file string) string { return r.data.Answers + "/" + file },
		"printf": func(format string, args ...any) (string, error) { return r.made(r.printf(format, args)) },
	}
}

func (r *run) round() (string, error) {
	if r.rounds++; r.rounds > maxRounds {
		return "", fault.Invalidf("its loops have more than %d rounds", maxRounds)
	}
	return "", nil
}

// made counts what functions make, so that a loop cannot double a text for ever.
func (r *run) made(s string, err error) (string, error) {
	if err != nil {
		return "", err
	}
	if r.spent += len(s); r.spent > maxSpent {
		return "", fault.Invalidf("its functions make more than %d MiB", maxSpent>>20)
	}
	return s, nil
}

func (r *run) variable(name string, otherwise ...string) (string, error) {
	if v, ok := r.data.Vars[name]; ok {
		return v, nil
	}
	if len(otherwise) == 1 {
		return otherwise[0], nil
	}
	return "", fault.Invalidf("the variable %q is not given", name)
}

func (r *run) replace(old, with, text string) (string, error) {
	if old == "" {
		return "", fault.Invalidf("nothing can be replaced by something")
	}
	if n := strings.Count(text, old); n*len(with) > maxSpent {
		return "", fault.Invalidf("its functions make more than %d MiB", maxSpent>>20)
	}
	return r.made(strings.ReplaceAll(text, old, with), nil)
}

func (r *run) json(v any) (string, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return "", fault.Invalidf("it is no JSON: %w", err)
	}
	return r.made(strings.TrimSuffix(b.String(), "\n"), nil)
}

// printf knows no width and precision from arguments, and none of more than three digits:
// what it makes is bounded by the number of its verbs and the longest text.
func (r *run) printf(format string, args []any) (string, error) {
	digits := 0
	for _, c := range format {
		switch {
		case c == '*':
			return "", fault.Invalidf("printf takes no width from an argument")
		case c >= '0' && c <= '9':
			if digits++; digits > 3 {
				return "", fault.Invalidf("printf takes no number of more than three digits")
			}
		default:
			digits = 0
		}
	}
	longest := 1000
	for _, a := range args {
		if s, ok := a.(string); ok {
			longest = max(longest, len(s))
		}
	}
	if strings.Count(format, "%")*longest > maxSpent {
		return "", fault.Invalidf("its functions make more than %d MiB", maxSpent>>20)
	}
	return fmt.Sprintf(format, args...), nil
}

func (r *run) part(name string) (string, error) {
	if !slices.Contains(r.data.parts, name) {
		return "", fault.Invalidf("the image has no part %q; it has %s", name, strings.Join(r.data.parts, ", "))
	}
	return r.data.Answers + "/part/" + name, nil
}

func mask(bits int) (string, error) {
	p, err := netip.IPv4Unspecified().Prefix(bits)
	if err != nil || bits < 0 {
		return "", fault.Invalidf("%d is no prefix length", bits)
	}
	m := ^uint32(0) << (32 - p.Bits()) // a shift by 32 gives 0
	return netip.AddrFrom4([4]byte{byte(m >> 24), byte(m >> 16), byte(m >> 8), byte(m)}).String(), nil
}

func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case int:
		return v == 0
	case bool:
		return !v
	case []string:
		return len(v) == 0
	case map[string]string:
		return len(v) == 0
	}
	return false
}
