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

// authorities is what the page shows, read and parsed once for all visitors of some seconds.
type authorities struct {
	standings []order.IssuerStanding
	roots     []authorityView
	issuing   []authorityView  // as standings
	files     map[string]*file // the certificates of the chains, by the names under which the page links them
}

func (*authorities) forever() bool { return false }

// authorities returns what is kept: a page that anybody may call costs neither the record nor this process whole lists.
func (p *portal) authorities(ctx context.Context) (*authorities, error) {
	return p.pki.get(ctx, "authorities", func(ctx context.Context) (*authorities, error) {
		all, err := p.Records.IssuerStandings(ctx)
		if err != nil {
			return nil, err
		}
		return newAuthorities(all)
	})
}

func newAuthorities(all []order.IssuerStanding) (*authorities, error) {
	a := &authorities{standings: all, files: map[string]*file{}}
	for _, s := range all {
		issuing, err := viewIssuing(s)
		if err != nil {
			return nil, err
		}
		a.issuing = append(a.issuing, issuing)
		for i, der := range s.CA.Chain {
			name := digest(der) + ".cer"
			if a.files[name] != nil {
				continue
			}
			cert, err := viewAuthority(der)
			if err != nil {
				return nil, err
			}
			cert.Path = "/pki/" + name
			a.files[name] = newFile("application/pkix-cert", der, cert.NotBefore, time.Time{}) // the name is the content
			if i == len(s.CA.Chain)-1 {
				a.roots = append(a.roots, cert)
			}
		}
	}
	return a, nil
}

// showAuthorities shows what a relying party needs: the roots with their fingerprints, the issuing CAs and their current lists, OCSP.
func (p *portal) showAuthorities(w http.ResponseWriter, r *http.Request) error {
	a, err := p.authorities(r.Context())
	if err != nil {
		return err
	}
	v := authoritiesView{Roots: a.roots, Issuing: slices.Clone(a.issuing)}
	if p.OCSP != nil {
		v.OCSP = p.BaseURL + "/ocsp"
	}
	now := p.Clock()
	owing := order.InService(a.standings, now)
	for i, s := range a.standings {
		v.Issuing[i].Over = s.List.Number > 0 && s.ListLeft(now) == 0 && slices.ContainsFunc(owing, func(o order.IssuerStanding) bool { return o.CA.ID == s.CA.ID })
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
	a, err := p.authorities(r.Context())
	if err != nil {
		return err
	}
	f := a.files[r.PathValue("file")]
	if f == nil {
		return errNoFile
	}
	f.serve(w, r, 7*24*time.Hour)
	return nil
}
