package hsm

import (
	"errors"
	"sync"
)

// Ring opens keys, and one connection per token for all of them. The zero value is ready; it is safe for concurrent use.
type Ring struct {
	mu     sync.Mutex
	tokens map[URI]*Token // by everything but the key
}

// Key opens the one key that u names. Errors are faults: Invalid for a URI or PIN that is wrong, NotFound for no such key, Conflict for several,
// Unavailable for a module or token that does not answer.
func (r *Ring) Key(u URI) (*Key, error) {
	if !u.NamesKey() {
		return nil, malformed("object または id で鍵を指定してください。", "Name a key with object or id.")
	}
	t, err := r.token(u)
	if err != nil {
		return nil, err
	}
	return t.key(u)
}

// Generate makes an RSA key of that many bits in the token of u, under u's object, which no key there may have yet (Conflict). The key
// is made inside and can never leave it. Its URI comes back with its id.
func (r *Ring) Generate(u URI, bits int) (*Key, error) {
	if u.Object == "" || u.ID != "" {
		return nil, malformed("object で新しい鍵の名前を指定してください (id は自動)。", "Name the new key with object; its id is drawn.")
	}
	t, err := r.token(u)
	if err != nil {
		return nil, err
	}
	return t.generate(u, bits)
}

func (r *Ring) token(u URI) (*Token, error) {
	if err := u.complete(); err != nil {
		return nil, err
	}
	u.Object, u.ID = "", ""
	r.mu.Lock()
	defer r.mu.Unlock()
	if t, ok := r.tokens[u]; ok {
		return t, nil
	}
	t, err := openToken(u)
	if err != nil {
		return nil, err
	}
	if r.tokens == nil {
		r.tokens = map[URI]*Token{}
	}
	r.tokens[u] = t
	return t, nil
}

// Close logs out of every token. Keys of the ring do not sign any more.
func (r *Ring) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var errs []error
	for _, t := range r.tokens {
		errs = append(errs, t.close())
	}
	r.tokens = nil
	return errors.Join(errs...)
}
