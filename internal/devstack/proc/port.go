package proc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"

	"securemailid.example/internal/fault"
)

// ClaimPort returns a TCP port of ip that a child may listen on: the wanted one, or any free one when wanted is 0. The
// wanted one being taken is a fault that names the port and the setting that changes it; setting may be empty.
func ClaimPort(ctx context.Context, ip string, wanted int, setting string) (int, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", net.JoinHostPort(ip, strconv.Itoa(wanted)))
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return 0, portTaken(wanted, setting)
	case err != nil:
		return 0, fmt.Errorf("claim port %d: %w", wanted, err)
	}
	port := l.Addr().(*net.TCPAddr).Port //nolint:forcetypeassert // a TCP listener has a TCP address
	return port, l.Close()
}

func portTaken(port int, setting string) error {
	ja := fmt.Sprintf("ポート %d は既に使われています。使っているプログラムを止めてください。", port)
	en := fmt.Sprintf("Port %d is taken. Stop the program that uses it.", port)
	if setting != "" {
		ja = fmt.Sprintf("ポート %d は既に使われています。使っているプログラムを止めるか、設定 %s で別のポートを指定してください。", port, setting)
		en = fmt.Sprintf("Port %d is taken. Stop the program that uses it, or choose another port with the setting %s.", port, setting)
	}
	return fault.New(fault.Unavailable, "devstack.port-taken", ja, en)
}
