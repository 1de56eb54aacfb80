// Package probe asks a BMC everything, changes nothing, and reports what it can do and
// which of its answers contradict each other.
package probe
