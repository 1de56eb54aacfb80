package redfish

import (
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"slices"
	"strconv"
)

const (
	bootCertificatesPath = systemPath + "/Boot/Certificates"
	mostAuthorities      = 8
)

// authorities are what UEFI HTTP boot trusts beside the rack file's (ComputerSystem 1.7,
// Boot.Certificates), in the order they came.
type authorities struct {
	Last int       `json:"last"` // id that was given last
	List []trusted `json:"list"`
}

// trusted is one of them.
type trusted struct {
	ID  string `json:"id"`
	DER []byte `json:"der"`
}

// routeTrust serves them on machines with UEFI.
func (s *Service) routeTrust() {
	s.collection(bootCertificatesPath, "CertificateCollection", "Authorities of HTTPS boot", s.authorityBodies)
	s.mux.HandleFunc("POST "+bootCertificatesPath, s.enrol)
	s.mux.HandleFunc("DELETE "+bootCertificatesPath+"/{id}", s.expel)
}

func (s *Service) authorityBodies() (all []body) {
	s.memory.look(func(k *kept) {
		for _, a := range k.Trust.List {
			if c, err := x509.ParseCertificate(a.DER); err == nil {
				all = append(all, certificateBody(bootCertificatesPath+"/"+a.ID, c))
			}
		}
	})
	return all
}

// trusted is what the firmware is handed at a start, PEM.
func (s *Service) trusted() (text []byte) {
	for _, der := range s.Authorities() {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	return text
}

// Authorities are the enrolled certificates, DER.
func (s *Service) Authorities() (all [][]byte) {
	s.memory.look(func(k *kept) {
		for _, a := range k.Trust.List {
			all = append(all, a.DER)
		}
	})
	return all
}

func (s *Service) enrol(w http.ResponseWriter, r *http.Request) {
	p := s.allowed(r, configureComponents)
	var sent body
	if p == nil {
		sent, p = readObject(r)
	}
	var der []byte
	if p == nil {
		der, p = authorityIn(&changes{sent: sent})
	}
	id := ""
	if p == nil {
		id, p = s.addAuthority(der)
	}
	if p != nil {
		p.write(w)
		return
	}
	w.Header().Set("Location", bootCertificatesPath+"/"+id)
	w.WriteHeader(http.StatusCreated)
}

// authorityIn takes exactly one certificate.
func authorityIn(c *changes) ([]byte, *problem) {
	text, given := c.text("CertificateString")
	kind, _ := c.text("CertificateType")
	_, _ = c.text("UefiSignatureOwner")
	if p := c.done(); p != nil {
		return nil, p
	}
	switch {
	case !given:
		return nil, refuse(http.StatusBadRequest, msgPropertyMissing, "CertificateString")
	case kind != "PEM":
		return nil, refuse(http.StatusBadRequest, msgNotInList, kind, "CertificateType")
	}
	block, rest := pem.Decode([]byte(text))
	if block != nil && block.Type == "CERTIFICATE" && len(rest) == 0 {
		if _, err := x509.ParseCertificate(block.Bytes); err == nil {
			return block.Bytes, nil
		}
	}
	return nil, refuse(http.StatusBadRequest, msgFormat, "(certificate)", "CertificateString")
}

func (s *Service) addAuthority(der []byte) (id string, p *problem) {
	s.memory.change(func(k *kept) {
		if len(k.Trust.List) >= mostAuthorities {
			p = refuse(http.StatusBadRequest, msgLimit)
			return
		}
		k.Trust.Last++
		id = strconv.Itoa(k.Trust.Last)
		k.Trust.List = append(k.Trust.List, trusted{id, der})
	})
	return id, p
}

// expel removes one.
func (s *Service) expel(w http.ResponseWriter, r *http.Request) {
	p := s.allowed(r, configureComponents)
	if p == nil {
		p = refuse(http.StatusNotFound, msgURINotFound, r.URL.Path)
		s.memory.change(func(k *kept) {
			left := slices.DeleteFunc(slices.Clone(k.Trust.List), func(a trusted) bool { return a.ID == r.PathValue("id") })
			if len(left) < len(k.Trust.List) {
				k.Trust.List, p = left, nil
			}
		})
	}
	if p != nil {
		p.write(w)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
