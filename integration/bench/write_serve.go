package main

import (
	"net"
	"net/http"
	"path/filepath"
)

// serve gives out the image's forms.
func (w *writeBench) serve() (stop func(), err error) {
	mux := http.NewServeMux()
	mux.Handle("GET /chunks/{blob}", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		f, err := w.store.Chunk(r.PathValue("blob"))
		if err != nil {
			http.NotFound(rw, r)
			return
		}
		defer f.Close()
		st, _ := f.Stat()
		http.ServeContent(rw, r, "", st.ModTime(), f)
	}))
	mux.Handle("GET /manifest/{digest}", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		b, err := w.store.Manifest(r.PathValue("digest"))
		if err != nil {
			http.NotFound(rw, r)
			return
		}
		_, _ = rw.Write(b)
	}))
	mux.Handle("GET /image.zst", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		http.ServeFile(rw, r, filepath.Join(w.dir, "image.zst"))
	}))
	l, err := net.Listen("tcp", ":0") // of the bench's own network
	if err != nil {
		return nil, err
	}
	w.port = l.Addr().(*net.TCPAddr).Port
	s := &http.Server{Handler: mux}
	go func() { _ = s.Serve(l) }()
	return func() { _ = s.Close() }, nil
}
