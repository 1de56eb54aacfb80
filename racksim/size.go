package racksim

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Size is a number of bytes, written like 2GiB, 500MB or 1073741824.
type Size int64

// ParseSize reads a size with a binary (KiB, MiB, GiB, TiB) or decimal (KB, MB,
// GB, TB) unit, or plain bytes.
func ParseSize(text string) (Size, error) {
	digits := text[:len(text)-len(strings.TrimLeft(text, "0123456789"))]
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a size: write it like 2GiB", text)
	}
	unit, ok := sizeUnit(strings.TrimSpace(text[len(digits):]))
	if !ok {
		return 0, fmt.Errorf("%q has no unit known here: use KiB, MiB, GiB, TiB, KB, MB, GB, TB or none for bytes", text)
	}
	if n > (1<<62)/unit {
		return 0, fmt.Errorf("%q is too large", text)
	}
	return Size(n * unit), nil
}

func sizeUnit(unit string) (int64, bool) {
	switch unit {
	case "", "B":
		return 1, true
	case "KiB":
		return 1 << 10, true
	case "MiB":
		return 1 << 20, true
	case "GiB":
		return 1 << 30, true
	case "TiB":
		return 1 << 40, true
	case "KB":
		return 1e3, true
	case "MB":
		return 1e6, true
	case "GB":
		return 1e9, true
	case "TB":
		return 1e12, true
	}
	return 0, false
}

// UnmarshalYAML reads a size from a rack file.
func (s *Size) UnmarshalYAML(node *yaml.Node) error {
	size, err := ParseSize(node.Value)
	if err != nil {
		return fmt.Errorf("line %d: %w", node.Line, err)
	}
	*s = size
	return nil
}
