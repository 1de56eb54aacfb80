package redfish

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"rackwright/fault"
)

const iso = "http://images.example:8080/once/7f3a9c/a.iso"

// brief is quick with deadlines that are soon over.
func brief() Timing {
	t := quick()
	t.Boot, t.Proof, t.Media, t.Settle = short, short, short, short
	return t
}

func TestTheLadderOfInsertMediaFindsWhatTheBMCTakesAndRemembersIt(t *testing.T) {
	for name, c := range map[string]struct {
		needs, refuses []string
		tries          int
	}{
		"all of it":               {nil, nil, 1},
		"no WriteProtected":       {nil, []string{"WriteProtected"}, 2},
		"the image only":          {nil, []string{"WriteProtected", "Inserted"}, 3},
		"a protocol":              {[]string{"TransferProtocolType"}, nil, 2},
		"a protocol and a method": {[]string{"TransferProtocolType", "TransferMethod"}, nil, 3},
		"credentials":             {[]string{"UserName", "Password"}, nil, 2},
		"a protocol, and nothing that is optional": {[]string{"TransferProtocolType"}, []string{"WriteProtected", "Inserted"}, 4},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMock(t, "openbmc")
			m.MediaNeeds, m.MediaRefuses = c.needs, c.refuses
			d := open(t, m, &Dialer{Timing: quick()})
			if err := d.InsertMedia(t.Context(), iso); err != nil {
				t.Fatal(err)
			}
			if n := m.count("POST /redfish/v1/Managers"); n != c.tries {
				t.Errorf("%d tries, want %d", n, c.tries)
			}
			for _, err := range []error{d.EjectMedia(t.Context()), d.InsertMedia(t.Context(), iso)} {
				if err != nil {
					t.Fatal(err)
				}
			}
			if n := m.count("POST /redfish/v1/Managers"); n != c.tries+2 || m.Medium() != iso {
				t.Errorf("%d tries after an ejection and another insertion, want %d; in the drive is %q", n, c.tries+2, m.Medium())
			}
		})
	}
}

func TestALadderWithoutAnEndTellsWhatTheBMCSaidAndNotTheURL(t *testing.T) {
	m := newMock(t, "hpe")
	c := open(t, m, &Dialer{Timing: quick()})
	m.with(func() {
		m.fault = says("POST", "/redfish/v1/Managers/1/VirtualMedia", 400,
			`{"error":{"code":"iLO.0.10.ExtendedInfo","message":"cannot open `+iso+` at /once/7f3a9c/a.iso"}}`)
	})
	err := c.InsertMedia(t.Context(), iso)
	want(t, err, fault.Invalid, "cannot open")
	if strings.Contains(err.Error(), "7f3a9c") {
		t.Errorf("%v shows the path", err)
	}
	if n := m.count("POST /redfish/v1/Managers/1/VirtualMedia"); n != 3 {
		t.Errorf("%d tries", n)
	}
}

func TestAnImageThatIsInIsNotWrittenAgain(t *testing.T) {
	m := newMock(t, "dell")
	c := open(t, m, &Dialer{Timing: quick()})
	for range 2 {
		if err := c.InsertMedia(t.Context(), iso); err != nil {
			t.Fatal(err)
		}
	}
	if n := m.count("POST /redfish/v1/Systems"); n != 1 {
		t.Errorf("%d writes", n)
	}
}

func TestMediaWhoseEffectIsLateIsWaitedFor(t *testing.T) {
	m := newMock(t, "dell")
	c := open(t, m, &Dialer{Timing: quick()})
	m.with(func() { m.slow = 6 })
	if err := c.InsertMedia(t.Context(), iso); err != nil || m.Medium() != iso {
		t.Fatalf("InsertMedia: %v, in the drive is %q", err, m.Medium())
	}
	m.with(func() { m.slow = 6 })
	if err := c.EjectMedia(t.Context()); err != nil || m.Medium() != "" {
		t.Fatalf("EjectMedia: %v, in the drive is %q", err, m.Medium())
	}
}

func TestMediaThatStaysInIsAnError(t *testing.T) {
	m := newMock(t, "dell")
	c := open(t, m, &Dialer{Timing: brief()})
	if err := c.InsertMedia(t.Context(), iso); err != nil {
		t.Fatal(err)
	}
	m.with(func() { m.deaf = true })
	want(t, c.EjectMedia(t.Context()), fault.Conflict, "still in the drive")
	want(t, c.InsertMedia(t.Context(), "http://192.0.2.1/b.iso"), fault.Conflict, "still in the drive")
}

func TestAnImageThatDoesNotArriveNamesItsServer(t *testing.T) {
	m := newMock(t, "dell")
	c := open(t, m, &Dialer{Timing: brief()})
	m.with(func() { m.deaf = true })
	err := c.InsertMedia(t.Context(), iso)
	want(t, err, fault.Conflict, "accepted the image")
	if hint := fault.HintOf(err); !strings.Contains(hint, "images.example:8080") || strings.Contains(hint+err.Error(), "7f3a9c") {
		t.Errorf("%v (%s)", err, hint)
	}
}

