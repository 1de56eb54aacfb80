package redfish

import (
	"io"
	"log"
	"time"

	"rackwright/bmc"
)

// quick is a Timing for mocks that answer at once.
func quick() Timing {
	return Timing{Request: 10 * time.Second, Settle: 10 * time.Second, Boot: 10 * time.Second, Proof: 10 * time.Second, Media: 10 * time.Second, Restart: 10 * time.Second,
		Patience: time.Minute, PollMin: time.Millisecond, PollMax: 4 * time.Millisecond}
}

// short is how long a test waits for what does not come: long enough for some looks on a
// busy computer.
const short = 150 * time.Millisecond

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

func (m *mock) access() bmc.Access {
	return bmc.Access{Address: m.URL, Username: mockUser, Password: mockPassword}
}
