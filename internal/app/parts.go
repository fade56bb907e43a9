package app

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"time"

	"securemailid.example/activities"
	"securemailid.example/internal/ca"
	"securemailid.example/internal/calendar"
	"securemailid.example/internal/config"
	"securemailid.example/internal/csr"
	"securemailid.example/internal/dcv"
	"securemailid.example/internal/dcv/probe"
	"securemailid.example/internal/engine"
	"securemailid.example/internal/mail"
	"securemailid.example/internal/order"
	"securemailid.example/internal/policy"
	"securemailid.example/internal/store"
	"securemailid.example/workflows"
)

// parts is everything that a worker runs; signing is nil where it holds no CA key.
type parts struct {
	orders  workflows.Activities
	signing *workflows.Signing
	prober  *probe.Prober
	ca      *ca.Authority
}

// build plugs the rooms into the activities.
func (w *Worker) build(records *store.Store) (parts, error) {
	rules, err := w.Config.Book()
	if err != nil {
		return parts{}, err
	}
	base, err := w.Config.BaseURL()
	if err != nil {
		return parts{}, err
	}
	mailer, err := w.mailer()
	if err != nil {
		return parts{}, err
	}
	prober, err := probe.New(w.probeConfig(rules))
	if err != nil {
		return parts{}, err
	}
	addresses := activities.Addresses{PublicURL: base}
	p := parts{prober: prober, orders: workflows.Activities{
		Accepting: &activities.Accepting{Records: records, Policy: rules, Addresses: addresses, Clock: w.Clock},
		Domain: &activities.Domain{
			Records: records, Prober: prober, Contacts: prober, Policy: rules, Addresses: addresses, CNAMETarget: w.Config.CNAMETarget,
			NewToken: newToken, Next: w.cadence(), Clock: w.Clock,
		},
		Commands: &activities.Commands{Records: records, Policy: rules, Addresses: addresses, Clock: w.Clock},
		Closing:  &activities.Closing{Records: records, Clock: w.Clock},
		Mailing:  &activities.Mailing{Records: records, Mailer: mailer, Policy: rules, Addresses: addresses, Clock: w.Clock},
		Revoking: &activities.Revoking{Records: records, Policy: rules, Support: w.Config.Brand.Support.Email, Clock: w.Clock},

		Reminding:   &activities.Reminding{Records: records, Policy: rules, Addresses: addresses, Clock: w.Clock},
		Reconciling: &activities.Reconciling{Records: records, Policy: rules, Clock: w.Clock},
		Overseeing:  &activities.Overseeing{Records: records, Policy: rules, Clock: w.Clock},
	}}
	if !w.Config.Signing {
		return p, nil
	}
	if w.Config.CA.Dir == "" {
		return parts{}, errors.Join(errors.New("SMID_CA_DIR is missing; a worker that does not sign sets SMID_SIGNING=false"), prober.Close())
	}
	blocked, err := blocklist(w.Config.BlocklistFile)
	if err != nil {
		return parts{}, errors.Join(err, prober.Close())
	}
	if p.ca, err = LoadAuthority(w.Config.CA, rules, base, w.Clock); err != nil {
		return parts{}, errors.Join(err, prober.Close())
	}
	p.signing = &workflows.Signing{Publishing: Publishing(records, p.ca, rules, w.Clock), Responders: Responders(records, p.ca, w.Clock), Issuing: &activities.Issuing{
		Records: records, CAA: prober, Preparer: p.ca, Signer: p.ca, PublicKey: publicKey(blocked, records), Policy: rules, Addresses: addresses, Clock: w.Clock,
	}}
	return p, nil
}

// newToken draws a random value; e-mail has none, because each approval link is its own.
func newToken(m order.DCVMethod) (string, error) {
	if m == order.DCVEmail {
		return "", nil
	}
	return dcv.NewToken(m, rand.Reader)
}

// publicKey reads the key out of a request that was checked when it was submitted; a key that was compromised since is refused.
func publicKey(file csr.Blocklist, records keyRecords) func(context.Context, string) ([]byte, error) {
	return func(ctx context.Context, text string) ([]byte, error) {
		keys := &keyCheck{ctx: ctx, file: file, records: records}
		r, err := csr.Parse(text, keys)
		return r.PublicKey, cmp.Or(keys.Err, err)
	}
}

func (w *Worker) cadence() func(dcv.Challenge, time.Time) time.Duration {
	if w.Config.Lab && w.Config.Poll > 0 {
		return func(dcv.Challenge, time.Time) time.Duration { return w.Config.Poll }
	}
	cadence := dcv.DefaultCadence()
	return func(c dcv.Challenge, now time.Time) time.Duration { return cadence.NextCheck(c, now, c.ExpiresAt) }
}

func (w *Worker) mailer() (*mail.Mailer, error) {
	smtp := w.Config.SMTP
	if w.Config.PasswordFile != "" {
		password, err := config.Secret(w.Config.PasswordFile)
		if err != nil {
			return nil, fmt.Errorf("SMID_SMTP_PASSWORD_FILE: %w", err)
		}
		smtp.Password = password
	}
	days, err := calendar.New(w.Config.CompanyDays...)
	if err != nil {
		return nil, fmt.Errorf("SMID_COMPANY_HOLIDAYS: %w", err)
	}
	return mail.New(mail.Config{Brand: w.Config.Brand, SMTP: smtp, Calendar: days, Clock: w.Clock})
}

func (w *Worker) probeConfig(rules policy.Book) probe.Config {
	c := probe.Config{
		Resolvers: w.Config.Resolvers, RequireDNSSEC: rules.At(w.Clock()).RequireDNSSEC, CAAIssuers: w.Config.CAAIssuers,
		WHOIS: w.Config.WHOISServer, Now: w.Clock,
	}
	if w.Config.Lab {
		c.AllowLoopback = true
		c.Ports = map[string]string{"80": strconv.Itoa(w.Config.LabWebPort)}
	}
	return c
}

// connect plugs in what only exists once Temporal is connected: the doors by which activities reach workflows.
func (p parts) connect(o *engine.Orders) {
	p.orders.Commands.Poster, p.orders.Reminding.Poster = o, o
	p.orders.Reconciling.Engine = o
	p.orders.Revoking.TakeUp, p.orders.Revoking.Wake = o.ResumeRevocation, o.Revoke
}
