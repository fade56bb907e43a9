package portal

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"securemailid.example/internal/fault"
)

const (
	// keptUnseen is how long something is served without a look whether there is something newer: as long as an OCSP answer may lag behind a
	// revocation (internal/ca/ocsp, Poll).
	keptUnseen = 5 * time.Second
	// lookTimeout bounds a look into the record; then what is kept is served.
	lookTimeout = 3 * time.Second
	// maxLooks is how many looks of a shelf are under way at a time. Names that strangers make up leave the record's other connections to
	// the pages.
	maxLooks = 4
)

// lasting is what can lie on a shelf.
type lasting interface {
	forever() bool // it never changes: nobody needs to look for something newer
}

// kept is a thing on the shelf.
type kept[T lasting] struct {
	thing  T
	lookAt time.Time // from then on the record is asked for something newer
}

// shelf keeps what certificates point to. What everybody asks for costs no query, whatever its size, and is served while the record is
// away. Only what the record has is kept, so strangers cannot fill it.
type shelf[T lasting] struct {
	clock  func() time.Time
	logger *slog.Logger

	flight singleflight.Group
	looks  chan struct{}
	mu     sync.Mutex
	things map[string]kept[T]
}

func newShelf[T lasting](clock func() time.Time, logger *slog.Logger) *shelf[T] {
	return &shelf[T]{clock: clock, logger: logger, looks: make(chan struct{}, maxLooks), things: map[string]kept[T]{}}
}

// get returns the thing of the name: the one that is kept, or what read finds. If read fails, but for NotFound, the kept one serves. Where one is
// kept, one visitor in keptUnseen waits for the record, and nobody else.
func (s *shelf[T]) get(ctx context.Context, name string, read func(context.Context) (T, error)) (T, error) {
	have, known, fresh := s.take(name)
	if fresh {
		return have, nil
	}
	// Whoever asks first looks for all that ask at the same time, and must not take it away from them by leaving.
	found, err, _ := s.flight.Do(name, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookTimeout)
		defer cancel()
		thing, err := s.bounded(ctx, read)
		switch {
		case err == nil:
			s.keep(name, thing)
		case known && fault.KindOf(err) != fault.NotFound:
			s.logger.WarnContext(ctx, "what is kept is served, the record does not answer", "name", name, "error", err)
			return have, nil
		}
		return thing, err
	})
	thing, _ := found.(T)
	return thing, err
}

// take returns what is kept, and whether it is to be served as it is. Of those that come when it is time for a look, the first is told to look, and
// the others are served.
func (s *shelf[T]) take(name string) (thing T, known, fresh bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, known := s.things[name]
	now := s.clock()
	if !known || k.thing.forever() || now.Before(k.lookAt) {
		return k.thing, known, known
	}
	s.things[name] = kept[T]{k.thing, now.Add(keptUnseen)}
	return k.thing, true, false
}

func (s *shelf[T]) keep(name string, thing T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.things[name] = kept[T]{thing, s.clock().Add(keptUnseen)}
}

func (s *shelf[T]) bounded(ctx context.Context, read func(context.Context) (T, error)) (thing T, err error) {
	select {
	case s.looks <- struct{}{}:
		defer func() { <-s.looks }()
		return read(ctx)
	case <-ctx.Done():
		return thing, errBusy.Because(ctx.Err())
	}
}
