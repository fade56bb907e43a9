package app

import (
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"path/filepath"
	"time"

	"securemailid.example/activities"
	"securemailid.example/internal/ca"
	"securemailid.example/internal/ca/ceremony"
	"securemailid.example/internal/ca/hsm"
	"securemailid.example/internal/config"
	"securemailid.example/internal/policy"
	"securemailid.example/internal/store"
)

// LoadAuthority opens the issuing CAs that "starter ca init" and "starter ca rollover" left, without those that have expired. Their
// certificates and CRLs are found below the CA's own http address, or the portal's.
func LoadAuthority(cfg config.CA, rules policy.Book, base string, clock func() time.Time) (*ca.Authority, error) {
	machine, err := machineHSM(cfg.KeyURI)
	if err != nil {
		return nil, err
	}
	if cfg.URL != "" {
		base = cfg.URL
	}
	l := caLoader{
		dir: cfg.Dir, machine: machine, base: base, ocsp: cfg.OCSPURL, ring: &hsm.Ring{}, // lives as long as the keys, until the process ends
		common: ca.Config{Profile: rules, PolicyOID: cfg.PolicyOID, Clock: clock, Rand: rand.Reader},
	}
	issuing, err := l.all()
	if err != nil {
		return nil, fmt.Errorf("SMID_CA_DIR: %w", err)
	}
	return ca.NewAuthority(issuing...)
}

// machineHSM reads SMID_CA_KEY; the zero URI without it.
func machineHSM(uri string) (hsm.URI, error) {
	if uri == "" {
		return hsm.URI{}, nil
	}
	u, err := hsm.ParseURI(uri)
	if err != nil {
		return u, fmt.Errorf("SMID_CA_KEY: %w", err)
	}
	return u, nil
}

// caLoader reads the issuing CAs of one directory.
type caLoader struct {
	dir     string
	machine hsm.URI
	base    string
	ocsp    string
	ring    *hsm.Ring
	common  ca.Config
}

func (l caLoader) all() ([]*ca.CA, error) {
	names, err := ceremony.IssuingCAs(l.dir)
	if err != nil {
		return nil, err
	}
	var issuing []*ca.CA
	for i, name := range names {
		certs, err := ca.LoadCertificates(filepath.Join(l.dir, name+".crt"))
		if err != nil {
			return nil, err
		}
		if l.common.Clock().After(certs[0].NotAfter) && i < len(names)-1 {
			continue // nothing that it issued is valid any more, so nobody needs its CRLs
		}
		c, err := l.one(name, certs[0])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		issuing = append(issuing, c)
	}
	return issuing, nil
}

func (l caLoader) one(name string, cert *x509.Certificate) (*ca.CA, error) {
	signer, err := ceremony.OpenKey(l.dir, name, l.machine, l.ring)
	if err != nil {
		return nil, err
	}
	id, cfg := ca.IssuerID(cert), l.common
	cfg.Signer, cfg.URLs = signer, ca.URLs{
		CRL: l.base + "/crl/" + id + ".crl", AIA: l.base + "/ca/" + id + ".cer", OCSP: l.ocsp,
	}
	return ca.Load(ca.Files{
		Certificate: filepath.Join(l.dir, name+".crt"), Chain: filepath.Join(l.dir, ceremony.RootCertificate),
	}, cfg)
}

// Publishing publishes the lists of the authority's issuing CAs.
func Publishing(records *store.Store, a *ca.Authority, rules policy.Book, clock func() time.Time) *activities.Publishing {
	p := &activities.Publishing{Records: records, Policy: rules, Clock: clock}
	for _, c := range a.All() {
		p.Issuing = append(p.Issuing, c)
	}
	return p
}

// Responders certifies OCSP signers of the authority's issuing CAs.
func Responders(records *store.Store, a *ca.Authority, clock func() time.Time) *activities.Responders {
	r := &activities.Responders{Records: records, Clock: clock}
	for _, c := range a.All() {
		r.Issuing = append(r.Issuing, c)
	}
	return r
}
