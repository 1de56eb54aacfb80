// Package ipmi is the bmc.Controller for BMCs without Redfish: power and boot device over
// IPMI 2.0 (RMCP+).
package ipmi
