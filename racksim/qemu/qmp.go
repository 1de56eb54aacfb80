package qemu

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
)

// maxMessage bounds one line from QEMU, in bytes.
const maxMessage = 1 << 20

// message is one line of the QEMU Machine Protocol: a greeting, a reply or an event.
type message struct {
	Greeting *json.RawMessage `json:"QMP"`
	Return   *json.RawMessage `json:"return"`
	Error    *struct {
		Class string `json:"class"`
		Desc  string `json:"desc"`
	} `json:"error"`
	Event string `json:"event"`
	Data  struct {
		Guest  bool   `json:"guest"`
		Reason string `json:"reason"` // of SHUTDOWN and RESET
	} `json:"data"`
	ID int64 `json:"id"`
}

func parseMessage(line []byte) (message, error) {
	var m message
	if err := json.Unmarshal(line, &m); err != nil {
		return message{}, fmt.Errorf("qmp: %w", err)
	}
	return m, nil
}

// monitor is a client of one QEMU's QMP connection.
type monitor struct {
	conn    io.ReadWriteCloser
	onEvent func(message)
	done    chan struct{} // closed when the connection has ended and every event was delivered

	mu      sync.Mutex
	next    int64
	waiting map[int64]chan message
}

// newMonitor serves conn until it ends; onEvent is called in the order of events.
func newMonitor(conn io.ReadWriteCloser, onEvent func(message)) *monitor {
	m := &monitor{conn: conn, onEvent: onEvent, done: make(chan struct{}), waiting: map[int64]chan message{}}
	go m.read()
	return m
}

func (m *monitor) read() {
	defer close(m.done)
	lines := bufio.NewScanner(m.conn)
	lines.Buffer(make([]byte, 0, 4096), maxMessage)
	for lines.Scan() {
		msg, err := parseMessage(lines.Bytes())
		switch {
		case err != nil:
			return
		case msg.Event != "":
			m.onEvent(msg)
		case msg.Return != nil || msg.Error != nil:
			m.deliver(msg)
		}
	}
}

func (m *monitor) deliver(msg message) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if reply, ok := m.waiting[msg.ID]; ok {
		reply <- msg
		delete(m.waiting, msg.ID)
	}
}

// run executes one command and waits for its reply.
func (m *monitor) run(ctx context.Context, command string, arguments map[string]any) error {
	reply, err := m.send(command, arguments)
	if err != nil {
		return err
	}
	select {
	case msg := <-reply:
		if msg.Error != nil {
			return fmt.Errorf("qemu %s: %s: %s", command, msg.Error.Class, msg.Error.Desc)
		}
		return nil
	case <-m.done:
		return fmt.Errorf("qemu %s: %w", command, errGone)
	case <-ctx.Done():
		return fmt.Errorf("qemu %s: %w", command, ctx.Err())
	}
}

var errGone = errors.New("the emulator ended")

func (m *monitor) send(command string, arguments map[string]any) (<-chan message, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.next++
	line, err := json.Marshal(struct {
		Execute   string         `json:"execute"`
		Arguments map[string]any `json:"arguments,omitempty"`
		ID        int64          `json:"id"`
	}{command, arguments, m.next})
	if err != nil {
		return nil, err
	}
	reply := make(chan message, 1)
	m.waiting[m.next] = reply
	if _, err := m.conn.Write(append(line, '\n')); err != nil {
		delete(m.waiting, m.next)
		return nil, fmt.Errorf("qemu %s: %w", command, err)
	}
	return reply, nil
}
