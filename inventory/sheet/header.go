package sheet

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"rackwright/fault"
)

// column is one column of the sheet and the field it fills; nil is a column left out.
type column struct {
	title string
	field *field
	n     int    // of a numbered field, e.g. the 2 of nic2_mac
	key   string // of a label
}

// id tells two columns of one field apart.
func (c column) id() string {
	return strings.Replace(c.field.name, "#", strconv.Itoa(c.n), 1) + c.key
}

// maxNumber is the highest number of a port or power supply.
const maxNumber = 64

// columns finds out what each column is, and reports at once all that cannot be used.
func (s *Sheet) columns(header []string, o Options) ([]*column, error) {
	if len(header) > maxColumns {
		return nil, fault.Invalidf("the sheet has %d columns; at most %d are read", len(header), maxColumns).WithHint("leave out those that say nothing of machines, and save it again")
	}
	h := heading{sheet: s, options: o, used: map[string]bool{}, first: map[string]string{}}
	out := make([]*column, len(header))
	for i, title := range header {
		out[i] = h.column(title)
	}
	for title := range o.Map {
		if !h.used[strings.ToLower(title)] {
			h.fail(title, "no column has this name, but it is mapped")
		}
	}
	for _, name := range []string{"rack", "name", "u"} {
		if h.first[name] == "" && (name != "u" || h.first["chassis"] == "") {
			f := fieldNamed(name)
			h.fail(name, "no column says it: call one %s, or map it with --map \"Your column=%s\"", strings.Join(f.also[:min(3, len(f.also))], ", "), name)
		}
	}
	if len(h.bad) > 0 {
		return nil, &fault.Error{Kind: fault.Invalid, Message: "the columns cannot be read", Fields: h.bad,
			Hint: "rename a column, map it with --map \"Column=field\" or leave it out with --ignore; fields are " + strings.Join(FieldNames(), ", ")}
	}
	return out, nil
}

// heading is the first line while it is understood.
type heading struct {
	sheet   *Sheet
	options Options
	used    map[string]bool   // mapped titles that were found
	first   map[string]string // field -> title of its column
	bad     []fault.Field
}

func (h *heading) fail(title, format string, args ...any) {
	h.bad = append(h.bad, fault.Field{Path: "column " + title, Message: fmt.Sprintf(format, args...)})
}

// column is what one title means, nil when it is left out or cannot be used.
func (h *heading) column(title string) *column {
	if title == "" {
		return nil
	}
	c, mapped := h.mapped(title)
	switch {
	case mapped && c == nil:
		return nil
	case !mapped && h.ignored(title):
		h.sheet.Ignored = append(h.sheet.Ignored, title)
		return nil
	case !mapped && secret(title):
		h.fail(title, "passwords are not read from a sheet: leave the column out with --ignore, give one for all with --bmc-password-file, or write password_file in a plan")
		return nil
	case !mapped:
		c = known(title)
	}
	if c == nil && slices.Contains(h.options.Ignore, "*") {
		h.sheet.Ignored = append(h.sheet.Ignored, title)
		return nil
	}
	if c == nil {
		h.fail(title, "is not known")
		return nil
	}
	c.title = title
	if first := h.first[c.id()]; first != "" {
		h.fail(title, "says %s, as column %s does", c.id(), first)
		return nil
	}
	h.first[c.id()] = title
	return c
}

// mapped is the field that the caller gave the title, and whether there was one.
func (h *heading) mapped(title string) (*column, bool) {
	for from, to := range h.options.Map {
		if strings.EqualFold(strings.TrimSpace(from), title) {
			h.used[strings.ToLower(from)] = true
			c := exact(to)
			if c == nil {
				h.fail(title, "there is no field %q", to)
			}
			return c, true
		}
	}
	return nil, false
}

func (h *heading) ignored(title string) bool {
	return slices.ContainsFunc(h.options.Ignore, func(i string) bool { return strings.EqualFold(strings.TrimSpace(i), title) })
}

func secret(title string) bool {
	plain := squeeze(title)
	return strings.Contains(plain, "password") || strings.Contains(plain, "passwd") || strings.Contains(plain, "passphrase")
}

var (
	labelTitle = regexp.MustCompile(`(?i)^labels?[.:]\s*([a-z0-9][a-z0-9._/-]{0,62})$`)
	digits     = regexp.MustCompile(`[0-9]+`)
	unsaid     = regexp.MustCompile(`[^a-z0-9#]+`)
)

// squeeze leaves the small letters and digits of a title.
func squeeze(title string) string { return unsaid.ReplaceAllString(strings.ToLower(title), "") }

// exact is the field of a name that --map gives, e.g. nic2_mac.
func exact(name string) *column {
	if m := labelTitle.FindStringSubmatch(name); m != nil {
		return &column{field: fieldNamed("label."), key: m[1]}
	}
	if f := fieldNamed(name); f != nil && f.name != "label." && !strings.Contains(name, "#") {
		return &column{field: f}
	}
	f := fieldNamed(digits.ReplaceAllString(name, "#"))
	n, err := strconv.Atoi(digits.FindString(name))
	if f == nil || err != nil || n > maxNumber {
		return nil
	}
	return &column{field: f, n: n}
}

// known is the field that a title means by itself, nil for none.
func known(title string) *column {
	if m := labelTitle.FindStringSubmatch(title); m != nil {
		return &column{field: fieldNamed("label."), key: m[1]}
	}
	plain := squeeze(strings.ReplaceAll(title, "#", " "))
	if f := byTitle[plain]; f != nil {
		return &column{field: f, n: 1}
	}
	numbers := digits.FindAllString(plain, -1)
	if len(numbers) == 0 {
		return exact(title)
	}
	n, err := strconv.Atoi(numbers[0])
	if f := byTitle[strings.Replace(plain, numbers[0], "#", 1)]; f != nil && err == nil && n <= maxNumber {
		return &column{field: f, n: n}
	}
	return exact(title)
}
