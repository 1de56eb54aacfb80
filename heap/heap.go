// Package heap lets the garbage collector wait. Go collects when the heap has doubled; a server
// with little in its memory and many requests would be collected several times a second, and
// what is asked meanwhile waits some milliseconds.
package heap

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

const usual = 100 // percent by which the heap grows until it is collected

// Floor is the usual one, bytes.
const Floor = 64 << 20

// Wait has the heap collected when it is as large as the floor, bytes, or has doubled,
// whichever is more.
func Wait(floor uint64) {
	afterEach(func() { debug.SetGCPercent(percent(live(), floor)) })
}

// percent is that by which a heap of so many bytes grows to the floor, at least the usual.
func percent(live, floor uint64) int {
	if live == 0 || live >= floor {
		return usual
	}
	return max(usual, int((floor-live)*100/live))
}

// live is what the last collection left, bytes.
func live() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// afterEach calls f now and after each collection.
func afterEach(f func()) {
	f()
	runtime.AddCleanup(new([16]byte), func(struct{}) { afterEach(f) }, struct{}{})
}
