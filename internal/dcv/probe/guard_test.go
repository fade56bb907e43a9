package probe

import (
	"net"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestOnlyThePublicInternetIsDialled(t *testing.T) {
	t.Parallel()
	for _, a := range []string{"8.8.8.8", "1.1.1.1", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "192.167.0.1", "223.255.255.255",
		"2001:4860:4860::8888", "2400::1", "2606:4700::1111"} {
		require.True(t, guard{}.allows(netip.MustParseAddr(a)), a)
	}
	for _, a := range []string{"0.0.0.0", "0.1.2.3", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254", "172.16.0.1", "172.31.255.255",
		"192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.1.1.1",
		"240.0.0.1", "255.255.255.255",
		"::", "::1", "::7f00:1", "::ffff:8.8.8.8", "::ffff:127.0.0.1", "64:ff9b::808:808", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1",
		"2002:7f00:1::", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "2400::1%eth0", "fec0::1", "ff02::1"} {
		require.False(t, guard{}.allows(netip.MustParseAddr(a)), a)
	}
	require.False(t, guard{}.allows(netip.Addr{}))
}

func TestTheDevelopmentStackMayDialLoopbackAndNothingElse(t *testing.T) {
	t.Parallel()
	g := guard{allowLoopback: true}
	require.True(t, g.allows(netip.MustParseAddr("127.0.0.1")))
	require.True(t, g.allows(netip.MustParseAddr("::1")))
	for _, a := range []string{"10.0.0.1", "169.254.169.254", "0.0.0.0", "::", "fe80::1", "::ffff:10.0.0.1"} {
		require.False(t, g.allows(netip.MustParseAddr(a)), a)
	}
}

// Whatever the standard library calls private or special is refused, for every address.
func TestTheGuardIsStricterThanTheStandardLibrary(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var a netip.Addr
		if rapid.Bool().Draw(t, "v6") {
			a = netip.AddrFrom16([16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "bytes")))
		} else {
			a = netip.AddrFrom4([4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "bytes")))
		}
		if a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified() || a.Is4In6() || !a.IsGlobalUnicast() {
			require.False(t, guard{}.allows(a), a.String())
		}
	})
}

// The AD bit counts only on a way that is our own.
func TestOnlyALocalResolverMayVouchForDNSSEC(t *testing.T) {
	t.Parallel()
	for a, want := range map[string]bool{"127.0.0.1": true, "::1": true, "10.0.0.53": true, "172.18.0.2": true, "fd00::53": true,
		"8.8.8.8": false, "2001:4860:4860::8888": false, "100.64.0.1": false, "0.0.0.0": false} {
		require.Equal(t, want, local(&net.UDPAddr{IP: net.ParseIP(a)}), a)
		require.Equal(t, want, local(&net.TCPAddr{IP: net.ParseIP(a)}), a)
	}
	require.False(t, local(&net.UnixAddr{}))
}
