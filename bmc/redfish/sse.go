package redfish

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"net/http"

	"rackwright/bmc"
	"rackwright/fault"
)

// maxGarbage is how many events in a row that are no Redfish events end a stream.
const maxGarbage = 100

// Stream reads the BMC's server-sent events (DSP0266 13.5; WHATWG HTML, server-sent
// events) and calls see for each entry in them, in one goroutine. It is nil when ctx ends
// and Unreachable when the connection breaks; opening it again, and reading what happened
// in between from the log, is the caller's.
func (c *Controller) Stream(ctx context.Context, see func(bmc.Entry)) error {
	service, err := c.eventService(ctx)
	switch {
	case ctx.Err() != nil:
		return nil
	case err != nil:
		return c.explain("read the event service", err)
	}
	uri := pathOf(service.ServerSentEventURI)
	if uri == "" {
		return c.noEvents("streams no events")
	}
	err = c.wire.stream(ctx, uri, "text/event-stream", func(resp *http.Response) error {
		if kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); kind != "text/event-stream" {
			return fault.Conflictf("BMC %s answers with %.80q where its events should be", c.access.Address, tidy(kind)).
				WithHint("update the BMC's firmware; its log is read instead")
		}
		garbage := 0
		return readSSE(resp.Body, func(data []byte) error {
			entries, _, err := ParseEvents(data)
			if garbage++; err == nil {
				garbage = 0
			}
			if garbage > maxGarbage {
				return fault.Conflictf("BMC %s streams something that is no Redfish event", c.access.Address).
					WithHint("update the BMC's firmware; its log is read instead")
			}
			for _, e := range entries {
				e.Message = c.wire.scrub(e.Message)
				see(e)
			}
			return nil
		})
	})
	if ctx.Err() != nil {
		return nil
	}
	return c.explain("stream events", err)
}

// errLongLine is a line, or an event, that is too long to be one.
var errLongLine = errors.New("the stream has an event of more than 1 MiB")

// readSSE reads a stream of server-sent events and hands on the data of each. It ends with
// the stream, which is io.ErrUnexpectedEOF: a BMC never ends it by itself. Fields but data
// are skipped: an event's id is in its data too.
func readSSE(r io.Reader, event func(data []byte) error) error {
	lines := bufio.NewReaderSize(r, 4<<10)
	var data []byte
	for {
		line, err := readLine(lines)
		if err != nil {
			return err
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch {
		case len(line) == 0:
			if len(data) > 0 {
				if err := event(data); err != nil {
					return err
				}
			}
			data = nil
		case string(name) == "data":
			if len(data)+len(value) >= maxEvent {
				return errLongLine
			}
			if data != nil {
				data = append(data, '\n')
			}
			data = append(data, bytes.TrimPrefix(value, []byte(" "))...)
		}
	}
}

// readLine reads to the end of a line, which is LF or CRLF, and at most maxEvent bytes.
func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		if len(line)+len(part) > maxEvent+len("data: \r\n") {
			return nil, errLongLine
		}
		line = append(line, part...)
		switch {
		case err == nil:
			return bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r")), nil
		case errors.Is(err, io.EOF):
			return nil, io.ErrUnexpectedEOF
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
	}
}