func TestAnInsertionWithAnUnclearAnswerIsJudgedByTheDrive(t *testing.T) {
	const drive = "/redfish/v1/Systems/System.Embedded.1/VirtualMedia/1"
	hang := func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then the server sees that the caller went away
		<-r.Context().Done()
	}
	for name, c := range map[string]struct {
		answer func(http.ResponseWriter, *http.Request)
		done   bool
	}{
		"500 with effect":    {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, true},
		"500 without":        {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, false},
		"cut off, in effect": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, true},
		"a hang with effect": {hang, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMock(t, "dell")
			timing := brief()
			if timing.Request = 2 * time.Second; c.done {
				timing.Media, timing.Proof = 2*time.Second, 2*time.Second // an exchange may take as long as Media
			}
			d := open(t, m, &Dialer{Timing: timing})
			m.with(func() {
				m.fault = func(w http.ResponseWriter, r *http.Request) bool {
					if r.Method != http.MethodPost {
						return false
					}
					if c.done {
						m.load(drive, iso)
					}
					m.mu.Unlock()
					defer m.mu.Lock()
					c.answer(w, r)
					return true
				}
			})
			err := d.InsertMedia(t.Context(), iso)
			if c.done && err != nil || !c.done && !fault.Is(err, fault.Unreachable) {
				t.Errorf("InsertMedia: %v", err)
			}
			if n := m.count("POST " + drive); n != 1 {
				t.Errorf("%d insertions were sent", n)
			}
		})
	}
}

func TestAnInsertionThatIsRefusedForNowIsSentAgain(t *testing.T) {
	m := newMock(t, "hpe")
	var pauses []time.Duration
	c := open(t, m, &Dialer{Timing: quick(), pause: func(ctx context.Context, d time.Duration) error {
		pauses = append(pauses, d)
		return sleep(ctx, min(d, time.Millisecond))
	}})
	busy := func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Retry-After", "7")
		return says("POST", "/redfish/v1/Managers/1/VirtualMedia", 503, "")(w, r)
	}
	m.with(func() { m.fault = times(1, busy) })
	if err := c.InsertMedia(t.Context(), iso); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(pauses, 7*time.Second) {
		t.Errorf("pauses %v, want the 7 s that the BMC asked for", pauses)
	}
	post := says("POST", "/redfish/v1/Managers/1/VirtualMedia", 400, `{"error":{"@Message.ExtendedInfo":[{"MessageId":"iLO.2.14.InvalidOperationForSystemState"}]}}`)
	m.with(func() { m.fault = times(2, post) })
	if err := c.EjectMedia(t.Context()); err != nil {
		t.Fatal(err)
	}
	m.with(func() { m.fault = post })
	err := c.InsertMedia(t.Context(), iso)
	want(t, err, fault.Invalid, "refuses to insert the image")
}

func TestAnInsertionWhoseTaskFailsEndsTheWait(t *testing.T) {
	m := newMock(t, "dell")
	c := open(t, m, &Dialer{Timing: quick()})
	const job = "/redfish/v1/TaskService/Tasks/JID_9"
	m.with(func() {
		m.tree[job] = object{"@odata.id": job, "TaskState": "Exception", "Messages": []object{{"Message": "Unable to reach " + iso, "Severity": "Critical"}}}
		m.fault = func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodPost {
				w.Header().Set("Location", job)
				w.WriteHeader(http.StatusAccepted)
			}
			return r.Method == http.MethodPost
		}
	})
	err := c.InsertMedia(t.Context(), iso)
	want(t, err, fault.Conflict, "Exception", "Unable to reach")
	if strings.Contains(err.Error(), "7f3a9c") {
		t.Errorf("%v shows the path", err)
	}
}

func TestALenovoIsWrittenOnADriveThatTakesURLs(t *testing.T) {
	m := newMock(t, "lenovo")
	m.ETag = "strong-only"
	c := open(t, m, &Dialer{Timing: quick()})
	if err := c.InsertMedia(t.Context(), iso); err != nil {
		t.Fatal(err)
	}
	if in := m.tree["/redfish/v1/Managers/1/VirtualMedia/EXT1"]["Image"]; in != iso {
		t.Errorf("in EXT1 is %v", in)
	}
	if n := m.count("PATCH /redfish/v1/Managers/1/VirtualMedia/RDOC1"); n != 0 {
		t.Error("a drive for uploads was written")
	}
}

func TestADriveTellsWhatIsInItInManyWays(t *testing.T) {
	yes, no := true, false
	for name, c := range map[string]struct {
		d           drive
		full, holds bool
	}{
		"empty":                              {drive{Inserted: &no}, false, false},
		"the URL":                            {drive{Inserted: &yes, Image: iso}, true, true},
		"no word of inserted":                {drive{Image: iso}, true, true},
		"a name that was left behind":        {drive{Image: iso, ConnectedVia: "NotConnected"}, false, false},
		"inserted, and nothing else":         {drive{Inserted: &yes}, true, true},
		"a share, as old firmware writes it": {drive{Inserted: &yes, Image: `\\images.example\once\7f3a9c\a.iso`}, true, true},
		"the name alone":                     {drive{Inserted: &yes, ImageName: "a.iso"}, true, true},
		"something else":                     {drive{Inserted: &yes, Image: "http://images.example/b.iso"}, true, false},
	} {
		if c.d.full() != c.full || c.d.holds(iso) != c.holds {
			t.Errorf("%s: full %t, holds it %t", name, c.d.full(), c.d.holds(iso))
		}
	}
}

func FuzzADriveHoldsNothingUnlessItIsFull(f *testing.F) {
	f.Add([]byte(`{"Image":"http://a/b.iso","Inserted":true}`))
	f.Add([]byte(`{"Image":"\\\\a\\b","Inserted":null,"MediaTypes":["CD",7]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var d drive
		if lenient(json.Unmarshal(text, &d)) != nil {
			return
		}
		m := d.medium()
		if d.holds(iso) && !d.full() || m.Image != "" && !m.Inserted || strings.ContainsAny(m.Image, "\r\n") {
			t.Errorf("%q is read as %+v", text, m)
		}
	})
}
