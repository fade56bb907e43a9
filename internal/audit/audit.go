// Package audit is the audit trail without a database: what a line says, how lines are chained by hash, and how a chain is
// checked. A line that is changed, removed, inserted or moved later breaks its chain.
package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"
)

// Chains is the number of chains that the trail consists of. All lines of one order are in one chain; with a single chain every
// commit of the whole system would wait for the one before it. The record is made for this number: a change needs a migration.
const Chains = 8

// Entry is one line: who did what to which order, and when. Detail holds neither secrets nor personal data, since a line
// can never be wiped.
type Entry struct {
	Chain    int
	Seq      int64           // 1, 2, … within the chain
	Order    string          // order number; empty for what belongs to no order
	Actor    string          // "system", "applicant", "staff/ops"
	Action   string          // such as "domain-validated"
	Detail   json.RawMessage // a canonical JSON object
	At       time.Time       // UTC, whole microseconds
	PrevHash []byte          // of the line before in the chain, or Genesis
	Hash     []byte          // SHA-256 over PrevHash and Content
}

// New returns an entry that is not yet chained. Detail is a map or struct, or nil.
func New(order, actor, action string, detail any, at time.Time) (Entry, error) {
	if actor == "" || action == "" {
		return Entry{}, fmt.Errorf("audit: a line needs actor and action, got %q and %q", actor, action)
	}
	d, err := canonical(detail)
	if err != nil {
		return Entry{}, fmt.Errorf("audit: detail of %s: %w", action, err)
	}
	return Entry{Chain: ChainOf(order), Order: order, Actor: actor, Action: action, Detail: d, At: at.UTC().Truncate(time.Microsecond)}, nil
}

// ChainOf returns the chain that an order's lines belong to.
func ChainOf(order string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(order)) // a hash never fails
	return int(h.Sum32() % Chains)
}

// Genesis returns what stands for the hash before the first line of a chain. It differs between chains, so that a whole chain
// cannot be put in another's place.
func Genesis(chain int) []byte {
	h := sha256.Sum256(fmt.Appendf(nil, "securemailid audit chain %d", chain))
	return h[:]
}

// Content returns what the hash of the line covers besides the line before it: the JSON array [order, actor, action, at, detail].
func (e Entry) Content() ([]byte, error) {
	at := e.At.UTC().Format("2006-01-02T15:04:05.000000Z")
	return json.Marshal([]any{e.Order, e.Actor, e.Action, at, e.Detail})
}

// Summary returns the detail as one line for people, such as "method=dns-txt, sequence=1".
func (e Entry) Summary() string {
	var fields map[string]any
	d := json.NewDecoder(bytes.NewReader(e.Detail))
	d.UseNumber()
	if err := d.Decode(&fields); err != nil {
		return string(e.Detail)
	}
	parts := make([]string, 0, len(fields))
	for _, k := range slices.Sorted(maps.Keys(fields)) {
		parts = append(parts, fmt.Sprintf("%s=%v", k, fields[k]))
	}
	return strings.Join(parts, ", ")
}

// Next returns the hash of a line with the given content after a line with hash prev.
func Next(prev, content []byte) []byte {
	h := sha256.New()
	_, _ = h.Write(prev) // a hash never fails
	_, _ = h.Write(content)
	return h.Sum(nil)
}

// BrokenError says where a chain does not hold.
type BrokenError struct {
	Chain  int
	Seq    int64
	Reason string
}

func (e *BrokenError) Error() string {
	return fmt.Sprintf("audit chain %d is broken at line %d: %s", e.Chain, e.Seq, e.Reason)
}

// Head is the last line of a chain.
type Head struct {
	Chain int
	Seq   int64
	Hash  []byte
}

// Verify reads one chain from its first line and returns its head. The first line that does not follow from the one before is
// a *BrokenError. That the last lines are there must be checked against a head kept elsewhere.
func Verify(chain int, lines iter.Seq2[Entry, error]) (Head, error) {
	head := Head{Chain: chain, Hash: Genesis(chain)}
	for e, err := range lines {
		if err != nil {
			return head, err
		}
		if err := follows(head, e); err != nil {
			return head, err
		}
		head.Seq, head.Hash = e.Seq, e.Hash
	}
	return head, nil
}

func follows(head Head, e Entry) error {
	broken := func(reason string) error { return &BrokenError{Chain: head.Chain, Seq: head.Seq + 1, Reason: reason} }
	content, err := e.Content()
	switch {
	case err != nil:
		return broken("its detail is not JSON")
	case e.Chain != head.Chain || ChainOf(e.Order) != head.Chain:
		return broken("the line belongs to another chain")
	case e.Seq != head.Seq+1:
		return broken(fmt.Sprintf("line %d stands there, a line is missing", e.Seq))
	case !bytes.Equal(e.PrevHash, head.Hash):
		return broken("it does not follow the line before")
	case !bytes.Equal(e.Hash, Next(head.Hash, content)):
		return broken("its content is not what was written")
	}
	return nil
}

// canonical returns detail as a JSON object with sorted keys and no space, so that it reads back byte for byte.
func canonical(detail any) (json.RawMessage, error) {
	if detail == nil {
		return json.RawMessage("{}"), nil
	}
	raw, err := json.Marshal(detail)
	if err != nil {
		return nil, err
	}
	var object map[string]any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&object); err != nil {
		return nil, err
	}
	return json.Marshal(object)
}
