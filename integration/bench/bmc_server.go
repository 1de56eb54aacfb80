package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// hallBMCs are scripted BMCs behind one listener: which one is asked is the address of the
// request. They know of sessions and of one system each, take latency for every answer,
// and every fifth hangs on demand.
type hallBMCs struct {
	latency time.Duration
	hang    atomic.Bool
	next    atomic.Int64

	mu       sync.Mutex
	sessions map[string]map[string]bool // tokens by BMC
	most     int                        // sessions that one BMC had at once
	logins   int
}

// serveBMCs serves until ctx ends.
func serveBMCs(ctx context.Context, listen string) error {
	cert, err := hallCertificate()
	if err != nil {
		return err
	}
	h := &hallBMCs{latency: 50 * time.Millisecond, sessions: map[string]map[string]bool{}}
	srv := &http.Server{Addr: listen, Handler: h, TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}}, ReadHeaderTimeout: time.Minute,
		ErrorLog: log.New(io.Discard, "", 0)}
	defer context.AfterFunc(ctx, func() { srv.Close() })()
	if err := srv.ListenAndServeTLS("", ""); err != http.ErrServerClosed {
		return err
	}
	return nil
}

func hallCertificate() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	form := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, form, form, &key.PublicKey, key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

// ServeHTTP implements http.Handler.
func (h *hallBMCs) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/bench/") {
		h.control(w, r)
		return
	}
	at, _ := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	who, _ := netip.AddrFromSlice(at.IP.To4())
	if h.hang.Load() && hangs(who) {
		<-r.Context().Done()
		return
	}
	time.Sleep(h.latency)
	token := r.Header.Get("X-Auth-Token")
	const sessions = "/redfish/v1/SessionService/Sessions"
	switch {
	case r.URL.Path == "/redfish/v1/" && r.Method == http.MethodGet:
		say(w, http.StatusOK, map[string]any{"@odata.id": "/redfish/v1/", "Id": "RootService", "RedfishVersion": "1.11.0", "Vendor": "Acme",
			"Systems": linkTo("/redfish/v1/Systems"), "Links": map[string]any{"Sessions": linkTo(sessions)}})
	case r.URL.Path == sessions && r.Method == http.MethodPost:
		token := h.login(who.String())
		w.Header().Set("X-Auth-Token", token)
		w.Header().Set("Location", sessions+"/"+token)
		say(w, http.StatusCreated, linkTo(sessions+"/"+token))
	case !h.known(who.String(), token):
		w.WriteHeader(http.StatusUnauthorized)
	case strings.HasPrefix(r.URL.Path, sessions+"/") && r.Method == http.MethodDelete:
		h.logout(who.String(), token)
		w.WriteHeader(http.StatusNoContent)
	case r.URL.Path == "/redfish/v1/Systems":
		say(w, http.StatusOK, map[string]any{"@odata.id": r.URL.Path, "Members": []any{linkTo("/redfish/v1/Systems/1")}, "Members@odata.count": 1})
	case r.URL.Path == "/redfish/v1/Systems/1":
		say(w, http.StatusOK, map[string]any{"@odata.id": r.URL.Path, "Id": "1", "Name": "System", "SystemType": "Physical", "Manufacturer": "Acme", "Model": "R1",
			"SerialNumber": "SN" + who.String(), "PowerState": "On", "Links": map[string]any{"ManagedBy": []any{linkTo("/redfish/v1/Managers/1")}},
			"Actions": map[string]any{"#ComputerSystem.Reset": map[string]any{"target": "/redfish/v1/Systems/1/Actions/ComputerSystem.Reset"}}})
	case r.URL.Path == "/redfish/v1/Managers/1":
		say(w, http.StatusOK, map[string]any{"@odata.id": r.URL.Path, "Id": "1", "Name": "BMC", "Model": "AcmeBMC", "FirmwareVersion": "1.0"})
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// control lets the bench make BMCs hang, and tells what was seen.
func (h *hallBMCs) control(w http.ResponseWriter, r *http.Request) {
	h.hang.Store(strings.HasSuffix(r.URL.Path, "/hang"))
	h.mu.Lock()
	defer h.mu.Unlock()
	open := 0
	for _, tokens := range h.sessions {
		open += len(tokens)
	}
	say(w, http.StatusOK, seenByBMCs{Open: open, Most: h.most, Logins: h.logins})
}

// seenByBMCs is what the BMCs say of us.
type seenByBMCs struct{ Open, Most, Logins int }

func (h *hallBMCs) login(who string) string {
	token := fmt.Sprint(h.next.Add(1))
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.sessions[who] == nil {
		h.sessions[who] = map[string]bool{}
	}
	h.sessions[who][token] = true
	h.most, h.logins = max(h.most, len(h.sessions[who])), h.logins+1
	return token
}

func (h *hallBMCs) known(who, token string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.sessions[who][token]
}

func (h *hallBMCs) logout(who, token string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.sessions[who], token)
}

func linkTo(uri string) map[string]any { return map[string]any{"@odata.id": uri} }

func say(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // who asked may be gone
}
