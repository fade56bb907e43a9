package portal

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"net/http"
	"slices"
	"time"

	"securemailid.example/internal/order"
)

// authoritiesView is the page of the CA's certificates and lists.
type authoritiesView struct {
	Roots   []authorityView
	Issuing []authorityView
	OCSP    string // empty: none
}

// authorityView is a CA certificate, with its list where it issues to subscribers.
type authorityView struct {
	Name      string
	Pairs     []string // SHA-256 of the certificate
	NotBefore time.Time
	NotAfter  time.Time
	Path      string // where the certificate is served
	CRL       string // where its list is; empty: it has none here
	List      order.CRL
	Entries   int
	Over      bool // it owes a newer list
}

// showAuthorities shows what a relying party needs: the roots with their fingerprints, the issuing CAs and their current lists, OCSP.
func (p *portal) showAuthorities(w http.ResponseWriter, r *http.Request) error {
	all, err := p.Records.IssuerStandings(r.Context())
	if err != nil {
		return err
	}
	var v authoritiesView
	if p.OCSP != nil {
		v.OCSP = p.BaseURL + "/ocsp"
	}
	owing := order.InService(all, p.Clock())
	for _, s := range all {
		issuing, err := viewIssuing(s)
		if err != nil {
			return err
		}
		issuing.Over = s.List.Number > 0 && s.ListLeft(p.Clock()) == 0 && slices.ContainsFunc(owing, func(o order.IssuerStanding) bool { return o.CA.ID == s.CA.ID })
		v.Issuing = append(v.Issuing, issuing)
		if len(s.CA.Chain) == 0 {
			continue
		}
		root, err := viewAuthority(s.CA.Chain[len(s.CA.Chain)-1])
		if err != nil {
			return err
		}
		root.Path = "/pki/" + digest(s.CA.Chain[len(s.CA.Chain)-1]) + ".cer"
		if !slices.ContainsFunc(v.Roots, func(o authorityView) bool { return o.Path == root.Path }) {
			v.Roots = append(v.Roots, root)
		}
	}
	return p.render(w, r, http.StatusOK, "authorities", v)
}

func viewAuthority(der []byte) (authorityView, error) {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return authorityView{}, fmt.Errorf("stored CA certificate: %w", err)
	}
	sum := sha256.Sum256(der)
	return authorityView{Name: cert.Subject.String(), Pairs: pairs(sum[:]), NotBefore: cert.NotBefore, NotAfter: cert.NotAfter}, nil
}

func viewIssuing(s order.IssuerStanding) (authorityView, error) {
	v, err := viewAuthority(s.CA.DER)
	if err != nil {
		return v, err
	}
	v.Path, v.List = "/ca/"+s.CA.ID+".cer", s.List
	if s.List.Number == 0 {
		return v, nil
	}
	list, err := x509.ParseRevocationList(s.List.DER)
	if err != nil {
		return v, fmt.Errorf("stored CRL: %w", err)
	}
	v.CRL, v.Entries = "/crl/"+s.CA.ID+".crl", len(list.RevokedCertificateEntries)
	return v, nil
}

// rootCertificate serves a certificate of an issuing CA's chain by the fingerprint that the page shows.
func (p *portal) rootCertificate(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("file")
	f, err := p.shelf.get(r.Context(), "pki/"+name, func(ctx context.Context) (*file, error) {
		all, err := p.Records.IssuerStandings(ctx)
		if err != nil {
			return nil, err
		}
		for _, s := range all {
			for _, der := range s.CA.Chain {
				if digest(der)+".cer" == name {
					return newFile("application/pkix-cert", der, s.NotBefore, time.Time{}), nil // the name is the content
				}
			}
		}
		return nil, errNoFile
	})
	if err != nil {
		return err
	}
	f.serve(w, r, 7*24*time.Hour)
	return nil
}
