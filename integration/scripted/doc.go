// Package scripted takes racks of scripted machines through the real programs: many at
// once, two servers on one database, and all that can be wrong with input. It boots no
// real firmware: integration/qemu does.
package scripted
