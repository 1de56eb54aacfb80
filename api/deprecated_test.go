package api

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"
)

func TestARouteThatIsToGoSaysSoInTheDescriptionAndInItsAnswers(t *testing.T) {
	mux := chi.NewMux()
	s := &server{inner: chi.NewMux(), coders: newCoders()}
	s.huma = huma.NewAPI(s.config(), readers{humachi.NewAdapter(mux), s.inner})
	since := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	o := retire(op("GET", "/old", "health", "Old"), retirement{since: since, until: since.AddDate(0, 6, 0), link: "/api/v1/docs#new"})
	route(s, o, func(context.Context, *struct{}) (*body[string], error) { return &body[string]{"x"}, nil })
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/v1/old", nil))
	for name, want := range map[string]string{"Deprecation": "@1798761600", "Sunset": "Thu, 01 Jul 2027 00:00:00 GMT", "Link": `</api/v1/docs#new>; rel="deprecation"`} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if !s.huma.OpenAPI().Paths["/api/v1/old"].Get.Deprecated {
		t.Error("the description does not say so")
	}
}
