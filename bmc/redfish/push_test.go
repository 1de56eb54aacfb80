package redfish

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/metrics"
	"strings"
	"sync"
	"testing"
	"time"

	"rackwright/bmc"
	"rackwright/fault"
)

func TestARefusedPushIsToldByItsStatusAndSentOnce(t *testing.T) {
	for status, kind := range map[int]fault.Kind{
		400: fault.Invalid, 404: fault.Conflict, 409: fault.Conflict, 413: fault.Conflict, 415: fault.Conflict, 403: fault.Denied, 501: fault.Invalid, 503: fault.Conflict,
		500: fault.Unreachable, 502: fault.Unreachable, 504: fault.Unreachable,
	} {
		m := newMock(t, "dell")
		f := withUpdates(m, object{"MultipartHttpPushUri": "/push"})
		f.answer = func(w http.ResponseWriter, _ *http.Request) { m.refuse(w, status, "Base.1.8.GeneralError") }
		c := open(t, m, &Dialer{Timing: quick()})
		_, err := c.StartUpdate(t.Context(), file(1000))
		want(t, err, kind)
		if kind == fault.Unreachable && !strings.Contains(fault.HintOf(err), "versions") {
			t.Errorf("%d: %v (%s)", status, err, fault.HintOf(err))
		}
		if len(f.pushes) != 1 {
			t.Errorf("%d: pushed %d times", status, len(f.pushes))
		}
	}
}

// hooked is a mock whose pushes go to f, outside of the mock's lock.
func hooked(t *testing.T, f http.HandlerFunc) *mock {
	m := newMock(t, "dell")
	withUpdates(m, object{"MultipartHttpPushUri": "/push"})
	inner := m.Config.Handler
	m.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/push" {
			f(w, r)
			return
		}
		inner.ServeHTTP(w, r)
	})
	return m
}

func TestABMCThatHangsInMidPushLeavesItOpenWhetherItTookTheFile(t *testing.T) {
	release := make(chan struct{})
	var mu sync.Mutex
	pushes := 0
	m := hooked(t, func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		pushes++
		mu.Unlock()
		_, _ = io.CopyN(io.Discard, r.Body, 1<<20)
		<-release
	})
	defer close(release)
	timing := quick()
	timing.Push = 100 * time.Millisecond
	c := open(t, m, &Dialer{Timing: timing})
	_, err := c.StartUpdate(t.Context(), file(64<<20))
	want(t, err, fault.Unreachable, "may have taken", "broke off after", "takes no more of it")
	mu.Lock()
	defer mu.Unlock()
	if pushes != 1 {
		t.Errorf("pushed %d times", pushes)
	}
}

func TestAPushWhoseConnectionBreaksIsNotRepeated(t *testing.T) {
	m := hooked(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.CopyN(io.Discard, r.Body, 1<<20)
		panic(http.ErrAbortHandler)
	})
	c := open(t, m, &Dialer{Timing: quick()})
	_, err := c.StartUpdate(t.Context(), file(8<<20))
	want(t, err, fault.Unreachable, "may have taken")
}

func TestAPushToABMCThatIsGoneSaysThatNothingWasSent(t *testing.T) {
	m := newMock(t, "dell")
	withUpdates(m, object{"MultipartHttpPushUri": "/push"})
	c := open(t, m, &Dialer{Timing: quick()})
	service, err := c.updateService(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	m.Close()
	_, err = c.pushMultipart(t.Context(), service, file(100), nil)
	want(t, c.unclear(file(100), err), fault.Conflict, "no firmware was sent")
}

func TestASessionThatEndsInMidPushRepeatsNothing(t *testing.T) {
	m := newMock(t, "dell")
	f := withUpdates(m, object{"MultipartHttpPushUri": "/push"})
	f.answer = func(w http.ResponseWriter, _ *http.Request) {
		clear(m.tokens)
		m.refuse(w, 401, "Base.1.8.NoValidSession")
	}
	c := open(t, m, &Dialer{Timing: quick()})
	_, err := c.StartUpdate(t.Context(), file(1000))
	want(t, err, fault.Unreachable, "ended our session")
	if len(f.pushes) != 1 {
		t.Errorf("pushed %d times", len(f.pushes))
	}
	if _, err := c.Task(t.Context(), tasksPath+"/7"); err != nil {
		t.Errorf("the next call does not log in again: %v", err)
	}
}

func TestABMCThatAsksToWaitBeforeItReadAnythingIsAskedAgain(t *testing.T) {
	var mu sync.Mutex
	tries, got := 0, int64(0)
	m := hooked(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if tries++; tries == 1 {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		got, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusNoContent)
	})
	var waited []time.Duration
	c := open(t, m, &Dialer{Timing: quick(), pause: func(_ context.Context, d time.Duration) error {
		waited = append(waited, d)
		return nil
	}})
	if task := starts(t, c, file(4<<20)); task.State != bmc.TaskDone {
		t.Errorf("%+v", task)
	}
	mu.Lock()
	defer mu.Unlock()
	if tries != 2 || got < 4<<20 || len(waited) != 1 || waited[0] != 7*time.Second {
		t.Errorf("%d tries, %d bytes, waited %v", tries, got, waited)
	}
}

