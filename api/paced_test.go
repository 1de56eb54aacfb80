package api_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"rackwright/api"
	"rackwright/api/apitest"
	"rackwright/api/wire"
)

// served is the interface on a server whose connections are told of as they end.
func served(t *testing.T, o api.Options) (*httptest.Server, <-chan struct{}) {
	ended := make(chan struct{}, 16)
	server := httptest.NewUnstartedServer(api.New(o))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			ended <- struct{}{}
		}
	}
	server.EnableHTTP2 = true
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	return server, ended
}

func TestWhoStopsReadingIsGivenUp(t *testing.T) {
	server, ended := served(t, api.Options{Store: apitest.Rack(t), Patience: 20 * time.Millisecond})
	server.Start()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.(*net.TCPConn).SetReadBuffer(1 << 10)
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	ask := fmt.Sprintf("GET %s/openapi.json HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", wire.Prefix, apitest.AdminSecret)
	_, _ = io.WriteString(conn, strings.Repeat(ask, 100)) // many MB of answers, which nobody reads
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Fatal("the connection is held")
	}
}

// clocked is an answer that remembers its deadlines, and writes: "w".
type clocked struct {
	*httptest.ResponseRecorder
	told []string
}

func (c *clocked) SetWriteDeadline(at time.Time) error {
	c.told = append(c.told, map[bool]string{true: "none", false: "some"}[at.IsZero()])
	return nil
}

func (c *clocked) Write(b []byte) (int, error) {
	c.told = append(c.told, "w")
	return c.ResponseRecorder.Write(b)
}

func TestADeadlineOfOneAnswerIsNotThatOfTheNext(t *testing.T) {
	h := api.New(api.Options{Store: apitest.Rack(t)})
	for proto, want := range map[int][2]string{
		1: {"none some w", "some"}, // what an answer left on the connection is over when the next begins
		2: {"some w none", "some"}, // the deadline of a stream ends it, also between two writes
	} {
		w := &clocked{ResponseRecorder: httptest.NewRecorder()}
		r := httptest.NewRequest("GET", wire.Prefix+"/health", nil)
		r.ProtoMajor = proto
		h.ServeHTTP(w, r)
		if told := strings.Join(w.told, " "); !strings.HasPrefix(told, want[0]) || !strings.HasSuffix(told, want[1]) {
			t.Errorf("HTTP/%d: %s", proto, told)
		}
	}
}

func TestAStreamOutlastsThePatienceWithItsReader(t *testing.T) {
	for name, server := range map[string]*httptest.Server{"HTTP/1.1": nil, "HTTP/2": nil} {
		server, _ = served(t, api.Options{Store: apitest.Rack(t), Patience: 40 * time.Millisecond, Heartbeat: 100 * time.Millisecond})
		if name == "HTTP/2" {
			server.StartTLS()
		} else {
			server.Start()
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		r, _ := http.NewRequestWithContext(ctx, "GET", server.URL+wire.Prefix+"/events/stream?after=999999", nil)
		r.Header.Set("Authorization", "Bearer "+apitest.AdminSecret)
		answer, err := server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		if answer.Proto != name && answer.Proto != name+".0" {
			t.Fatalf("%s was spoken", answer.Proto)
		}
		lines, beats := bufio.NewScanner(answer.Body), 0
		for beats < 4 && lines.Scan() {
			if strings.HasPrefix(lines.Text(), ":") {
				beats++
			}
		}
		if beats < 4 {
			t.Errorf("%s: it ended after %d beats: %v", name, beats, lines.Err())
		}
	}
}

func TestACallerFollowsOnlySoManyStreams(t *testing.T) {
	server, _ := served(t, api.Options{Store: apitest.Rack(t), Streams: 2, Heartbeat: 10 * time.Millisecond})
	server.Start()
	open := func(secret string) (int, string, func()) {
		ctx, cancel := context.WithCancel(t.Context())
		t.Cleanup(cancel)
		r, _ := http.NewRequestWithContext(ctx, "GET", server.URL+wire.Prefix+"/events/stream", nil)
		r.Header.Set("Authorization", "Bearer "+secret)
		answer, err := server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text := ""
		if answer.StatusCode != 200 {
			b, _ := io.ReadAll(answer.Body)
			text = string(b)
		}
		return answer.StatusCode, text, cancel
	}
	open(apitest.AdminSecret)
	_, _, leave := open(apitest.AdminSecret)
	if status, text, _ := open(apitest.AdminSecret); status != 429 || !strings.Contains(text, "too-many-streams") {
		t.Fatalf("a third: %d %s", status, text)
	}
	if status, text, _ := open(apitest.ViewerSecret); status != 200 {
		t.Errorf("another caller's: %d %s", status, text)
	}
	leave()
	for deadline := time.Now().Add(20 * time.Second); ; { // the server notices at its next beat
		if status, _, _ := open(apitest.AdminSecret); status == 200 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("who left still counts")
		}
	}
}
