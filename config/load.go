package config

import (
	"errors"
	"io"
	"os"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"rackwright/fault"
)

const maxFile = 1 << 20

// Load reads the file at path over the defaults and checks it. Every unknown key and
// every bad value is named with its line where there is one, all at once.
func Load(path string) (Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return Config{}, fault.Invalidf("the configuration cannot be read: %w", err).
			WithHint("give an existing file with --config; without one the defaults apply")
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return Config{}, fault.Invalidf("the configuration cannot be read: %w", err)
	}
	c, err := Parse(text)
	if e, ok := errors.AsType[*fault.Error](err); ok {
		e.Message = path + ": " + e.Message
	}
	return c, err
}

// Parse is Load of a text.
func Parse(text []byte) (Config, error) {
	if len(text) > maxFile {
		return Config{}, fault.Invalidf("the configuration is larger than %d bytes", maxFile)
	}
	c := defaults(stateDir(os.Geteuid(), os.Getenv))
	if err := toml.NewDecoder(strings.NewReader(string(text))).DisallowUnknownFields().Decode(&c); err != nil {
		return Config{}, explain(err)
	}
	if fields := c.check(lines(text)); len(fields) > 0 {
		return Config{}, invalid("correct the values named", fields)
	}
	c.fillPaths()
	return c, nil
}

func invalid(hint string, fields []fault.Field) error {
	e := fault.Invalidf("the configuration is wrong")
	e.Fields = fields
	return e.WithHint("%s", hint)
}
