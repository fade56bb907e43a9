// Package e2e holds the tests of the whole system on real parts: Temporal, PostgreSQL, SMTP, DNS and HTTP on this machine, with
// worker and portal as processes of their own that the tests kill.
package e2e
