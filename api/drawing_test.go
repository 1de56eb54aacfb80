package api_test

import (
	"strings"
	"testing"
)

func TestARackIsDrawnForBrowsersThatRunNothing(t *testing.T) {
	_, url := rack(t)
	answer, svg := ask(t, "GET", url+"/racks/r1/elevation.svg?face=front&links=true", "")
	if answer.StatusCode != 200 || answer.Header.Get("Content-Type") != "image/svg+xml" {
		t.Fatalf("%s %s: %s", answer.Status, answer.Header.Get("Content-Type"), svg)
	}
	if p := answer.Header.Get("Content-Security-Policy"); !strings.Contains(p, "default-src 'none'") || answer.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("policy %q", p)
	}
	if !strings.HasPrefix(svg, "<svg ") || !strings.Contains(svg, `href="/api/v1/machines/m1"`) || strings.Contains(svg, "r1 rear") {
		t.Errorf("drawn %.300s", svg)
	}
	for path, want := range map[string]int{"/racks/r9/elevation.svg": 404, "/racks/r1/elevation.svg?face=top": 422} {
		if answer, text := ask(t, "GET", url+path, ""); answer.StatusCode != want || !strings.Contains(text, "urn:rackwright:problem:") {
			t.Errorf("%s: %s %s", path, answer.Status, text)
		}
	}
	if answer, _ := ask(t, "GET", url+"/racks/r1/elevation.svg", "", "Authorization: "); answer.StatusCode != 401 {
		t.Errorf("without a token: %s", answer.Status)
	}
}

func TestLabelsComeAsSVGAndPDF(t *testing.T) {
	_, url := rack(t)
	for path, want := range map[string]string{
		"/racks/r1/labels.svg?kind=machines":                  "<svg ",
		"/racks/r1/labels.pdf?kind=rack":                      "%PDF-",
		"/racks/r1/labels.pdf?kind=machines&columns=3&rows=8": "%PDF-",
		"/machines/m1/label.svg":                              "<svg ",
		"/machines/m1/label.pdf?width=100&height=50":          "%PDF-",
	} {
		answer, text := ask(t, "GET", url+path, "")
		kind := map[string]string{"<svg ": "image/svg+xml", "%PDF-": "application/pdf"}[want]
		if answer.StatusCode != 200 || !strings.HasPrefix(text, want) || answer.Header.Get("Content-Type") != kind {
			t.Errorf("%s: %s %s %.40q", path, answer.Status, answer.Header.Get("Content-Type"), text)
		}
	}
	if _, svg := ask(t, "GET", url+"/machines/m1/label.svg", ""); !strings.Contains(svg, ">rw:machine:m1<") {
		t.Errorf("label %s", svg)
	}
	for path, want := range map[string]int{
		"/racks/r1/labels.svg?kind=cables": 404, // none planned
		"/racks/r1/labels.svg?kind=doors":  422,
		"/machines/m1/label.pdf?width=3":   422,
		"/machines/m9/label.pdf":           404,
	} {
		if answer, text := ask(t, "GET", url+path, ""); answer.StatusCode != want {
			t.Errorf("%s: %s %s", path, answer.Status, text)
		}
	}
}
