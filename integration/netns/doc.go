// Package netns tests the boot path on a wire: real clients in network namespaces of
// their own against the DHCP, TFTP and HTTP servers. It holds no code of the product.
package netns
