package store

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"

	"securemailid.example/internal/audit"
)

// system is the actor of what the program does by itself.
const system = "system"

// note adds a line to the transaction's audit lines.
func (c *change) note(number, actor, action string, detail any, at time.Time) error {
	e, err := audit.New(number, actor, action, detail, at)
	if err != nil {
		return err
	}
	c.lines = append(c.lines, e)
	return nil
}

// writeLines chains the lines, always in the order of their chains, so that two transactions never wait for each other's chain.
func (c *change) writeLines(ctx context.Context) error {
	slices.SortStableFunc(c.lines, func(a, b audit.Entry) int { return cmp.Compare(a.Chain, b.Chain) })
	for _, e := range c.lines {
		content, err := e.Content()
		if err != nil {
			return err
		}
		if _, err := c.ExecContext(ctx, `SELECT audit_append($1, $2, $3, $4, $5, $6, $7)`,
			e.Chain, e.Order, e.Actor, e.Action, string(e.Detail), e.At, content); err != nil {
			return err
		}
	}
	return nil
}

// execNoted runs the one statement that is all of the change, with its only audit line at the end. The parameters after args are the
// line's chain, actor, action, detail, time and content; the statement knows the order. PostgreSQL may take the chain before it writes
// the rest, so the rest must be new rows, or rows that the change has locked before.
func (c *change) execNoted(ctx context.Context, line audit.Entry, text string, args ...any) (noted bool, err error) {
	content, err := line.Content()
	if err != nil {
		return false, err
	}
	args = append(args, line.Chain, line.Actor, line.Action, string(line.Detail), line.At, content)
	n, err := affected(c.ExecContext(ctx, text, args...))
	c.noted = n > 0
	return c.noted, err
}

// AuditReport is what VerifyAudit found intact.
type AuditReport struct {
	Lines  int64
	Digest []byte // SHA-256 over the heads of all chains: noted elsewhere, it shows later that nothing was cut off at the end
}

// VerifyAudit reads the whole audit trail and checks every chain up to its head. A chain that does not hold is an
// *audit.BrokenError. progress is told from time to time how many of the lines are done; it may be nil.
func (s *Store) VerifyAudit(ctx context.Context, progress func(done, total int64)) (AuditReport, error) {
	var report AuditReport
	err := s.read(ctx, func(tx *sqlx.Tx) error {
		// A trail of years takes longer to read than any other statement.
		if _, err := tx.ExecContext(ctx, `SET LOCAL statement_timeout = 0`); err != nil {
			return err
		}
		var total int64
		if err := tx.GetContext(ctx, &total, `SELECT coalesce(sum(seq), 0)::bigint FROM audit_heads`); err != nil {
			return err
		}
		count := func() {
			if report.Lines++; progress != nil && (report.Lines%1000 == 0 || report.Lines == total) {
				progress(report.Lines, total)
			}
		}
		digest := sha256.New()
		for chain := range audit.Chains {
			head, err := verifyChain(ctx, tx, chain, count)
			if err != nil {
				return err
			}
			_, _ = digest.Write(head.Hash) // a hash never fails
		}
		report.Digest = digest.Sum(nil)
		return nil
	})
	return report, err
}

func verifyChain(ctx context.Context, tx *sqlx.Tx, chain int, count func()) (audit.Head, error) {
	head, err := audit.Verify(chain, auditLines(ctx, tx, chain, count))
	if err != nil {
		return head, err
	}
	var kept audit.Head
	if err := tx.GetContext(ctx, &kept, `SELECT chain, seq, hash FROM audit_heads WHERE chain = $1`, chain); err != nil {
		return head, orBroken(err, chain)
	}
	if kept.Seq != head.Seq || !bytes.Equal(kept.Hash, head.Hash) {
		return head, &audit.BrokenError{Chain: chain, Seq: head.Seq + 1,
			Reason: fmt.Sprintf("the chain has %d lines, its head knows of %d", head.Seq, kept.Seq)}
	}
	return head, nil
}

// auditLines reads one chain from its first line.
func auditLines(ctx context.Context, tx *sqlx.Tx, chain int, count func()) iter.Seq2[audit.Entry, error] {
	return func(yield func(audit.Entry, error) bool) {
		rows, err := tx.QueryxContext(ctx,
			`SELECT chain, seq, order_number, actor, action, detail, at, hash FROM audit WHERE chain = $1 ORDER BY seq`, chain)
		if err != nil {
			yield(audit.Entry{}, err)
			return
		}
		defer func() { _ = rows.Close() }()
		prev := audit.Genesis(chain)
		for rows.Next() {
			e := audit.Entry{PrevHash: prev}
			err := rows.Scan(&e.Chain, &e.Seq, &e.Order, &e.Actor, &e.Action, &e.Detail, &e.At, &e.Hash)
			if !yield(e, err) || err != nil {
				return
			}
			prev = e.Hash
			count()
		}
		if err := rows.Err(); err != nil {
			yield(audit.Entry{}, err)
		}
	}
}

func orBroken(err error, chain int) error {
	if errors.Is(err, sql.ErrNoRows) {
		return &audit.BrokenError{Chain: chain, Reason: "its head is missing"}
	}
	return err
}
