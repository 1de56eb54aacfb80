package main

import (
	"github.com/spf13/cobra"

	"rackwright/deploy"
)

// bmcCommand holds what is asked of, and changed at, management controllers. Power and
// the locator LED are about machines and stand elsewhere.
func bmcCommand(w *world) *cobra.Command {
	return group("bmc", "Ask BMCs and change them", []string{"bmcs"},
		bmcListing(w), bmcOverview(w), bmcClaim(w), bmcAuthority(w), bmcProbe(w), bmcRecord(w),
		bmcSensors(w), bmcLog(w), bmcBoot(w), bmcOrder(w), bmcSecureBoot(w), bmcSettings(w),
		plainChange(w, deploy.BMCTrust, "trust", "Have a machine's firmware load from this server over HTTPS",
			"Enrols the authority of boot.https_listen among those that UEFI HTTP boot trusts, by Redfish. One that the server\n"+
				"had before is removed. Operations do the same before they netboot a machine whose model says https."),
		bmcMedia(w), bmcInsert(w), plainChange(w, deploy.BMCEjectMedia, "eject", "Empty the virtual CD drive", ""),
		bmcFirmware(w), bmcAccounts(w), bmcProtocols(w), bmcClock(w), bmcConsole(w), bmcSubscriptions(w),
		plainChange(w, deploy.BMCPlace, "place", "Write the machine's place into its BMC", "Writes where the plan has the machine into its BMC, for those who look there."),
		plainChange(w, deploy.BMCReset, "reset", "Restart a BMC", "Restarts the BMC itself and waits until it answers again. The machine stays as it is."))
}
