package webhook

import (
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rackwright/fault"
)

// The example of Standard Webhooks 1.0.0.
const (
	exampleSecret    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	exampleID        = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	exampleBody      = `{"test": 2432232314}`
	exampleSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
)

var exampleAt = time.Unix(1614265330, 0)

func exampleHeader(signature string) http.Header {
	return http.Header{HeaderID: {exampleID}, HeaderTimestamp: {strconv.FormatInt(exampleAt.Unix(), 10)}, HeaderSignature: {signature}}
}

func TestTheExampleOfTheSpecificationIsSignedAsItSays(t *testing.T) {
	got, err := Sign(exampleID, exampleAt, []byte(exampleBody), exampleSecret)
	if err != nil || got != exampleSignature {
		t.Errorf("%s, %v", got, err)
	}
}

func TestAReceiverTakesWhatWasSignedAndNothingElse(t *testing.T) {
	both, err := Sign(exampleID, exampleAt, []byte(exampleBody), NewSecret(), exampleSecret)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, secret, signature, body string
		now                           time.Time
		want                          bool
	}{
		{"as it was signed", exampleSecret, exampleSignature, exampleBody, exampleAt.Add(time.Minute), true},
		{"by a new secret and the former", exampleSecret, both, exampleBody, exampleAt, true},
		{"beside a signature of another version", exampleSecret, "v2,AAAA " + exampleSignature, exampleBody, exampleAt, true},
		{"by another secret", NewSecret(), exampleSignature, exampleBody, exampleAt, false},
		{"with another body", exampleSecret, exampleSignature, exampleBody + " ", exampleAt, false},
		{"too old", exampleSecret, exampleSignature, exampleBody, exampleAt.Add(6 * time.Minute), false},
		{"from the future", exampleSecret, exampleSignature, exampleBody, exampleAt.Add(-6 * time.Minute), false},
		{"behind more signatures than anybody needs", exampleSecret, strings.Repeat("v1,AAAA ", 10) + exampleSignature, exampleBody, exampleAt, false},
		{"not signed", exampleSecret, "", exampleBody, exampleAt, false},
		{"with no secret", "hunter2", exampleSignature, exampleBody, exampleAt, false},
	} {
		if err := Verify(c.secret, exampleHeader(c.signature), []byte(c.body), c.now); (err == nil) != c.want {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func FuzzVerify(f *testing.F) {
	f.Add(exampleSecret, exampleSignature, exampleID, "1614265330", []byte(exampleBody))
	f.Fuzz(func(t *testing.T, secret, signature, id, at string, body []byte) {
		h := http.Header{HeaderID: {id}, HeaderTimestamp: {at}, HeaderSignature: {signature}}
		if Verify(secret, h, body, exampleAt) == nil && (secret != exampleSecret || string(body) != exampleBody || id != exampleID) {
			if again, err := Sign(id, exampleAt, body, secret); err != nil || !strings.Contains(signature, "v1,") {
				t.Errorf("taken: %q %q, which is signed %q, %v", signature, body, again, err)
			}
		}
	})
}

// TestADeliveryIsTriedAgainAndEnds is the model of the schedule: whatever receivers answer
// and however the dice fall, a delivery is tried later each time and ends.
func TestADeliveryIsTriedAgainAndEnds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, now, failures := Delivery{State: Pending}, exampleAt, 0
		for d.State == Pending {
			status := rapid.SampledFrom([]int{0, 200, 204, 302, 400, 404, 408, 410, 429, 500, 503}).Draw(t, "answer")
			o := Outcome{Error: "no answer"}
			if status != 0 {
				o = Judge(status, rapid.SampledFrom([]string{"", "7", "999999999", "-1", "soon"}).Draw(t, "retry-after"))
			}
			failures++
			was := now
			pause := d.Next(o, failures, now, rapid.Float64Range(-1, 2).Draw(t, "chance"))
			switch d.State {
			case Delivered:
				if status/100 != 2 || pause != 0 {
					t.Fatalf("%d counts as delivered, pause %s", status, pause)
				}
			case Dead:
				if d.Attempts != Attempts {
					t.Fatalf("given up after %d attempts", d.Attempts)
				}
			case Pending:
				if wait := d.Due.Sub(was); wait < 4*time.Second || wait > mostWait*12/10 || pause < 4*time.Second || pause > max(mostPause*12/10, mostAsked) {
					t.Fatalf("attempt %d: again in %s, a pause of %s", d.Attempts, wait, pause)
				}
				now = d.Due
			}
		}
		if d.Attempts > Attempts || d.Finished.IsZero() || !d.Due.IsZero() {
			t.Fatalf("%+v", d)
		}
	})
}

