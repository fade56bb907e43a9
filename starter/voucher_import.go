package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"securemailid.example/internal/app"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/voucher"
)

// maxImport bounds an import file, bytes: more than maxBatch lines.
const maxImport = 4 << 20

// importSpace names the batches of imports: the same vouchers of the same kind are the same batch.
var importSpace = uuid.MustParse("5b1d3c0e-6f0a-4d4e-9a57-0d7c2f4b8e11")

func (p *program) voucherImport() *cobra.Command {
	var file, actor string
	c := &cobra.Command{
		Use:   "import -f vouchers.csv",
		Short: "他で作成した番号を登録 / Take over codes that were made elsewhere",
		Long: `CSVの番号を登録します。1行目は見出しで、列は code, years, expires, reseller (順不同、kind と id は無視)。検査文字の合わない番号は
受け付けません。登録済みの番号はそのまま残るため、何度でも実行できます。1行でも誤りがあれば何も登録しません。
Takes over the codes of a CSV file. Its first line names the columns: code, years, expires, reseller, in any order; kind and id are
passed over. Codes need their check character. Known codes stay as they are, so it may be run again. With a single wrong line
nothing is taken over.`,
		Example: "  starter voucher import -f vouchers.csv",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			by, err := p.actor(actor)
			if err != nil {
				return err
			}
			data, err := p.readFileOrInput(file, maxImport)
			if err != nil {
				return err
			}
			return p.importVouchers(cmd.Context(), data, by)
		},
	}
	c.Flags().StringVarP(&file, "file", "f", "", "CSVファイル、- は標準入力 / CSV file, - for standard input")
	c.Flags().StringVar(&actor, "actor", "", "操作者 / who acts (default: SMID_ACTOR, else staff/LOGIN)")
	return c
}

func (p *program) importVouchers(ctx context.Context, data []byte, actor string) error {
	lines, err := readVouchers(data, p.clock())
	if err != nil {
		return err
	}
	return p.atDesk(ctx, func(d *app.Desk) error {
		imported := 0
		for _, batch := range batches(lines) {
			b := batch[0].batch(actor, p.clock(), len(batch))
			vouchers := make([]voucher.Voucher, len(batch))
			for i, l := range batch {
				vouchers[i] = voucherOf(b, l.code, d.Vouchers)
			}
			n, err := d.Records.ImportVouchers(ctx, b, vouchers, actor)
			if err != nil {
				return err
			}
			imported += n
		}
		p.out.Println(p.say(fmt.Sprintf("%d枚を登録しました。%d枚は登録済みでした。", imported, len(lines)-imported),
			fmt.Sprintf("%d taken over, %d were known.", imported, len(lines)-imported)))
		return nil
	})
}

// importLine is one voucher of an import file.
type importLine struct {
	code     voucher.Code
	years    int
	expires  time.Time
	reseller string
}

// batch is the batch of the line: vouchers that differ in nothing but their code.
func (l importLine) batch(actor string, now time.Time, count int) voucher.Batch {
	return voucher.Batch{
		ID: l.key(), Reseller: l.reseller, Kind: l.code.Kind(), ValidityYears: l.years, Count: count, ExpiresAt: l.expires, CreatedAt: now, CreatedBy: actor,
	}
}

func (l importLine) key() string {
	return uuid.NewSHA1(importSpace, fmt.Appendf(nil, "%s %d %s %s", l.code.Kind(), l.years, lastDay(l.expires), l.reseller)).String()
}

// batches groups lines by what a batch has in common.
func batches(lines []importLine) [][]importLine {
	groups := map[string][]importLine{}
	for _, l := range lines {
		groups[l.key()] = append(groups[l.key()], l)
	}
	return slices.SortedFunc(maps.Values(groups), func(a, b []importLine) int { return cmp.Compare(a[0].key(), b[0].key()) })
}

// readVouchers reads an import file. Its errors name lines and never repeat a code.
func readVouchers(data []byte, now time.Time) ([]importLine, error) {
	if len(data) > maxImport {
		return nil, importFault("ファイルは4 MiB以内です。", "The file has at most 4 MiB.")
	}
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")))) // spreadsheets write a BOM
	r.TrimLeadingSpace = true
	head, err := r.Read()
	if err != nil {
		return nil, importFault("1行目に列の見出しが必要です: code, years, expires, reseller", "The first line must name the columns: code, years, expires, reseller.")
	}
	column, err := columnsOf(head)
	if err != nil {
		return nil, err
	}
	var lines []importLine
	var broken []fault.Field
	for n := 2; ; n++ {
		row, err := r.Read()
		switch {
		case errors.Is(err, io.EOF):
			return lines, fault.InvalidFields(broken)
		case err != nil:
			return nil, importFault(fmt.Sprintf("%d行目付近をCSVとして読み取れません (列の数、引用符)。", n), fmt.Sprintf("About line %d: not readable as CSV (number of columns, quotes).", n))
		}
		l, err := readLine(row, column, now)
		if err != nil {
			broken = append(broken, atLine(n, err)...)
		}
		lines = append(lines, l)
	}
}

func importFault(ja, en string) error { return fault.New(fault.Invalid, "import", ja, en) }

func columnsOf(head []string) (map[string]int, error) {
	column := map[string]int{}
	for i, h := range head {
		name := strings.ToLower(strings.TrimSpace(h))
		if _, twice := column[name]; twice || !slices.Contains(csvHead, name) {
			return nil, importFault(fmt.Sprintf("1行目の%d列目の見出しが正しくありません。", i+1), fmt.Sprintf("Column %d of the first line has no known name of its own.", i+1))
		}
		column[name] = i
	}
	for _, needed := range []string{"code", "years", "expires", "reseller"} {
		if _, there := column[needed]; !there {
			return nil, importFault("列「"+needed+"」がありません。", "The column "+needed+" is missing.")
		}
	}
	return column, nil
}

func readLine(row []string, column map[string]int, now time.Time) (l importLine, err error) {
	if l.code, err = voucher.Normalize(row[column["code"]]); err != nil {
		return l, err
	}
	l.reseller = strings.TrimSpace(row[column["reseller"]])
	if err = checkReseller(l.reseller); err != nil {
		return l, err
	}
	l.years, _ = strconv.Atoi(strings.TrimSpace(row[column["years"]])) // what is no number is 0 and refused
	if err = checkYears(l.years); err != nil {
		return l, err
	}
	l.expires, err = expiryOf(strings.TrimSpace(row[column["expires"]]), now)
	return l, err
}

// atLine says of a line what is wrong with it.
func atLine(n int, err error) []fault.Field {
	f := fault.Public(err)
	if len(f.Fields) == 0 {
		return []fault.Field{{Path: fmt.Sprintf("line %d", n), Code: f.Code, Rule: f.Text}}
	}
	fields := slices.Clone(f.Fields)
	for i := range fields {
		fields[i].Path = fmt.Sprintf("line %d, %s", n, fields[i].Path)
	}
	return fields
}
