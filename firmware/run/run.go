// Package run moves campaigns: it starts firmware operations wave by wave and stops when
// too many fail.
package run
