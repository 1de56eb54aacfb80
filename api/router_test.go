package api

import (
	"net/http"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"

	"rackwright/api/wire"
)

func TestTheRouterHasTheRoutesOfTheDocumentAndNoOther(t *testing.T) {
	mux, doc := build(Options{})
	said := map[string]bool{}
	for path, item := range doc.OpenAPI().Paths {
		for method, o := range map[string]*huma.Operation{"GET": item.Get, "HEAD": item.Head, "POST": item.Post, "PUT": item.Put, "PATCH": item.Patch, "DELETE": item.Delete} {
			if o != nil {
				said[method+" "+path] = true
			}
		}
	}
	served := map[string]bool{}
	err := chi.Walk(mux, func(method, path string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		served[method+" "+path] = true
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for route := range said {
		if !served[route] {
			t.Errorf("%s is described and not served", route)
		}
	}
	for _, form := range []string{".json", ".yaml", "-3.0.json", "-3.0.yaml"} { // the document itself, a door too
		path := wire.Prefix + "/openapi" + form
		if !served["GET "+path] || !public(path) {
			t.Errorf("%s is not served, or not to all", path)
		}
		delete(served, "GET "+path)
	}
	for route := range served {
		if !said[route] {
			t.Errorf("%s is served and not described", route)
		}
	}
}
