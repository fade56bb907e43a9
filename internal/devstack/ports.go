package devstack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"reflect"
	"strconv"
	"syscall"
	"time"

	"securemailid.example/internal/devstack/proc"
	"securemailid.example/internal/fault"
)

// Ports are the TCP (and for DNS, UDP) ports on 127.0.0.1; 0 takes a free one. Each field names the setting that changes it.
type Ports struct {
	Postgres   int `env:"SMID_DEV_POSTGRES_PORT" envDefault:"15432"`
	Temporal   int `env:"SMID_DEV_TEMPORAL_PORT" envDefault:"17233"`
	TemporalUI int `env:"SMID_DEV_TEMPORAL_UI_PORT" envDefault:"18233"`
	DNS        int `env:"SMID_DEV_DNS_PORT" envDefault:"15353"`
	Web        int `env:"SMID_DEV_WEB_PORT" envDefault:"15380"`
	WHOIS      int `env:"SMID_DEV_WHOIS_PORT" envDefault:"15343"`
	LabAdmin   int `env:"SMID_DEV_LAB_PORT" envDefault:"15300"`
	SMTP       int `env:"SMID_DEV_SMTP_PORT" envDefault:"15025"`
	Mailbox    int `env:"SMID_DEV_MAILBOX_PORT" envDefault:"15080"`
	Portal     int `env:"SMID_DEV_PORTAL_PORT" envDefault:"15480"`
}

// PortsFrom reads the settings, or the defaults where they are empty. What is no port number is a fault of kind Invalid that names
// every such setting.
func PortsFrom(getenv func(string) string) (Ports, error) {
	var p Ports
	var broken []fault.Field
	for f, value := range reflect.ValueOf(&p).Elem().Fields() {
		name, text := f.Tag.Get("env"), f.Tag.Get("envDefault")
		if set := getenv(name); set != "" {
			text = set
		}
		port, err := strconv.ParseUint(text, 10, 16)
		if err != nil {
			broken = append(broken, fault.Field{Path: name, Code: "port",
				Rule:   fault.Text{JA: "ポート番号ではありません。", EN: "It is no port number."},
				Remedy: fault.Text{JA: "1から65535の数字、または空きポートを使う0にしてください。", EN: "Make it a number from 1 to 65535, or 0 for a free port."}})
			continue
		}
		value.SetInt(int64(port))
	}
	return p, fault.InvalidFields(broken)
}

// portsFreeWithin is how long the ports may stay taken: what an earlier stack left behind may just be ending.
const portsFreeWithin = 2 * time.Second

// check finds out before anything starts whether every wanted port is free. Those that are not are named in one fault, each with its
// setting.
func (p Ports) check(ctx context.Context) error {
	wait, cancel := context.WithTimeout(ctx, portsFreeWithin)
	defer cancel()
	var taken error
	if err := proc.Await(wait, 100*time.Millisecond, func(context.Context) error {
		taken = p.taken(ctx)
		return taken
	}); err == nil {
		return nil
	}
	return errors.Join(ctx.Err(), taken)
}

func (p Ports) taken(ctx context.Context) error {
	var taken []fault.Field
	wantedBy := map[int64]string{}
	for f, value := range reflect.ValueOf(p).Fields() {
		port, setting := value.Int(), f.Tag.Get("env")
		if port == 0 {
			continue
		}
		other, twice := wantedBy[port]
		err := free(ctx, int(port), setting)
		switch {
		case twice:
			taken = append(taken, takenPort(setting, fmt.Sprintf("ポート %d は %s にも指定されています。", port, other), fmt.Sprintf("Port %d is that of %s, too.", port, other)))
		case errors.Is(err, syscall.EADDRINUSE):
			taken = append(taken, takenPort(setting, fmt.Sprintf("ポート %d は既に使われています。", port), fmt.Sprintf("Port %d is taken.", port)))
		case err != nil:
			return fmt.Errorf("%s: %w", setting, err)
		}
		wantedBy[port] = setting
	}
	if len(taken) == 0 {
		return nil
	}
	return &fault.Error{Kind: fault.Unavailable, Code: "devstack.port-taken", Fields: taken,
		Text: fault.Text{JA: "開発環境が使うポートが空いていません。", EN: "Ports that the development stack wants are not free."}}
}

func takenPort(setting, ja, en string) fault.Field {
	return fault.Field{Path: setting, Code: "port-taken", Rule: fault.Text{JA: ja, EN: en}, Remedy: fault.Text{
		JA: "使っているプログラムを止めるか、この設定で別のポートを指定してください。",
		EN: "Stop the program that uses it, or choose another port with this setting."}}
}

// free opens the port for a moment, for TCP and where DNS wants it for UDP.
func free(ctx context.Context, port int, setting string) error {
	var lc net.ListenConfig
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	l, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	if err := l.Close(); err != nil || setting != "SMID_DEV_DNS_PORT" {
		return err
	}
	udp, err := lc.ListenPacket(ctx, "udp", address)
	if err != nil {
		return err
	}
	return udp.Close()
}
