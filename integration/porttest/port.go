// Package porttest finds ports for servers of tests.
package porttest

import (
	"net"
	"os"
	"strconv"
	"sync/atomic"
	"testing"
)

// The ports lie below those that the kernel gives to whoever connects, of which one may be taken
// between the look and the listening.
const first, ports = 20_000, 12_000

// last is the port looked at last. Processes begin at places of their own.
var last = func() *atomic.Uint32 {
	var n atomic.Uint32
	n.Store(uint32(os.Getpid()) * 97)
	return &n
}()

// Free returns a port that nobody listens on, by TCP or UDP. No two calls of a process return
// the same one soon.
func Free(t testing.TB) int {
	t.Helper()
	for range ports {
		port := first + int(last.Add(1)%ports)
		if free(port) {
			return port
		}
	}
	t.Fatal("no port is free")
	return 0
}

// FreeAddress is such a port of loopback, 127.0.0.1:PORT.
func FreeAddress(t testing.TB) string {
	t.Helper()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(Free(t)))
}

func free(port int) bool {
	address := ":" + strconv.Itoa(port)
	stream, err := net.Listen("tcp", address)
	if err != nil {
		return false
	}
	defer stream.Close()
	packets, err := net.ListenPacket("udp", address)
	if err != nil {
		return false
	}
	packets.Close()
	return true
}
