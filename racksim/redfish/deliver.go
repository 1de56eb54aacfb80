package redfish

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"
)

// pushTimeout bounds one try to push an event.
const pushTimeout = 10 * time.Second

// plainHeader tells whether a subscriber's header may be sent.
func plainHeader(name, value string) bool {
	return httpguts.ValidHeaderFieldName(name) && httpguts.ValidHeaderFieldValue(value) && len(value) <= 4096 && !strings.EqualFold(name, "Host")
}

// deliver pushes a subscription's events one after the other until ctx ends, or until the
// listener has not answered as often as the service tries.
func (s *Service) deliver(ctx context.Context, n *subscription) {
	client := &http.Client{Timeout: pushTimeout, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: !n.verify, RootCAs: s.updates.trusted()}, // the subscriber chooses
	}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	for {
		select {
		case <-ctx.Done():
			return
		case b := <-n.queue:
			if !s.push(ctx, client, n, b) && !s.giveUp(n) {
				return
			}
		}
	}
}

// push tries as often as the service is told to; false: nobody took it.
func (s *Service) push(ctx context.Context, client *http.Client, n *subscription, b body) bool {
	text, err := json.Marshal(b)
	if err != nil {
		return true
	}
	for try := 0; ; try++ {
		s.events.mu.Lock()
		attempts, interval := s.events.attempts, s.events.interval
		s.events.mu.Unlock()
		if try > attempts && n.policy != policyForever {
			return false
		}
		if try > 0 {
			timer := time.NewTimer(interval)
			select {
			case <-timer.C:
			case <-ctx.Done():
				timer.Stop()
				return true
			}
		}
		if post(ctx, client, n, text) {
			return true
		}
	}
}

func post(ctx context.Context, client *http.Client, n *subscription, text []byte) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, n.destination, bytes.NewReader(text))
	if err != nil {
		return false
	}
	for name, value := range n.headers {
		request.Header.Set(name, value)
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := client.Do(request)
	if err != nil {
		return false
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, maxBody))
	answer.Body.Close()
	return answer.StatusCode < 300
}

// giveUp does what the policy says and tells whether the subscription goes on.
func (s *Service) giveUp(n *subscription) bool {
	s.Logger.Info("nobody takes events", "machine", s.Machine.Name, "subscription", n.id)
	if n.policy == policySuspend {
		s.events.mu.Lock()
		n.suspended = true
		s.events.mu.Unlock()
		return true
	}
	s.events.remove(n.id)
	return false
}
