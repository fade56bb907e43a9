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
	// keptUnseen is how long a list is served without a look whether there is a newer one: as long as an OCSP answer may lag behind a
	// revocation (internal/ca/ocsp, Poll).
	keptUnseen = 5 * time.Second
	// lookTimeout bounds a look into the record; then what is kept is served.
	lookTimeout = 3 * time.Second
	// maxLooks is how many looks are under way at a time. Names that strangers make up leave the record's other connections to the pages.
	maxLooks = 4
)

// file is what is served under a fixed address, with its entity tag, made once.
type file struct {
	mime     string
	data     []byte
	etag     string
	modified time.Time
	end      time.Time // next update of a list; zero: the file never changes
}

// kept is a file on the shelf.
type kept struct {
	*file
	lookAt time.Time // from then on the record is asked for a newer one
}

// shelf keeps the files that certificates point to. What everybody asks for costs no query, whatever its size, and is served while the record is
// away. Only what the record has is kept, so strangers cannot fill it.
type shelf struct {
	clock  func() time.Time
	logger *slog.Logger

	flight singleflight.Group
	looks  chan struct{}
	mu     sync.RWMutex
	files  map[string]kept
}

func newShelf(clock func() time.Time, logger *slog.Logger) *shelf {
	return &shelf{clock: clock, logger: logger, looks: make(chan struct{}, maxLooks), files: map[string]kept{}}
}

// get returns the file of the name: the one that is kept, or what read finds. If read fails, but for NotFound, the kept one serves, and nobody
// waits for the record again before keptUnseen has passed.
func (s *shelf) get(ctx context.Context, name string, read func(context.Context) (*file, error)) (*file, error) {
	have, fresh := s.look(name)
	if fresh {
		return have, nil
	}
	// Whoever asks first looks for all that ask at the same time, and must not take it away from them by leaving.
	found, err, _ := s.flight.Do(name, func() (any, error) {
		if now, fresh := s.look(name); fresh {
			return now, nil
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookTimeout)
		defer cancel()
		return s.read(ctx, name, have, read)
	})
	f, _ := found.(*file)
	return f, err
}

// look returns what is kept, and whether it is served without a look into the record.
func (s *shelf) look(name string) (*file, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	k, ok := s.files[name]
	return k.file, ok && (k.end.IsZero() || s.clock().Before(k.lookAt))
}

func (s *shelf) read(ctx context.Context, name string, have *file, read func(context.Context) (*file, error)) (*file, error) {
	f, err := s.bounded(ctx, read)
	switch {
	case err == nil:
	case have == nil || fault.KindOf(err) == fault.NotFound:
		return nil, err
	default:
		s.logger.WarnContext(ctx, "what is kept is served, the record does not answer", "file", name, "error", err)
		f = have
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[name] = kept{f, s.clock().Add(keptUnseen)}
	return f, nil
}

func (s *shelf) bounded(ctx context.Context, read func(context.Context) (*file, error)) (*file, error) {
	select {
	case s.looks <- struct{}{}:
		defer func() { <-s.looks }()
		return read(ctx)
	case <-ctx.Done():
		return nil, errBusy.Because(ctx.Err())
	}
}
