package netlab

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
)

// The bodies of the HTTP interface. PUT sets, DELETE removes; GET / lists everything as Content.
type (
	recordBody struct {
		Name   string   `json:"name"`
		Type   string   `json:"type"`
		Values []string `json:"values,omitempty"`
	}
	fileBody struct {
		Host    string `json:"host"`
		Path    string `json:"path"`
		Content string `json:"content,omitempty"`
	}
	contactsBody struct {
		Domain    string   `json:"domain"`
		Addresses []string `json:"addresses"`
	}
)

func adminHandler(w *World) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(rw).Encode(w.Content())
	})
	mux.Handle("PUT /records", change(func(b recordBody) error { return w.Set(b.Name, b.Type, b.Values...) }))
	mux.Handle("DELETE /records", change(func(b recordBody) error { return w.Remove(b.Name, b.Type) }))
	mux.Handle("PUT /files", change(func(b fileBody) error { return w.SetFile(b.Host, b.Path, b.Content) }))
	mux.Handle("DELETE /files", change(func(b fileBody) error { return w.RemoveFile(b.Host, b.Path) }))
	mux.Handle("PUT /contacts", change(func(b contactsBody) error { return w.SetContacts(b.Domain, b.Addresses...) }))
	return byAddressOnly(http.NewCrossOriginProtection().Handler(mux))
}

// byAddressOnly refuses a browser that was led here by a name which resolves to loopback: it would be same-origin with a stranger.
func byAddressOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if ap, err := netip.ParseAddrPort(r.Host); err != nil || !ap.Addr().IsLoopback() {
			http.Error(rw, "ask by the loopback address", http.StatusForbidden)
			return
		}
		next.ServeHTTP(rw, r)
	})
}

const maxBody = 64 << 10

// change decodes a body strictly and applies it.
func change[B any](apply func(B) error) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		var body B
		d := json.NewDecoder(http.MaxBytesReader(rw, r.Body, maxBody))
		d.DisallowUnknownFields()
		err := d.Decode(&body)
		if err != nil {
			err = fmt.Errorf("netlab: body: %w", err)
		} else {
			err = apply(body)
		}
		if err != nil {
			http.Error(rw, err.Error(), http.StatusBadRequest)
			return
		}
		rw.WriteHeader(http.StatusNoContent)
	})
}
