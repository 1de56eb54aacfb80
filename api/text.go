package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"rackwright/fault"
)

// jsonFormat is huma's JSON without the character NUL, which PostgreSQL has no place for
// in a text: both databases refuse it alike, and in words.
func jsonFormat() huma.Format {
	f := huma.DefaultJSONFormat
	f.Unmarshal = func(data []byte, v any) error {
		if hasNUL(data) {
			return fault.Invalidf("a text holds the character NUL")
		}
		if err := json.Unmarshal(data, v); err != nil {
			return err
		}
		if _, checked := v.(*any); checked { // what is checked against the schema, and so comes first
			if name, twice := memberTwice(data); twice {
				return fault.Invalidf("an object has the member %.64q twice", name)
			}
		}
		return nil
	}
	return f
}

// memberTwice finds a name that an object of a JSON text has two times (RFC 8259 section 4):
// what is checked is the last of them, but a decoder goes on from the first. The text is one
// that json.Unmarshal takes.
func memberTwice(data []byte) (name string, twice bool) {
	var open []map[string]bool // the names seen in each object around a place, nil for a list
	named := false             // the next text is a name
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '{':
			open, named = append(open, map[string]bool{}), true
		case '[':
			open, named = append(open, nil), false
		case '}', ']':
			open = open[:len(open)-1]
		case ',':
			named = open[len(open)-1] != nil
		case '"':
			from := i
			for i++; data[i] != '"'; i++ {
				if data[i] == '\\' {
					i++
				}
			}
			if !named {
				continue
			}
			named = false
			_ = json.Unmarshal(data[from:i+1], &name)
			if open[len(open)-1][name] {
				return name, true
			}
			open[len(open)-1][name] = true
		}
	}
	return "", false
}

// hasNUL reports whether a JSON text writes NUL, which it can only as an escape (RFC 8259
// section 7). A backslash before it may itself be escaped.
func hasNUL(data []byte) bool {
	for {
		at := bytes.Index(data, []byte(`\u0000`))
		if at < 0 {
			return false
		}
		slashes := 0
		for at-slashes > 0 && data[at-slashes-1] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return true
		}
		data = data[at+len(`\u0000`):]
	}
}

// readable refuses a path or query with NUL in it, and a query that is none.
func (s *server) readable(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.ContainsRune(r.URL.Path, 0) || strings.Contains(r.URL.RawQuery, "%00") {
			newProblem(r.Context(), http.StatusUnprocessableEntity, "the path or query holds the character NUL", "leave it out").write(w)
			return
		}
		if _, err := url.ParseQuery(r.URL.RawQuery); err != nil { // what cannot be read would be left out
			newProblem(r.Context(), http.StatusBadRequest, "the query cannot be read: it has a % without two hexadecimal digits behind it, or a semicolon", "write such characters as %25 and %3B").write(w)
			return
		}
		next.ServeHTTP(w, r)
	})
}
