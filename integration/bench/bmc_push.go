package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime/debug"
	"sync/atomic"

	"rackwright/bmc"
	"rackwright/bmc/redfish"
	"rackwright/fault"
)

// pushedBytes is the size of the firmware that is pushed.
const pushedBytes = 256 << 20

// measurePush pushes firmware to a BMC in this process and reports by how much the process
// grew at most. The BMC keeps nothing of it, so that its share is a buffer.
func measurePush(ctx context.Context, b *bench) error {
	var peak, got atomic.Int64
	server := httptest.NewTLSServer(pushTarget(func(body io.Reader) error {
		block := make([]byte, 64<<10)
		for next := int64(0); ; {
			n, err := body.Read(block)
			if got.Add(int64(n)) >= next { // a look each 4 MiB
				next += 4 << 20
				now, readErr := residentKiB(os.Getpid(), "VmRSS")
				if readErr != nil {
					return readErr
				}
				peak.Store(max(peak.Load(), int64(now)))
			}
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
		}
	}))
	defer server.Close()
	c, err := (&redfish.Dialer{}).Dial(ctx, bmc.Access{Address: server.URL, Username: "root", Password: "bench"})
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	debug.FreeOSMemory()
	before, err := residentKiB(os.Getpid(), "VmRSS")
	if err != nil {
		return err
	}
	if _, err := c.StartUpdate(ctx, bmc.Update{Name: "bench.bin", Size: pushedBytes, Open: func() (io.ReadCloser, error) {
		return io.NopCloser(io.LimitReader(nothing{}, pushedBytes)), nil
	}}); err != nil {
		return err
	}
	if got.Load() < pushedBytes {
		return fault.Internalf("the BMC got %d bytes", got.Load())
	}
	b.tell("a push of %d MiB: it held %d KiB before, %d KiB at most", pushedBytes>>20, before, peak.Load())
	return b.report("bmc.push.rss", reading{value: max(0, float64(peak.Load()-int64(before))/1024)})
}

// nothing is a file of zeros.
type nothing struct{}

func (nothing) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// pushTarget is as little of a Redfish service as takes a push.
func pushTarget(take func(io.Reader) error) http.Handler {
	mux := http.NewServeMux()
	for path, body := range map[string]string{
		"/redfish/v1/{$}":           `{"Systems":{"@odata.id":"/redfish/v1/Systems"},"UpdateService":{"@odata.id":"/redfish/v1/UpdateService"}}`,
		"/redfish/v1/Systems":       `{"Members":[{"@odata.id":"/redfish/v1/Systems/1"}]}`,
		"/redfish/v1/Systems/1":     `{"@odata.id":"/redfish/v1/Systems/1","Id":"1","PowerState":"Off"}`,
		"/redfish/v1/UpdateService": `{"@odata.id":"/redfish/v1/UpdateService","MultipartHttpPushUri":"/push"}`,
	} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) })
	}
	mux.HandleFunc("POST /push", func(w http.ResponseWriter, r *http.Request) {
		if err := take(r.Body); err != nil {
			http.Error(w, "broken", http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	return mux
}
