package redfish

import (
	"net/http"
	"strings"
)

// router finds the handler of a request. It is not http.ServeMux, which takes milliseconds
// and a hundred kilobytes for a hundred patterns: a rack has thousands of BMCs.
type router struct {
	handlers map[route]http.HandlerFunc
}

// route is a method and a path, whose last segment may be member.
type route struct{ method, path string }

// member stands for the id of a collection's member.
const member = "{id}"

// HandleFunc takes patterns like those of http.ServeMux: "GET /redfish/v1/Chassis/{id}".
func (m *router) HandleFunc(pattern string, h http.HandlerFunc) {
	method, path, _ := strings.Cut(pattern, " ")
	m.handlers[route{method, path}] = h
}

// find prefers a path over a member's, and sets the request's path value "id".
func (m *router) find(method string, r *http.Request) http.HandlerFunc {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if h := m.handlers[route{method, r.URL.Path}]; h != nil {
		return h
	}
	i := strings.LastIndexByte(r.URL.Path, '/')
	if i < 0 {
		return nil
	}
	r.SetPathValue("id", r.URL.Path[i+1:])
	return m.handlers[route{method, r.URL.Path[:i+1] + member}]
}

// ServeHTTP answers 405 where another method would work, else 404.
func (m *router) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h := m.find(r.Method, r); h != nil {
		h(w, r)
		return
	}
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodDelete} {
		if m.find(method, r) != nil {
			allowed = append(allowed, method)
		}
	}
	if allowed != nil {
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		refuse(http.StatusMethodNotAllowed, msgOperationNotAllowed).write(w)
		return
	}
	refuse(http.StatusNotFound, msgURINotFound, r.URL.Path).write(w)
}
