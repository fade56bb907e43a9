package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// maxOrderFile bounds an order file, bytes.
const maxOrderFile = 64 << 10

// orderFile is an order file as read: what it says, and where, for messages.
type orderFile struct {
	application order.Application
	lines       map[string]int // line of each field, by path
}

// decodeOrderFile reads the YAML of an order file strictly: an unknown or repeated key, a wrong type, an alias or a second document is
// refused with its line. Values reach the form as they are written, so that 0123 stays 0123. What the values say is not judged here. Errors are
// faults of kind Invalid and repeat no value: a voucher code is a secret.
func decodeOrderFile(data []byte) (orderFile, error) {
	a, lines, err := decodeFile(data, orderKeys, order.DecodeApplication)
	return orderFile{application: a, lines: lines}, err
}

// decodeReissueFile is decodeOrderFile for the file of a reissue (G24).
func decodeReissueFile(data []byte) (order.ReissueRequest, map[string]int, error) {
	return decodeFile(data, reissueKeys, order.DecodeReissue)
}

// decodeFile reads a file of the keys; decode takes the same as JSON.
func decodeFile[T any](data []byte, all keys, decode func([]byte) (T, error)) (form T, lines map[string]int, err error) {
	root, err := parseYAML(data)
	if err != nil {
		return form, nil, err
	}
	d := orderDecoder{all: all, lines: map[string]int{}}
	fields := d.mapping(root, all, "")
	if err := fault.InvalidFields(d.broken); err != nil {
		return form, d.lines, err
	}
	generic, err := json.Marshal(fields)
	if err != nil {
		return form, d.lines, fmt.Errorf("order file: %w", err)
	}
	form, err = decode(generic)
	return form, d.lines, err
}

// parseYAML returns the one mapping that the file is.
func parseYAML(data []byte) (*yaml.Node, error) {
	switch {
	case len(data) > maxOrderFile:
		return nil, malformedFile(0, "申請ファイルは64 KiB以内です。", "An order file has at most 64 KiB.")
	case !utf8.Valid(data):
		return nil, malformedFile(0, "申請ファイルの文字コードはUTF-8です。UTF-8で保存し直してください。", "The order file must be UTF-8. Save it as UTF-8.")
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var document yaml.Node
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		return nil, malformedFile(0, "申請ファイルが空です。「starter template」で雛形を作成できます。", "The order file is empty. \"starter template\" prints one to start from.")
	} else if err != nil {
		return nil, notYAML(err)
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, malformedFile(0, "申請ファイル1つにつき申請は1件です (「---」で区切らないでください)。", "An order file holds one order: no second document after ---.")
	}
	root := document.Content[0]
	if root.Kind != yaml.MappingNode {
		return nil, malformedFile(root.Line, "「項目: 値」の形で書いてください。", "Write the file as \"key: value\" lines.")
	}
	return root, nil
}

// yamlLine is how the YAML library says where it stopped. The rest of its message can quote the file.
var yamlLine = regexp.MustCompile(`line (\d+)`)

func notYAML(err error) error {
	line := 0
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		line, _ = strconv.Atoi(m[1])
	}
	return malformedFile(line, "YAMLとして読み取れません。字下げ (タブは不可)、「:」の後の空白、引用符の閉じ忘れを確認してください。",
		"It cannot be read as YAML. Look at the indentation (no tabs), the blank after each colon, and unclosed quotes.")
}

func malformedFile(line int, ja, en string) error {
	if line > 0 {
		ja, en = fmt.Sprintf("%d行目: %s", line, ja), fmt.Sprintf("Line %d: %s", line, en)
	}
	return fault.New(fault.Invalid, "order-file.malformed", ja, en)
}

// orderDecoder turns YAML nodes into generic values and collects what is wrong with them.
type orderDecoder struct {
	all    keys // of the whole file
	lines  map[string]int
	broken []fault.Field
}

// maxBroken bounds what is said of a file at once: whoever sends more has sent something else.
const maxBroken = 50

func (d *orderDecoder) refuse(path, code string, line int, ruleJA, ruleEN, remedyJA, remedyEN string) {
	if len(d.broken) == maxBroken {
		return
	}
	if path != "" {
		d.lines[path] = line
	}
	d.broken = append(d.broken, fault.Field{
		Path: path, Code: code, Rule: fault.Text{JA: ruleJA, EN: ruleEN}, Remedy: fault.Text{JA: remedyJA, EN: remedyEN},
	})
}

func (d *orderDecoder) mapping(n *yaml.Node, known keys, prefix string) map[string]any {
	out := map[string]any{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		path := prefix + d.all.printable(key.Value)
		k, ok := known[key.Value]
		switch {
		case !ok || key.Kind != yaml.ScalarNode:
			ja, en := d.all.suggestion(key.Value, prefix, known)
			d.refuse(path, "unknown-key", key.Line, "このような項目はありません。", "There is no such key.", ja, en)
			continue
		case d.lines[path] > 0:
			d.refuse(path, "repeated-key", key.Line, "同じ項目が2回書かれています。", "The key is there twice.", "どちらか一方を削除してください。", "Remove one of them.")
			continue
		}
		d.lines[path] = key.Line
		if v, ok := d.value(value, k, path); ok {
			out[key.Value] = v
		}
	}
	return out
}

// value returns what the node says, or false for nothing: an empty value is a field left out.
func (d *orderDecoder) value(n *yaml.Node, k key, path string) (any, bool) {
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "" || n.Style&yaml.TaggedStyle != 0:
		d.refuse(path, "yaml-feature", n.Line, "YAMLのアンカー (&)、エイリアス (*)、タグ (!) は使えません。", "YAML anchors (&), aliases (*) and tags (!) are not used here.",
			"値をそのまま、または引用符で囲んで書いてください。", "Write the value itself, in quotes if it begins with such a mark.")
	case k.members != nil && n.Kind == yaml.MappingNode:
		return d.mapping(n, k.members, path+"."), true
	case n.Kind == yaml.ScalarNode && n.Tag == "!!null":
		return nil, false
	case k.members != nil:
		d.wrongType(n, path, "下の行に字下げして各項目を書きます。", "Its keys follow on indented lines.")
	case n.Kind != yaml.ScalarNode:
		d.wrongType(n, path, "値は1つです。", "It is one value.")
	default:
		return d.scalar(n, k, path)
	}
	return nil, false
}

func (d *orderDecoder) scalar(n *yaml.Node, k key, path string) (any, bool) {
	switch k.kind {
	case numberKey:
		if n.Tag == "!!int" && smallNumber.MatchString(n.Value) {
			return json.Number(n.Value), true
		}
		d.wrongType(n, path, "数字です (引用符なし)。", "It is a number, without quotes.")
	case boolKey:
		if n.Tag == "!!bool" {
			return strings.EqualFold(n.Value, "true"), true
		}
		d.wrongType(n, path, "true または false です (引用符なし)。", "It is true or false, without quotes.")
	case textKey, groupKey:
		return n.Value, true
	}
	return nil, false
}

// smallNumber is a number that every notation reads alike.
var smallNumber = regexp.MustCompile(`^(0|[1-9][0-9]{0,5})$`)

func (d *orderDecoder) wrongType(n *yaml.Node, path, ja, en string) {
	d.refuse(path, "type", n.Line, ja, en, "「starter template」の書き方に合わせてください。", "See \"starter template\" for how it is written.")
}
