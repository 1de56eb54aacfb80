// Package netboxtest plays a NetBox: the answers of two generations of its REST API, for
// tests of the import.
package netboxtest

import (
	"embed"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
)

//go:embed testdata
var answers embed.FS

// Generations are the versions whose answers are here: 3.2 has cables with one end a side
// and devices with device_role, 4.2 has MAC addresses as objects and prefixes with scopes.
var Generations = []string{"3.2", "4.2"}

// Token is the one that is accepted.
const Token = "0123456789abcdef0123456789abcdef01234567"

// Objects are the objects of a list, e.g. dcim/sites/.
func Objects(generation, path string) ([]json.RawMessage, error) {
	text, err := answers.ReadFile("testdata/" + generation + "/" + strings.ReplaceAll(strings.Trim(path, "/"), "/", "_") + ".json")
	if err != nil {
		return nil, err
	}
	var out []json.RawMessage
	return out, json.Unmarshal(text, &out)
}

// pageSize is less than what is asked for, as a server may decide.
const pageSize = 4

// Handler answers as a NetBox of that generation below /api/.
func Handler(generation string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Token "+Token {
			http.Error(w, `{"detail": "Invalid token"}`, http.StatusForbidden)
			return
		}
		list, err := Objects(generation, strings.TrimPrefix(r.URL.Path, "/api/"))
		if err != nil {
			http.Error(w, `{"detail": "Not found."}`, http.StatusNotFound)
			return
		}
		offset, _ := strconv.Atoi(r.URL.Query().Get("offset"))
		offset = min(max(offset, 0), len(list))
		end := min(offset+pageSize, len(list))
		page := map[string]any{"count": len(list), "next": nil, "previous": nil, "results": list[offset:end]}
		if end < len(list) {
			q := r.URL.Query()
			q.Set("offset", strconv.Itoa(end))
			page["next"] = fmt.Sprintf("http://%s%s?%s", r.Host, r.URL.Path, q.Encode())
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("API-Version", generation)
		_ = json.NewEncoder(w).Encode(page)
	})
}

// Serve runs one until the test ends and returns its URL.
func Serve(t testing.TB, generation string) string {
	t.Helper()
	server := httptest.NewServer(Handler(generation))
	t.Cleanup(server.Close)
	return server.URL
}
