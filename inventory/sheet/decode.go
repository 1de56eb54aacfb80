package sheet

import (
	"bytes"
	"encoding/csv"
	"io"
	"strings"
	"unicode/utf8"

	"rackwright/fault"
)

// decode reads the text as spreadsheets write it: with or without a byte order mark.
func decode(r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return nil, fault.Invalidf("read the sheet: %w", err)
	}
	hint := "save it as \"CSV UTF-8\""
	switch {
	case len(text) > MaxBytes:
		return nil, fault.Invalidf("the sheet is larger than %d MiB", MaxBytes>>20).WithHint("import it in parts, e.g. a file a row of racks")
	case bytes.HasPrefix(text, []byte("PK\x03\x04")), bytes.HasPrefix(text, []byte("\xd0\xcf\x11\xe0")):
		return nil, fault.Invalidf("this is a workbook, not CSV").WithHint("%s", hint)
	case bytes.HasPrefix(text, []byte("\xff\xfe")), bytes.HasPrefix(text, []byte("\xfe\xff")):
		return nil, fault.Invalidf("the sheet is in UTF-16").WithHint("%s", hint)
	}
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0 {
		return nil, fault.Invalidf("the sheet is not UTF-8 text").WithHint("%s", hint)
	}
	return text, nil
}

// reader splits the text at the separator its first line uses most: comma, semicolon or
// tab. A line "sep=;" before it says which, and is no row.
func reader(text []byte) *csv.Reader {
	comma := ','
	first, rest, _ := bytes.Cut(text, []byte("\n"))
	named := strings.TrimRight(string(first), "\r")
	if sep, is := strings.CutPrefix(strings.ToLower(named), "sep="); is && len(sep) == 1 && strings.Contains(",;\t|", sep) {
		comma, text = rune(sep[0]), append([]byte("\n"), rest...) // lines keep their numbers
	} else {
		comma = separator(text)
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.Comma, r.FieldsPerRecord = comma, -1
	return r
}

// separator counts separators outside quotes in the first line that is not empty.
func separator(text []byte) rune {
	counts, quoted, said := map[byte]int{}, false, false
	for _, c := range text {
		switch {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '\n' && said:
			return most(counts)
		case c == ',' || c == ';' || c == '\t':
			counts[c]++
		}
		said = said || c > ' ' && c != ',' && c != ';'
	}
	return most(counts)
}

func most(counts map[byte]int) rune {
	best := byte(',')
	for _, c := range []byte{';', '\t'} {
		if counts[c] > counts[best] {
			best = c
		}
	}
	return rune(best)
}
