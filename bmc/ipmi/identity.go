package ipmi

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	library "github.com/bougou/go-ipmi"

	"rackwright/fault"
	"rackwright/inventory"
)

// thisChannel means the channel that the request came in on (IPMI 2.0, 6.3).
const thisChannel = 0x0e

// Identity reads the system's GUID (22.14), the product area of FRU 0 (Platform
// Management FRU Information Storage 1.3, 12) and the BMC's MAC (23.2). What the BMC does
// not tell is left out.
func (c *Controller) Identity(ctx context.Context) (inventory.Facts, error) {
	f := inventory.Facts{Source: "ipmi", Observed: time.Now().UTC()}
	err := c.read(ctx, "tell which machine it is", func(ctx context.Context, cl *library.Client) error {
		device, err := cl.GetDeviceID(ctx)
		if err != nil {
			return err
		}
		f.Versions = []inventory.Version{{Component: "bmc", Version: fmt.Sprintf("%d.%02x", device.MajorFirmwareRevision, device.MinorFirmwareRevision)}}
		for _, read := range []func(context.Context, *library.Client, *inventory.Facts) error{systemGUID, product, ownMAC} {
			if err := read(ctx, cl, &f); err != nil && !missing(err) {
				return err
			}
		}
		return nil
	})
	return f, err
}

// Facts is Identity: IPMI tells no parts.
func (c *Controller) Facts(ctx context.Context) (inventory.Facts, error) { return c.Identity(ctx) }

// missing is an answer that says "I have none", or one that nobody can read.
func missing(err error) bool {
	_, refused := errors.AsType[*library.ResponseError](err)
	return refused || errors.Is(err, library.ErrUnpackedDataTooShort)
}

// systemGUID reads the GUID. Vendors send it in one of three orders of bytes; the one that
// makes a UUID of RFC 9562 is taken, SMBIOS's first, because that is what the system tells.
func systemGUID(ctx context.Context, cl *library.Client, f *inventory.Facts) error {
	got, err := cl.GetSystemGUID(ctx)
	if err != nil {
		return err
	}
	for _, order := range []library.GUIDMode{library.GUIDModeSMBIOS, library.GUIDModeRFC4122, library.GUIDModeIPMI} {
		u, err := library.ParseGUID(got.GUID[:], order)
		if err == nil && u.Version() >= 1 && u.Version() <= 8 && u[8]&0xc0 == 0x80 {
			f.System.UUID = u.String()
			return nil
		}
	}
	return nil
}

func product(ctx context.Context, cl *library.Client, f *inventory.Facts) error {
	fru, err := cl.GetFRU(ctx, 0, "")
	if err != nil || fru == nil || fru.ProductInfoArea == nil {
		return err
	}
	p := fru.ProductInfoArea
	f.System.Vendor, f.System.Product, f.System.Serial, f.System.AssetTag = tidy(p.Manufacturer), tidy(p.Name), tidy(p.SerialNumber), tidy(p.AssetTag)
	return nil
}

func ownMAC(ctx context.Context, cl *library.Client, f *inventory.Facts) error {
	var own library.LanConfigParam_MAC
	if err := cl.GetLanConfigParamFor(ctx, thisChannel, &own); err != nil {
		return err
	}
	if mac, err := inventory.ParseMAC(own.MAC.String()); err == nil && !mac.IsZero() {
		f.BMCs = []inventory.MAC{mac}
	}
	return nil
}

// tidy makes a BMC's string safe to store and to print.
func tidy(b []byte) string {
	text := strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, string(b))
	return strings.TrimSpace(text[:min(len(text), 200)])
}

// Locate lights or darkens the locator LED, and reads it back where the BMC tells its
// state. Chassis Identify (28.5) without a time and without its flag for no end puts it out.
func (c *Controller) Locate(ctx context.Context, on bool) error {
	if err := c.write(ctx, "blink a locator LED", func(ctx context.Context, cl *library.Client) error {
		_, err := cl.ChassisIdentify(ctx, 0, on)
		return err
	}); err != nil {
		return err
	}
	return c.read(ctx, "read the locator LED", func(ctx context.Context, cl *library.Client) error {
		status, err := cl.GetChassisStatus(ctx)
		if err != nil {
			return err
		}
		lit := status.ChassisIdentifyState != library.ChassisIdentifyStateOff
		if status.ChassisIdentifySupported && lit != on {
			return fault.Conflictf("BMC %s ignored the locator LED", c.access.Address).WithHint("find the machine by its label")
		}
		return nil
	})
}