func TestAttemptsAreSpreadOverADayAndAHalf(t *testing.T) {
	total, last := time.Duration(0), time.Duration(0)
	for n := 1; ; n++ {
		wait, again := Wait(n, 0.5)
		if !again {
			break
		}
		if wait < last {
			t.Errorf("attempt %d comes sooner than the one before", n+1)
		}
		total, last = total+wait, wait
	}
	if total < 24*time.Hour || total > 36*time.Hour {
		t.Errorf("all in %s", total)
	}
}

func TestADestinationIsJudgedByItsAddress(t *testing.T) {
	usual := Allow{Private: true}
	for _, c := range []struct {
		to    string
		allow Allow
		want  bool
	}{
		{"203.0.113.7", usual, true}, {"2001:db8::7", usual, true}, {"10.1.2.3", usual, true}, {"192.168.1.1", usual, true}, {"fd12::1", usual, true},
		{"10.1.2.3", Allow{}, false}, {"fd12::1", Allow{}, false}, {"127.0.0.1", Allow{Loopback: true}, true},
		{"127.0.0.1", usual, false}, {"127.9.9.9", usual, false}, {"::1", usual, false}, {"::ffff:127.0.0.1", usual, false},
		{"169.254.169.254", usual, false}, {"169.254.169.254", Allow{Private: true, Loopback: true}, false}, {"fe80::1", usual, false}, {"::ffff:169.254.169.254", usual, false},
		{"fd00:ec2::254", usual, false}, {"100.100.100.200", usual, false}, {"64:ff9b::a9fe:a9fe", usual, false}, {"64:ff9b::7f00:1", usual, false}, {"2002:7f00:1::", usual, false},
		{"64:ff9b:1::a9fe:a9fe", usual, false}, {"64:ff9b::808:808", usual, true}, {"2001:0:4136:e378:8000:63bf:3fff:fdd2", usual, false}, {"2001:db8::1", usual, true},
		{"::7f00:1", usual, false}, {"::808:808", usual, false}, {"fec0::1", usual, true}, {"fec0::1", Allow{}, false}, {"100.64.0.1", usual, true}, {"100.127.0.1", Allow{}, false}, {"100.128.0.1", Allow{}, true},
		{"0.0.0.0", usual, false}, {"0.1.2.3", usual, false}, {"::", usual, false}, {"224.0.0.1", usual, false}, {"255.255.255.255", usual, false}, {"ff02::1", usual, false},
	} {
		if why := c.allow.Refuse(netip.MustParseAddr(c.to)); (why == "") != c.want {
			t.Errorf("%s with %+v: %q", c.to, c.allow, why)
		}
	}
}

func TestAWebhookThatCannotWorkIsRefused(t *testing.T) {
	good := Webhook{Name: "chat", URL: "https://chat.example.net/hook?token=x"}
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for name, w := range map[string]Webhook{
		"no name": {URL: good.URL}, "a name with a slash": {Name: "a/b", URL: good.URL}, "a file": {Name: "a", URL: "file:///etc/passwd"},
		"a password in it": {Name: "a", URL: "https://u:hunter2@example.net/"}, "no host": {Name: "a", URL: "https:///x"}, "nothing": {Name: "a"},
	} {
		err := w.Check()
		if !fault.Is(err, fault.Invalid) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
