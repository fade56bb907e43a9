package e2e_test

import (
	"context"
	"encoding/json"
	"strconv"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"securemailid.example/internal/devstack/chromium"
	"securemailid.example/internal/order"
)

// visitor is a person before a browser.
type visitor struct {
	*world
	tab     context.Context
	traffic *chromium.Traffic
}

func (w *world) visitor(scripts bool) visitor {
	w.t.Helper()
	var options []chromium.Option
	if !scripts {
		options = append(options, chromium.WithoutScripts())
	}
	tab := chromium.Tab(w.t, options...)
	return visitor{world: w, tab: tab, traffic: chromium.Watch(w.t, tab)}
}

func (v visitor) open(address string) {
	v.t.Helper()
	res, err := chromedp.RunResponse(v.tab, chromedp.Navigate(address))
	require.NoError(v.t, err)
	require.EqualValues(v.t, 200, res.Status, address)
}

// press presses what leads to another page, and returns how that page was answered.
func (v visitor) press(selector string) int64 {
	v.t.Helper()
	res, err := chromedp.RunResponse(v.tab, chromedp.Click(selector))
	require.NoError(v.t, err, selector)
	return res.Status
}

func (v visitor) address() string { return read[string](v, "location.href") }

func (v visitor) text() string { return read[string](v, "document.body.innerText") }

// read asks the browser, which answers whether the page's own scripts are on or off.
func read[T any](v visitor, script string) T {
	v.t.Helper()
	value, err := chromedp.Run(v.tab, chromedp.Evaluate[T](script))
	require.NoError(v.t, err, script)
	return value
}

// fill types values into the fields of the page's form, by their names.
func (v visitor) fill(form string, values map[string]string) {
	v.t.Helper()
	data, err := json.Marshal(values)
	require.NoError(v.t, err)
	missing := read[[]string](v, `((form, values) => Object.entries(values).filter(([name, value]) => {
		const fields = [...form.querySelectorAll('[name="' + name + '"]')];
		for (const f of fields) {
			if (f.type === "radio" || f.type === "checkbox") f.checked = f.value === value;
			else { f.value = value; f.dispatchEvent(new Event("input", {bubbles: true})); }
		}
		return fields.length === 0 && value !== "";
	}).map(([name]) => name))(document.querySelector(`+strconv.Quote(form)+`), `+string(data)+`)`)
	require.Empty(v.t, missing, "the form has no such field")
}

// fields are what an applicant types, by the names of the order file.
func fields(t *testing.T, a order.Application) map[string]string {
	t.Helper()
	raw, err := json.Marshal(a)
	require.NoError(t, err)
	var tree map[string]any
	require.NoError(t, json.Unmarshal(raw, &tree))
	values := map[string]string{}
	flatten(values, "", tree)
	values["terms_accepted"] = "yes"
	delete(values, "language") // is that of the page
	return values
}

func flatten(values map[string]string, prefix string, tree map[string]any) {
	for name, value := range tree {
		switch v := value.(type) {
		case map[string]any:
			flatten(values, prefix+name+".", v)
		case string:
			values[prefix+name] = v
		case float64:
			values[prefix+name] = strconv.Itoa(int(v))
		}
	}
}
