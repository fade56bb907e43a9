//go:build !cgo

package hsm_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/ca/hsm"
	"securemailid.example/internal/fault"
)

func TestWithoutCgoTheRemedyIsNamed(t *testing.T) {
	t.Parallel()
	var ring hsm.Ring
	u := hsm.URI{Token: "a", Object: "b", ModulePath: "/m.so", PINSource: "/p"}
	_, err := ring.Key(u)
	require.ErrorIs(t, err, &fault.Error{Kind: fault.Invalid, Code: "hsm.unsupported"})
	require.ErrorContains(t, err, "make build-hsm")
	_, err = ring.Generate(u, 2048)
	require.ErrorContains(t, err, "make build-hsm")
}
