package main

import (
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"rackwright/api"
	"rackwright/api/apitest"
)

// A hint that is put together as it is given names a command that there is, too.
func TestWhoAsksForWhatIsNotThereIsToldACommandThatIs(t *testing.T) {
	text, err := os.ReadFile("../../api/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths map[string]map[string]any `json:"paths"`
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	s := apitest.Rack(t)
	server := apitest.Serve(t, api.Options{Store: s})
	parameter, quoted, seen := regexp.MustCompile(`{[^}]*}`), regexp.MustCompile(`'rackwright ([^']*)`), 0
	for path, methods := range doc.Paths {
		for method := range methods {
			if method != "get" && method != "delete" || !strings.Contains(path, "{") || strings.Contains(path, "{address}") {
				continue
			}
			for _, m := range quoted.FindAllStringSubmatch(hintOf(t, strings.ToUpper(method), server+parameter.ReplaceAllString(path, "nobody")), -1) {
				seen++
				if why := notThere(m[1]); why != "" {
					t.Errorf("%s %s: %q: %s", method, path, m[0], why)
				}
			}
		}
	}
	if seen < 30 {
		t.Errorf("only %d commands were named", seen)
	}
}

// hintOf is the hint of an answer, "" for one that is no problem.
func hintOf(t *testing.T, method, url string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+apitest.AdminSecret)
	r.Header.Set("If-Match", "*")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var p struct {
		Hint string `json:"hint"`
	}
	if answer.StatusCode != http.StatusNotFound || json.NewDecoder(answer.Body).Decode(&p) != nil {
		return ""
	}
	return p.Hint
}
