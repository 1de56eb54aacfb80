package api

import (
	"bytes"
	"encoding/json"
	"net/http"
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
		return json.Unmarshal(data, v)
	}
	return f
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

// readable refuses a path or query with NUL in it.
func (s *server) readable(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.ContainsRune(r.URL.Path, 0) || strings.Contains(r.URL.RawQuery, "%00") {
			newProblem(r.Context(), http.StatusUnprocessableEntity, "the path or query holds the character NUL", "leave it out").write(w)
			return
		}
		next.ServeHTTP(w, r)
	})
}