func TestABMCThatDoesNotWantToBeAskedFirstIsPushedToWithoutAsking(t *testing.T) {
	var mu sync.Mutex
	got := int64(0)
	m := hooked(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if r.Header.Get("Expect") != "" {
			w.WriteHeader(http.StatusExpectationFailed)
			return
		}
		got, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusNoContent)
	})
	c := open(t, m, &Dialer{Timing: quick()})
	starts(t, c, file(2<<20))
	mu.Lock()
	defer mu.Unlock()
	if got < 2<<20 {
		t.Errorf("it got %d bytes", got)
	}
}

func TestASessionThatEndedBeforeThePushIsOpenedAgain(t *testing.T) {
	var m *mock
	refused := false
	m = hooked(t, func(w http.ResponseWriter, r *http.Request) {
		m.mu.Lock()
		defer m.mu.Unlock()
		if !refused {
			refused = true
			clear(m.tokens)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusNoContent)
	})
	c := open(t, m, &Dialer{Timing: quick()})
	starts(t, c, file(2<<20))
	if m.logins != 2 {
		t.Errorf("%d logins", m.logins)
	}
}

func TestAFileThatIsNotAsLongAsSaidIsNotSentWhole(t *testing.T) {
	for name, u := range map[string]bmc.Update{
		"shorter": {Name: "f", Size: 2000, Open: file(1000).Open},
		"longer":  {Name: "f", Size: 500, Open: file(1000).Open},
		"broken": {Name: "f", Size: 1000, Open: func() (io.ReadCloser, error) {
			return io.NopCloser(io.MultiReader(strings.NewReader("half"), failing{})), nil
		}},
		"missing": {Name: "f", Size: 1000, Open: func() (io.ReadCloser, error) { return nil, errors.New("no such file") }},
	} {
		m := newMock(t, "dell")
		f := withUpdates(m, object{"HttpPushUri": "/push"})
		c := open(t, m, &Dialer{Timing: quick()})
		_, err := c.StartUpdate(t.Context(), u)
		if !fault.Is(err, fault.Internal) || fault.HintOf(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
		m.with(func() {
			if len(f.pushes) > 0 && int64(len(f.pushes[0].body)) == u.Size {
				t.Errorf("%s: the BMC got it whole", name)
			}
		})
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("bad disk") }

func TestAFileIsClosedWhateverHappens(t *testing.T) {
	for _, status := range []int{204, 400, 500} {
		m := newMock(t, "dell")
		f := withUpdates(m, object{"HttpPushUri": "/push"})
		f.answer = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
		c := open(t, m, &Dialer{Timing: quick()})
		u, closed := file(1000), 0
		read := u.Open
		u.Open = func() (io.ReadCloser, error) {
			r, err := read()
			return &counted{r, &closed}, err
		}
		_, _ = c.StartUpdate(t.Context(), u)
		if closed != 1 {
			t.Errorf("%d: closed %d times", status, closed)
		}
	}
}

type counted struct {
	io.ReadCloser
	closed *int
}

func (c *counted) Close() error { *c.closed++; return c.ReadCloser.Close() }

// zeros is a file of any size that takes no memory.
type zeros struct{ io.Reader }

func (zeros) Close() error { return nil }

type zero struct{}

func (zero) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// heapNow is what the process holds in objects, in bytes.
func heapNow() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

func TestAPushOf256MiBHoldsUnder32MiB(t *testing.T) {
	const size = 256 << 20
	runtime.GC()
	before := heapNow()
	var peak uint64
	var got int64
	server := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		block := make([]byte, 64<<10)
		for {
			n, err := r.Body.Read(block)
			got += int64(n)
			peak = max(peak, heapNow())
			if err != nil {
				return
			}
		}
	}))
	defer server.Close()
	where, err := parseAddress(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	c := (&Dialer{}).controller(where, bmc.Access{Address: server.URL, Username: "u", Password: "p"}, "")
	u := bmc.Update{Name: "big.bin", Size: size, Open: func() (io.ReadCloser, error) { return zeros{io.LimitReader(zero{}, size)}, nil }}
	service := &updater{Multipart: "/push"}
	if _, err := c.pushMultipart(t.Context(), service, u, nil); err != nil {
		t.Fatal(err)
	}
	if got < size {
		t.Fatalf("the server got %d bytes", got)
	}
	if extra := int64(peak) - int64(before); extra > 32<<20 {
		t.Errorf("the push held %d MiB", extra>>20)
	}
}
