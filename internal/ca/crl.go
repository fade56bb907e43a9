package ca

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"strings"
	"time"

	"securemailid.example/internal/ca/lint"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// CRL signs the certificate revocation list of the draft (RFC 5280 5), valid from its time for the policy's CRLValidity. Without a shard it
// is the one list of everything that the CA has issued; with one it names its part in a critical issuingDistributionPoint (5.2.5).
// Reason 0 (unspecified) is left out, as SBR 7.2.2 demands; a reason that may not be published is a fault of kind Invalid.
func (c *CA) CRL(ctx context.Context, d order.CRLDraft) (order.CRL, error) {
	if err := ctx.Err(); err != nil {
		return order.CRL{}, err
	}
	if d.Number < 1 {
		return order.CRL{}, errCRL("crl.number", "CRL 番号は 1 以上です。", "A CRL number is 1 or more.")
	}
	entries, err := c.entries(d.Revoked)
	if err != nil {
		return order.CRL{}, err
	}
	scope, err := c.scope(d.Shard)
	if err != nil {
		return order.CRL{}, err
	}
	this := d.At.UTC().Truncate(time.Second)
	rules := c.book.At(this)
	list := &x509.RevocationList{
		SignatureAlgorithm: x509.SHA256WithRSA, Number: big.NewInt(d.Number),
		ThisUpdate: this, NextUpdate: this.Add(rules.CRLValidity), RevokedCertificateEntries: entries, ExtraExtensions: scope,
	}
	der, err := x509.CreateRevocationList(c.rand, list, c.cert, c.signer)
	if err != nil {
		return order.CRL{}, fmt.Errorf("sign CRL: %w", err)
	}
	findings, err := c.linter.CRL(der)
	if err != nil {
		return order.CRL{}, err
	}
	if err := lintFault(lint.Blocking(findings, rules.LintNoticeBlocks)); err != nil {
		return order.CRL{}, err
	}
	return order.CRL{Issuer: c.id, Shard: d.Shard, Number: d.Number, DER: der, ThisUpdate: list.ThisUpdate, NextUpdate: list.NextUpdate}, nil
}

// scope says which part of the CA's certificates a list is about; nothing where it is about all of them.
func (c *CA) scope(shard string) ([]pkix.Extension, error) {
	if shard == "" {
		return nil, nil
	}
	e, err := extension(idCE(28), true, issuingDistributionPoint{Name: httpDistribution(shardURL(c.crlURL, shard)).Name, OnlyUserCerts: true})
	return []pkix.Extension{e}, err
}

// shardURL is where the list of a shard is served: "…/<id>-<shard>.crl" beside the "…/<id>.crl" of the whole.
func shardURL(url, shard string) string {
	return strings.TrimSuffix(url, ".crl") + "-" + shard + ".crl"
}

// issuingDistributionPoint is IssuingDistributionPoint (RFC 5280 5.2.5) as far as we use it.
type issuingDistributionPoint struct {
	Name          distributionPointName `asn1:"tag:0"`
	OnlyUserCerts bool                  `asn1:"tag:1"`
}

func (c *CA) entries(revoked []order.RevokedCertificate) ([]x509.RevocationListEntry, error) {
	out := make([]x509.RevocationListEntry, len(revoked))
	for i, r := range revoked {
		serial, ok := new(big.Int).SetString(r.Serial, 16)
		if !ok || serial.Sign() <= 0 {
			return nil, errCRL("crl.serial", "失効対象のシリアル番号を読み取れません。", "A serial number to revoke cannot be read.")
		}
		if !c.publishable(r.Reason) {
			return nil, errCRL("crl.reason", "CRL に記載できない失効理由です。", "A CRL cannot state this reason.")
		}
		out[i] = x509.RevocationListEntry{SerialNumber: serial, RevocationTime: r.RevokedAt.UTC().Truncate(time.Second), ReasonCode: int(r.Reason)}
	}
	return out, nil
}

// publishable knows the reason codes of RFC 5280 5.3.1 for subscriber certificates in a full CRL: 7 is unused, 8 (removeFromCRL) belongs to delta CRLs, 2
// and 10 speak of authorities. Strict knows no certificateHold (SBR 7.2.2).
func (c *CA) publishable(reason order.RevocationReason) bool {
	const certificateHold = 6
	switch reason {
	case 0, 1, 3, 4, 5, 9:
		return true
	case certificateHold:
		return c.policyOID != lint.OIDStrict
	default:
		return false
	}
}

func errCRL(code, ja, en string) error { return fault.New(fault.Invalid, code, ja, en) }
