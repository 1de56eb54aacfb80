package verify

import (
	"strconv"
	"strings"
)

// maxName bounds names that come from firmware and switches.
const maxName = 128

// placeWords are what vendors write around the name of a place.
var placeWords = []string{"dimm", "slot", "bay", "disk", "drive", "socket", "cpu", "processor", "proc", "psu", "powersupply", "power", "supply", "memory", "module", "devicelocator"}

// Location is the name of a place in one form: "DIMM_A1", "DIMM A1", "A1" and "a01" are
// "a1". Numbers that follow each other stay apart: "PROC 1 DIMM 3" is "1.3". A name of
// nothing but such words stays as it is, in lower case.
func Location(s string) string {
	s = strings.ToLower(strings.TrimSpace(cut(s)))
	whole := s
	s, _, _ = strings.Cut(s, ":")
	var out []string
	for _, run := range runs(s) {
		if !isDigit(run[0]) {
			run = stripWords(run)
		} else {
			run = plainNumber(run)
		}
		if run != "" {
			out = append(out, run)
		}
	}
	if len(out) == 0 {
		return whole
	}
	return join(out)
}

// join puts runs together, with a dot between two numbers.
func join(parts []string) string {
	var b strings.Builder
	for i, p := range parts {
		if i > 0 && isDigit(p[0]) == isDigit(parts[i-1][len(parts[i-1])-1]) {
			b.WriteByte('.')
		}
		b.WriteString(p)
	}
	return b.String()
}

func cut(s string) string {
	if len(s) > maxName {
		s = s[:maxName]
	}
	return strings.ToValidUTF8(s, "")
}

// runs splits a name into runs of letters and runs of digits; the rest only separates.
func runs(s string) []string {
	var out []string
	start := -1
	for i := 0; i <= len(s); i++ {
		in := i < len(s) && (isDigit(s[i]) || isLetter(s[i]))
		if start >= 0 && (!in || isDigit(s[i]) != isDigit(s[start])) {
			out = append(out, s[start:i])
			start = -1
		}
		if in && start < 0 {
			start = i
		}
	}
	return out
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

func stripWords(s string) string {
	for again := true; again; {
		again = false
		for _, w := range placeWords {
			if rest, ok := strings.CutPrefix(s, w); ok {
				s, again = rest, true
			}
		}
	}
	return s
}

// plainNumber drops leading zeros.
func plainNumber(s string) string {
	if s = strings.TrimLeft(s, "0"); s == "" {
		return "0"
	}
	return s
}

// PortKey is the name of a switch's port in one form: "Ethernet14", "Eth1/14", "1/14" and
// "14" are "14"; a module or unit 0 or 1 in front says nothing, any other stays
// ("Eth2/14" is "2/14"). A breakout's lane stays ("swp1s0" is "1s0"), and a management
// port is never an ordinary one ("mgmt0" is "mgmt0", "Management1" is "mgmt1").
func PortKey(s string) string {
	key := strings.Join(strings.Fields(strings.ToLower(cut(s))), " ")
	for range maxName { // what is left may have a prefix in front again
		next := portKey(key)
		if next == key {
			break
		}
		key = next
	}
	return key
}

func portKey(s string) string {
	prefix, rest := s, ""
	if at := strings.IndexAny(s, "0123456789"); at >= 0 {
		prefix, rest = s[:at], s[at:]
	}
	if rest == "" || isHardwareAddress(s) {
		return s
	}
	numbers := strings.FieldsFunc(rest, func(r rune) bool { return r == '/' || r == '.' || r == ':' || r == '-' || r == '_' || r == ' ' })
	for i, n := range numbers {
		if _, err := strconv.Atoi(n); err == nil {
			numbers[i] = plainNumber(n)
		}
	}
	for len(numbers) > 1 && (numbers[0] == "0" || numbers[0] == "1") {
		numbers = numbers[1:]
	}
	key := strings.Join(numbers, "/")
	if strings.HasPrefix(prefix, "ma") || strings.HasPrefix(prefix, "mgm") || strings.HasPrefix(prefix, "me") {
		return "mgmt" + key
	}
	return key
}

// isHardwareAddress tells a port id that is a MAC (IEEE 802.1AB-2016, table 8-3) from a
// name.
func isHardwareAddress(s string) bool {
	return len(s) == 17 && strings.Count(s, ":") == 5 || len(s) == 17 && strings.Count(s, "-") == 5
}

// number is the last number in a port's name and what stands before it; -1 for none.
func number(port string) (prefix string, n int) {
	end := len(port)
	start := end
	for start > 0 && isDigit(port[start-1]) {
		start--
	}
	if start == end || end-start > 6 {
		return port, -1
	}
	n, _ = strconv.Atoi(port[start:])
	return port[:start], n
}
