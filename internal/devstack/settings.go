package devstack

import (
	"context"
	"fmt"
	"net"
	"os"
	"reflect"
	"strings"

	"securemailid.example/internal/config"
	"securemailid.example/internal/mail"
)

// writeSettings decides the settings of worker, portal and commands, and leaves them in SettingsFile. Brand, senders, subjects and
// the CNAME target are the guide's; an operator sets their own.
func (s *Stack) writeSettings(ctx context.Context) error {
	portal, err := addr(ctx, s.Options.Ports.Portal, "SMID_DEV_PORTAL_PORT")
	if err != nil {
		return err
	}
	s.PortalURL = "http://" + portal
	smtpHost, smtpPort, err := net.SplitHostPort(s.Mailbox.SMTPAddr)
	if err != nil {
		return err
	}
	_, webPort, err := net.SplitHostPort(s.Lab.WebAddr)
	if err != nil {
		return err
	}
	s.env = append([]string{
		"SMID_DATABASE_URL=" + s.Postgres.DSN(),
		"SMID_TEMPORAL_ADDRESS=" + s.Temporal.HostPort(),
		"SMID_POLICY=guide",
		"SMID_POLICY_OID=2.999.1.1",
		"SMID_VOUCHER_KEY_FILE=" + s.path("voucher.key"),
		"SMID_PUBLIC_URL=" + s.PortalURL,
		"SMID_PORTAL_LISTEN=" + portal,
		"SMID_CA_DIR=" + s.Options.CADir,
		"SMID_OCSP_DIR=" + s.path("ocsp"),
		"SMID_OCSP_URL=" + s.PortalURL + "/ocsp",
		"SMID_CNAME_TARGET=dcv.digicert.com",
		"SMID_CAA_ISSUERS=digicert.com",
		"SMID_DNS_RESOLVERS=" + s.Lab.DNSAddr,
		"SMID_WHOIS_SERVER=" + s.Lab.WHOISAddr,
		"SMID_SMTP_HOST=" + smtpHost,
		"SMID_SMTP_PORT=" + smtpPort,
		"SMID_SMTP_STARTTLS=none",
		"SMID_DEV_LAB=true",
		"SMID_DEV_LAB_URL=" + s.Lab.AdminURL,
		"SMID_DEV_MAILBOX_URL=" + s.Mailbox.WebURL,
		"SMID_DEV_WEB_PORT=" + webPort,
		"SMID_DEV_POLL=" + s.Options.Poll.String(),
		"SMID_LOG_LEVEL=WARN",
	}, environ("SMID_BRAND_", reflect.ValueOf(mail.GuideBrand()))...)
	s.env = append(s.env, s.Options.Env...)
	return os.WriteFile(s.path(SettingsFile), []byte(strings.Join(s.env, "\n")+"\n"), 0o600)
}

// Settings is what a program in this process needs to use the stack.
func (s *Stack) Settings() (config.Common, error) {
	return config.LoadFrom[config.Common](s.env)
}

// environ writes a struct as the environment variables that its tags name.
func environ(prefix string, v reflect.Value) []string {
	var out []string
	for f, value := range v.Fields() {
		if nested, ok := f.Tag.Lookup("envPrefix"); ok {
			out = append(out, environ(prefix+nested, value)...)
			continue
		}
		out = append(out, fmt.Sprintf("%s%s=%s", prefix, f.Tag.Get("env"), value.String()))
	}
	return out
}
