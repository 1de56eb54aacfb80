// Package fuzzapi tests the REST interface with what no client should send: requests made
// from its own description, whole and bent, and connections that behave badly. It holds no
// code of the product.
package fuzzapi
