package redfish

import (
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"strconv"
)

func (s *Service) anchorBodies() []body {
	s.updates.mu.Lock()
	defer s.updates.mu.Unlock()
	var all []body
	for i, c := range s.updates.anchors {
		all = append(all, certificateBody(anchorsPath+"/"+strconv.Itoa(i+1), c))
	}
	return all
}

// addAnchor takes a certificate by which file servers are judged from then on, once
// VerifyRemoteServerCertificate is set. It is lost when the BMC restarts.
func (s *Service) addAnchor(w http.ResponseWriter, r *http.Request) {
	p := s.allowed(r, configureComponents)
	var cert *x509.Certificate
	if p == nil {
		cert, p = readAnchor(r)
	}
	path := ""
	if p == nil {
		s.updates.mu.Lock()
		if len(s.updates.anchors) >= maxAnchors {
			p = refuse(http.StatusBadRequest, msgLimit)
		} else {
			s.updates.anchors = append(s.updates.anchors, cert)
			path = anchorsPath + "/" + strconv.Itoa(len(s.updates.anchors))
		}
		s.updates.mu.Unlock()
	}
	if p != nil {
		p.write(w)
		return
	}
	w.Header().Set("Location", path)
	writeJSON(w, http.StatusCreated, certificateBody(path, cert))
}

func readAnchor(r *http.Request) (*x509.Certificate, *problem) {
	sent, p := readObject(r)
	if p != nil {
		return nil, p
	}
	c := &changes{sent: sent}
	text, _ := c.text("CertificateString")
	kind, _ := c.text("CertificateType")
	if p := c.done(); p != nil {
		return nil, p
	}
	if kind != "PEM" {
		return nil, refuse(http.StatusBadRequest, msgNotInList, kind, "CertificateType")
	}
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, refuse(http.StatusBadRequest, msgFormat, "(certificate)", "CertificateString")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, msgFormat, "(certificate)", "CertificateString")
	}
	return cert, nil
}
