// Package listen brings what BMCs tell into the journal: events they push, and their logs
// where they do not.
package listen
