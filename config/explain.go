package config

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"rackwright/fault"
)

// explain turns the parser's error into fields with line numbers. It never quotes the
// text of the file: a password may stand there.
func explain(err error) error {
	if missing, ok := errors.AsType[*toml.StrictMissingError](err); ok {
		return invalid("remove or correct the keys named; the reference configuration documents every key", unknown(missing))
	}
	e, ok := errors.AsType[*toml.DecodeError](err)
	if !ok {
		return fault.Invalidf("the configuration is not TOML").WithHint("compare it with the reference configuration")
	}
	line, _ := e.Position()
	path := strings.Join(e.Key(), ".")
	message := strings.TrimPrefix(e.Error(), "toml: ")
	if want := wanted(path); want != "" && strings.HasPrefix(message, "cannot ") {
		message = want
	}
	if path == "" {
		path = "syntax"
	}
	return invalid("correct the line named; text stands in double quotes",
		[]fault.Field{{Path: path, Message: fmt.Sprintf("line %d: %s", line, message)}})
}

func unknown(missing *toml.StrictMissingError) (fields []fault.Field) {
	for _, e := range missing.Errors {
		line, _ := e.Position()
		path := strings.Join(e.Key(), ".")
		message := fmt.Sprintf("line %d: unknown key", line)
		if near := nearest(path); near != "" {
			message += fmt.Sprintf("; did you mean %s?", near)
		}
		fields = append(fields, fault.Field{Path: path, Message: message})
	}
	return fields
}

// keys maps every dotted key and table of the file to its Go type.
func keys() map[string]reflect.Type {
	found := map[string]reflect.Type{}
	var walk func(prefix string, t reflect.Type)
	walk = func(prefix string, t reflect.Type) {
		for f := range t.Fields() {
			key := prefix + f.Tag.Get("toml")
			found[key] = f.Type
			if f.Type.Kind() == reflect.Struct {
				walk(key+".", f.Type)
			}
		}
	}
	walk("", reflect.TypeFor[Config]())
	return found
}

// wanted says what a key takes.
func wanted(path string) string {
	t, ok := keys()[path]
	if !ok {
		return ""
	}
	switch t.Kind() {
	case reflect.String:
		return "must be text in double quotes"
	case reflect.Bool:
		return "must be true or false"
	case reflect.Int:
		return "must be a whole number"
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Struct {
			return "is a list of tables: write [[" + path + "]] and the keys of each below"
		}
		return `must be a list of texts, like ["eth0"]`
	}
	return "is a table: write [" + path + "] and its keys below"
}

// nearest returns the known key most like an unknown one: the same name in another table,
// or one within a third of its letters; "" when none is near.
func nearest(path string) string {
	leaf := path[strings.LastIndexByte(path, '.')+1:]
	best, score := "", max(1, len(path)/3)+1
	for key := range keys() {
		d := fault.Distance(path, key)
		if strings.HasSuffix(key, "."+leaf) || key == leaf {
			d = min(d, 1)
		}
		if d < score || d == score && best != "" && key < best {
			best, score = key, d
		}
	}
	return best
}

// lines finds where keys are set, for messages about their values.
func lines(text []byte) map[string]int {
	at, table := map[string]int{}, ""
	for i, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			table = strings.Trim(strings.TrimSpace(strings.SplitN(line, "#", 2)[0]), "[] \t") + "."
		} else if key, _, ok := strings.Cut(line, "="); ok {
			at[table+strings.TrimSpace(key)] = i + 1
		}
	}
	return at
}
