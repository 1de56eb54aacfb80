package bmctest

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"rackwright/bmc"
	"rackwright/fault"
)

// The Announcer's calls.
const (
	Subscribe     Op = "subscribe"
	Subscriptions Op = "subscriptions"
	Unsubscribe   Op = "unsubscribe"
	Stream        Op = "stream"
)

// feeling is what a fake has of health, log and events.
type feeling struct {
	feels         bmc.Readings
	entries       []bmc.Entry // oldest first
	happened      int
	subscriptions []bmc.Subscription
	subscribed    int
	listeners     []*listener
}

// listener is one stream that is open.
type listener struct {
	heard  chan bmc.Entry
	broken chan struct{} // closed to end it
	gone   chan struct{} // closed when it is over
}

// Listeners counts the streams that are open.
func (b *BMC) Listeners() int { b.mu.Lock(); defer b.mu.Unlock(); return len(b.listeners) }

// BreakStreams breaks the connections of the streams that are open.
func (b *BMC) BreakStreams() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range b.listeners {
		close(l.broken)
	}
	b.listeners = nil
}

// ForgetSubscriptions empties the list, as a restart of some BMCs does.
func (b *BMC) ForgetSubscriptions() { b.mu.Lock(); defer b.mu.Unlock(); b.subscriptions = nil }

func (c *controller) Subscribe(ctx context.Context, destination, mark string) (string, error) {
	if err := c.called(ctx, Subscribe); err != nil {
		return "", err
	}
	if !strings.HasPrefix(destination, "https://") {
		return "", fault.Invalidf("events go to an https address only").WithHint("give the https address at which events are received")
	}
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	if at := slices.IndexFunc(c.b.subscriptions, func(s bmc.Subscription) bool { return s.Destination == destination }); at >= 0 {
		c.b.subscriptions[at].Context = mark
		return c.b.subscriptions[at].ID, nil
	}
	c.b.subscribed++
	id := strconv.Itoa(c.b.subscribed)
	c.b.subscriptions = append(c.b.subscriptions, bmc.Subscription{ID: id, Destination: destination, Context: mark})
	return id, nil
}

func (c *controller) Subscriptions(ctx context.Context) ([]bmc.Subscription, error) {
	if err := c.called(ctx, Subscriptions); err != nil {
		return nil, err
	}
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	return slices.Clone(c.b.subscriptions), nil
}

func (c *controller) Unsubscribe(ctx context.Context, id string) error {
	if err := c.called(ctx, Unsubscribe); err != nil {
		return err
	}
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	c.b.subscriptions = slices.DeleteFunc(c.b.subscriptions, func(s bmc.Subscription) bool { return s.ID == id })
	return nil
}

func (c *controller) Stream(ctx context.Context, see func(bmc.Entry)) error {
	if err := c.called(ctx, Stream); err != nil {
		return err
	}
	l := &listener{make(chan bmc.Entry), make(chan struct{}), make(chan struct{})}
	c.b.mu.Lock()
	c.b.listeners = append(c.b.listeners, l)
	c.b.mu.Unlock()
	defer func() {
		close(l.gone)
		c.b.mu.Lock()
		defer c.b.mu.Unlock()
		c.b.listeners = slices.DeleteFunc(c.b.listeners, func(o *listener) bool { return o == l })
	}()
	for {
		select {
		case e := <-l.heard:
			see(e)
		case <-l.broken:
			return bmc.NoAnswer(c.b.access, fault.Unreachablef("the stream broke"))
		case <-ctx.Done():
			return nil
		}
	}
}
