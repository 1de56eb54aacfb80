// Package serve gives firmware files to BMCs that fetch them, each under a URL that works
// once.
package serve
