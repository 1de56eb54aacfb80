// Package mockup is a BMC that answers from a tree of recorded resources (DMTF DSP0266
// mockup layout: PATH/index.json), with a state machine on top.
package mockup
