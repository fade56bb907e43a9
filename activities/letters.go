package activities

import (
	"strings"
	"time"

	"github.com/google/uuid"

	"securemailid.example/internal/order"
	"securemailid.example/internal/secret"
)

// Addresses builds the links that letters carry.
type Addresses struct {
	PublicURL string // of the portal, without a trailing slash
}

// newLink makes a link with its address; only the hash of its token goes into the record.
func (a Addresses) newLink(p order.LinkPurpose, number, recipient string, expires time.Time) (order.Link, string) {
	token := secret.Token()
	path := map[order.LinkPurpose]string{
		order.LinkApproval: "/approve/", order.LinkDownload: "/download/", order.LinkStatus: "/status/", order.LinkRevocation: "/revoke/",
		order.LinkReuse: "/confirm/", order.LinkRenewal: "/renew/", order.LinkStopReminders: "/stop/",
	}[p]
	return order.Link{
		ID: uuid.NewString(), Hash: secret.Hash(token), Order: number, Purpose: p, Recipient: recipient, ExpiresAt: expires,
	}, a.PublicURL + path + token
}

// withStatus gives the letter a status link of its own, which is its reader's key to the order's page.
func (a Addresses) withStatus(l order.Letter, expires time.Time) order.Letter {
	link, address := a.newLink(order.LinkStatus, l.Order, l.Recipient, expires)
	l.Facts.StatusLink, l.Links = address, append(l.Links, link)
	return l
}

// withDownload gives the letter a download link of its own.
func (a Addresses) withDownload(l order.Letter, expires time.Time) order.Letter {
	link, address := a.newLink(order.LinkDownload, l.Order, l.Recipient, expires)
	l.Facts.Link, l.Facts.LinkExpires, l.Links = address, expires, append(l.Links, link)
	return l
}

// withRevocation gives the letter a link of its own that revokes the certificate.
func (a Addresses) withRevocation(l order.Letter, sequence int, expires time.Time) order.Letter {
	link, address := a.newLink(order.LinkRevocation, l.Order, l.Recipient, expires)
	link.Sequence = sequence
	l.Facts.Link, l.Facts.LinkExpires, l.Links = address, expires, append(l.Links, link)
	return l
}

// withRenewal gives the letter a link of its own to the renewal form, and one that ends such letters.
func (a Addresses) withRenewal(l order.Letter, expires time.Time) order.Letter {
	form, address := a.newLink(order.LinkRenewal, l.Order, l.Recipient, expires)
	stop, stopAddress := a.newLink(order.LinkStopReminders, l.Order, l.Recipient, expires)
	l.Facts.Link, l.Facts.LinkExpires, l.Facts.StopLink, l.Links = address, expires, stopAddress, append(l.Links, form, stop)
	return l
}

// letter addresses a letter to the technical contact, the contact for questions about the application (G12).
func letter(kind order.LetterKind, key, number string, app order.Application, at time.Time, facts order.Facts) order.Letter {
	facts.Number = number
	facts.CertificateEmail = app.CertificateEmail
	facts = named(facts, app.Language, func(l order.Language) order.Names {
		return order.Names{Organization: organizationIn(app.Organization, l), ContactName: contactIn(app.TechnicalContact, l)}
	})
	facts.ValidityYears = app.ValidityYears
	return order.Letter{
		ID: uuid.NewString(), Order: number, Kind: kind, Key: key, Recipient: app.TechnicalContact.Email,
		Language: app.Language, Facts: facts, CreatedAt: at,
	}
}

// named are the facts with the names in the letter's language and, for a letter whose reader may want the other one, in that.
func named(f order.Facts, l order.Language, in func(order.Language) order.Names) order.Facts {
	own, other := in(order.Japanese), in(order.English)
	if l != order.Japanese {
		own, other = other, own
	}
	f.Organization, f.ContactName, f.Other = own.Organization, own.ContactName, other
	return f
}

// greeting are the facts with the representative as whom the letter greets.
func greeting(f order.Facts, l order.Language, r order.Representative) order.Facts {
	f.ContactName, f.Other.ContactName = nameIn(r, order.Japanese), nameIn(r, order.English)
	if l != order.Japanese {
		f.ContactName, f.Other.ContactName = f.Other.ContactName, f.ContactName
	}
	return f
}

func organizationIn(o order.Organization, l order.Language) string {
	if l == order.Japanese {
		return o.NameJA
	}
	return o.Name
}

// contactIn is how a letter in the language greets the technical contact, whose name the form has in Latin letters only (G12).
func contactIn(t order.TechnicalContact, l order.Language) string {
	if l == order.Japanese {
		return t.FamilyName + " " + t.GivenName
	}
	return t.GivenName + " " + t.FamilyName
}

// nameIn is how a letter in the language greets the representative.
func nameIn(r order.Representative, l order.Language) string {
	if l == order.Japanese {
		return r.FamilyNameJA + " " + r.GivenNameJA
	}
	return r.GivenName + " " + r.FamilyName
}

// domainOf returns the part after the last @ of a validated address.
func domainOf(address string) string {
	return address[strings.LastIndexByte(address, '@')+1:]
}
