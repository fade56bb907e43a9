package ca

import (
	"context"
	"crypto/x509"
	"fmt"
	"math/big"
	"time"

	"securemailid.example/internal/ca/lint"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// CRL signs a full certificate revocation list (RFC 5280 5) of the given number, valid from now for the policy's CRLValidity.
// Reason 0 (unspecified) is left out, as SBR 7.2.2 demands; a reason that may not be published is a fault of kind Invalid.
func (c *CA) CRL(ctx context.Context, number int64, revoked []order.RevokedCertificate, now time.Time) (order.CRL, error) {
	if err := ctx.Err(); err != nil {
		return order.CRL{}, err
	}
	if number < 1 {
		return order.CRL{}, errCRL("crl.number", "CRL 番号は 1 以上です。", "A CRL number is 1 or more.")
	}
	entries, err := c.entries(revoked)
	if err != nil {
		return order.CRL{}, err
	}
	this := now.UTC().Truncate(time.Second)
	rules := c.book.At(this)
	list := &x509.RevocationList{
		SignatureAlgorithm: x509.SHA256WithRSA, Number: big.NewInt(number),
		ThisUpdate: this, NextUpdate: this.Add(rules.CRLValidity), RevokedCertificateEntries: entries,
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
	return order.CRL{Issuer: c.id, Number: number, DER: der, ThisUpdate: list.ThisUpdate, NextUpdate: list.NextUpdate}, nil
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
		out[i] = x509.RevocationListEntry{SerialNumber: serial, RevocationTime: r.RevokedAt.UTC().Truncate(time.Second), ReasonCode: r.Reason}
	}
	return out, nil
}

// publishable knows the reason codes of RFC 5280 5.3.1 for subscriber certificates in a full CRL: 7 is unused, 8 (removeFromCRL) belongs to delta CRLs, 2
// and 10 speak of authorities. Strict knows no certificateHold (SBR 7.2.2).
func (c *CA) publishable(reason int) bool {
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
