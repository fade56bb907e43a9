package portal_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net/http"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"securemailid.example/internal/devstack/chromium"
	"securemailid.example/internal/order"
	"securemailid.example/internal/portal"
)

// authority gives the record an issuing CA under a root, with a list of two entries that ends so late.
func (s *site) authority(next time.Duration) order.IssuerStanding {
	s.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(s.t, err)
	var ders [][]byte
	for _, name := range []string{"Example Root CA", "Example Issuing CA 2"} {
		c := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: name, Organization: []string{"Example CA"}}, SubjectKeyId: []byte{1},
			NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(9, 0, 0), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCRLSign}
		der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
		require.NoError(s.t, err)
		ders = append(ders, der)
	}
	issuing, err := x509.ParseCertificate(ders[1])
	require.NoError(s.t, err)
	list, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{Number: big.NewInt(41), ThisUpdate: now.AddDate(0, 0, -1), NextUpdate: now.Add(next),
		RevokedCertificateEntries: []x509.RevocationListEntry{{SerialNumber: big.NewInt(1), RevocationTime: now}, {SerialNumber: big.NewInt(2), RevocationTime: now}}}, issuing, key)
	require.NoError(s.t, err)
	sum := sha256.Sum256(ders[1])
	st := order.IssuerStanding{
		CA: order.IssuingCA{ID: fmt.Sprintf("%x", sum[:8]), DER: ders[1], Chain: ders[:1]}, NotBefore: issuing.NotBefore, NotAfter: issuing.NotAfter,
		List: order.CRL{Number: 41, DER: list, ThisUpdate: now.AddDate(0, 0, -1), NextUpdate: now.Add(next)},
	}
	s.record.standings = []order.IssuerStanding{st}
	return st
}

func withOCSP(c *portal.Config) { c.OCSP = http.NotFoundHandler() }

func TestRelyingPartiesFindChainAndLists(t *testing.T) {
	t.Parallel()
	c := &clock{now: now}
	s := open(t, order.English, withOCSP, c.of)
	require.Contains(t, s.get(s.visitor(), "/pki?lang=en").text, "There is none yet", "a CA that has not begun")
	c.later(5 * time.Second)
	st := s.authority(7 * 24 * time.Hour)
	text := s.get(s.visitor(), "/pki?lang=en").text
	root := fmt.Sprintf("/pki/%x.cer", sha256.Sum256(st.CA.Chain[0]))
	for _, fact := range []string{"Example Root CA", "Example Issuing CA 2", root, "/ca/" + st.CA.ID + ".cer", "/crl/" + st.CA.ID + ".crl", "<dd>41</dd>", "<dd>2</dd>", "/ocsp"} {
		require.Contains(t, text, fact)
	}
	require.NotContains(t, text, "This time has passed")
	p := s.get(s.visitor(), root)
	require.Equal(t, http.StatusOK, p.StatusCode)
	require.Equal(t, "application/pkix-cert", p.Header.Get("Content-Type"))
	require.Equal(t, "public, max-age=604800", p.Header.Get("Cache-Control"))
	require.Equal(t, string(st.CA.Chain[0]), p.text)
	require.Equal(t, http.StatusNotFound, s.get(s.visitor(), "/pki/root.cer").StatusCode)
	require.Contains(t, s.get(s.visitor(), "/").text, `href="/pki"`)

	s.authority(-time.Minute)
	c.later(5 * time.Second)
	require.Contains(t, s.get(s.visitor(), "/pki?lang=en").text, "This time has passed")
	none := open(t, order.English)
	require.NotContains(t, none.get(none.visitor(), "/pki?lang=en").text, "/ocsp")
}

func TestThePageOfListsCostsOneLookInSeconds(t *testing.T) {
	t.Parallel()
	c := &clock{now: now}
	s := open(t, order.English, c.of)
	st := s.authority(7 * 24 * time.Hour)
	for range 3 {
		require.Equal(t, http.StatusOK, s.get(s.visitor(), "/pki").StatusCode)
		require.Equal(t, http.StatusNotFound, s.get(s.visitor(), "/pki/made-up.cer").StatusCode)
		require.Equal(t, http.StatusOK, s.get(s.visitor(), fmt.Sprintf("/pki/%x.cer", sha256.Sum256(st.CA.Chain[0]))).StatusCode)
	}
	require.Equal(t, 1, s.record.looked)
	c.later(5 * time.Second)
	s.record.do(func() { s.record.standings = nil })
	require.Contains(t, s.get(s.visitor(), "/pki?lang=en").text, "There is none yet")
	require.Equal(t, 2, s.record.looked)
}

// TestThePageOfListsInABrowser looks at it on every screen, with axe-core, and checks what it costs.
func TestThePageOfListsInABrowser(t *testing.T) {
	t.Parallel()
	tab := chromium.Tab(t)
	traffic := chromium.Watch(t, tab)
	for _, language := range []order.Language{order.Japanese, order.English} {
		s := open(t, language, withOCSP)
		s.authority(7 * 24 * time.Hour)
		traffic.Reset()
		require.NoError(t, chromedp.Do(tab, chromedp.Navigate(s.URL+"/pki?lang="+string(language))))
		requireCheap(t, traffic, "pki", "")
		for _, v := range views(t) {
			v.show(t, tab, "pki-"+string(language))
			width, err := chromedp.Run(tab, chromedp.Evaluate[int64]("document.documentElement.scrollWidth"))
			require.NoError(t, err)
			require.Equal(t, v.width, width)
		}
		chromium.Axe(t, tab, "pki "+string(language))
	}
}
