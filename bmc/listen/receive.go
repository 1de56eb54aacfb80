package listen

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"time"

	"rackwright/bmc/redfish"
	"rackwright/fault"
)

// Prefix is the path under which destinations stand.
const Prefix = "/bmc/events/"

// Bounds of what a BMC pushes.
const (
	maxPush  = 256 << 10 // bytes
	pushTime = 10 * time.Second
)

// path is a machine's own destination. Who knows it may send its events, so it is in no
// log and in no answer.
func (t *Task) path(machineID string) string { return Prefix + machineID + "/" + t.secret(machineID) }

func (t *Task) secret(machineID string) string {
	mac := hmac.New(sha256.New, t.Key)
	mac.Write([]byte(machineID))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// Destinations answers what BMCs push (DSP0266 13.5): 204 when it is in the journal, 404
// for whoever does not know a secret.
func (t *Task) Destinations() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+Prefix+"{machine}/{secret}", func(w http.ResponseWriter, r *http.Request) {
		id := r.PathValue("machine")
		if !hmac.Equal([]byte(r.PathValue("secret")), []byte(t.secret(id))) {
			http.NotFound(w, r)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), pushTime)
		defer cancel()
		w.WriteHeader(t.receive(ctx, id, http.MaxBytesReader(w, r.Body, maxPush)))
	})
	return mux
}

// receive journals one push and returns the status that says how that went.
func (t *Task) receive(ctx context.Context, machineID string, body io.Reader) int {
	text, err := io.ReadAll(body)
	if err != nil {
		return http.StatusRequestEntityTooLarge
	}
	sent, _, err := redfish.ParseEvents(text)
	if err != nil {
		return http.StatusBadRequest
	}
	m, err := t.Store.Machine(ctx, machineID)
	if err == nil {
		err = t.pushed(ctx, m, sent)
	}
	switch {
	case err == nil:
		return http.StatusNoContent
	case fault.Is(err, fault.NotFound):
		return http.StatusNotFound
	}
	t.Log.Warn("an event that a BMC pushed is not in the journal", "machine", machineID, "error", err)
	return http.StatusServiceUnavailable
}
