// Package broker owns the sessions at all BMCs: one per BMC, one change at a time, reads
// shared, people first. It decides nothing about machines.
package broker
