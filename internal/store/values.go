package store

import (
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"time"
)

// document is a value kept as JSON. It is sent as text: a []byte would go as binary, which jsonb does not take.
type document[T any] struct{ V T }

func asJSON[T any](v T) document[T] { return document[T]{v} }

// Value implements driver.Valuer.
func (d document[T]) Value() (driver.Value, error) {
	b, err := json.Marshal(d.V)
	return string(b), err
}

// Scan implements sql.Scanner; NULL leaves the zero value.
func (d *document[T]) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		return nil
	case []byte:
		return json.Unmarshal(v, &d.V)
	case string:
		return json.Unmarshal([]byte(v), &d.V)
	default:
		return fmt.Errorf("JSON column holds a %T", src)
	}
}

// stored returns t as PostgreSQL keeps it: UTC, whole microseconds.
func stored(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// timeOrNull is NULL for the zero time.
func timeOrNull(t time.Time) sql.NullTime { return sql.NullTime{Time: stored(t), Valid: !t.IsZero()} }

// timeOf is the zero time for NULL.
func timeOf(t sql.NullTime) time.Time {
	if !t.Valid {
		return time.Time{}
	}
	return t.Time.UTC()
}

// textOrNull is NULL for the empty string.
func textOrNull(s string) sql.NullString { return sql.NullString{String: s, Valid: s != ""} }

// maxText bounds what is kept of a text from elsewhere, such as a mail server's reply, in characters.
const maxText = 300

// shorten cuts s after maxText characters.
func shorten(s string) string {
	n := maxText
	for i := range s {
		if n--; n < 0 {
			return s[:i] + "…"
		}
	}
	return s
}
