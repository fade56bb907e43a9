package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// translate is the one place where an error of the database becomes a fault. A context that has ended passes through as such, a
// fault stays what it is, and what nobody expects stays internal.
func translate(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	if ctx.Err() != nil {
		return fmt.Errorf("database: %w", errors.Join(ctx.Err(), err))
	}
	if e, ok := errors.AsType[*pq.Error](err); ok {
		return ofPostgreSQL(e, err)
	}
	if lostConnection(err) {
		return unavailable(err)
	}
	return fmt.Errorf("database: %w", err)
}

// ofPostgreSQL translates what the server said, by code and constraint name only (PostgreSQL 15, appendix A).
func ofPostgreSQL(e *pq.Error, err error) error {
	switch e.Code {
	case pqerror.UniqueViolation, pqerror.ForeignKeyViolation, pqerror.CheckViolation:
		return ofConstraint(e, err)
	case pqerror.LockNotAvailable, pqerror.QueryCanceled, pqerror.IdleInTransactionSessionTimeout:
		return unavailable(err) // our own time limits
	}
	switch e.Code.Class() {
	case "08", "40", "53", "57", "58": // connection, rolled back, out of resources, shutting down, operating system
		return unavailable(err)
	case "22": // the value cannot be stored, such as a text with a NUL
		return fault.New(fault.Invalid, "invalid-value", "保存できない文字または値が含まれています。",
			"It holds a character or value that cannot be stored.").Because(err)
	}
	return fmt.Errorf("database: %w", err)
}

func ofConstraint(e *pq.Error, err error) error {
	switch e.Constraint {
	case "orders_transition":
		return fault.New(fault.Conflict, "order.state", "オーダーの現在の状態では行えません。", "The order's state does not allow this.").Because(err)
	case "orders_submission":
		return unknownOrder().Because(err)
	case "vouchers_hash", "vouchers_id":
		return fault.New(fault.Conflict, "voucher.duplicate", "同じ番号が既に登録されています。", "One of the codes exists already.").Because(err)
	case "reservations_serial", "certificates_serial":
		return fault.New(fault.Conflict, "certificate.serial-used", "このシリアル番号は既に使われています。",
			"This serial number has been used already.").Because(err)
	case "reservations_issuer", "crls_issuer":
		return unknownIssuer().Because(err)
	}
	return fmt.Errorf("database: %w", err)
}

func lostConnection(err error) bool {
	_, network := errors.AsType[net.Error](err)
	_, unreached := errors.AsType[unreachedError](err)
	return network || unreached || errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, io.EOF) ||
		errors.Is(err, io.ErrUnexpectedEOF)
}

func unavailable(cause error) error {
	return fault.New(fault.Unavailable, "record.unavailable", "ただいまデータベースに接続できません。しばらくしてからもう一度お試しください。",
		"The database does not answer at the moment. Please try again later.").Because(cause)
}

// orNotFound turns the absence of a row into f.
func orNotFound(err error, f *fault.Error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return f
	}
	return err
}

func unknownOrder() *fault.Error {
	return fault.New(fault.NotFound, "order.unknown", "該当するオーダーがありません。", "There is no such order.")
}

func unknownIssuer() *fault.Error {
	return fault.New(fault.NotFound, "issuer.unknown", "該当する認証局がありません。", "There is no such issuing CA.")
}

// wrongState says that an order in this state does not allow what was asked.
func wrongState(s order.State) *fault.Error {
	return fault.New(fault.Conflict, "order.state", "オーダーの現在の状態 ("+string(s)+") では行えません。",
		"The order is in state "+string(s)+", which does not allow this.")
}
