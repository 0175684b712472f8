package fakeslack

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
)

// whole reads a whole number of an object; 0 when there is none.
func whole(node any, name string) int {
	m, _ := node.(map[string]any)
	n, _ := m[name].(json.Number)
	i, _ := n.Int64()
	return int(i)
}

// finite reads a number that a chart can show.
func finite(node any, name string) (float64, bool) {
	m, _ := node.(map[string]any)
	n, ok := m[name].(json.Number)
	if !ok {
		return 0, false
	}
	f, err := n.Float64()
	return f, err == nil && !math.IsInf(f, 0) && !math.IsNaN(f)
}

// table checks rows and cells. A table_block takes 100 rows of 20 columns, and a
// message takes one of them; a data table starts with a header row.
func (c *checker) table(at string, b map[string]any, kind string) {
	if kind == "table" {
		c.tables++
	}
	columns := -1
	for i, node := range c.count(b, at, "rows", 1, 100) {
		at := fmt.Sprintf("%s/rows/%d", at, i)
		row, ok := node.([]any)
		switch {
		case !ok:
			c.add(at, "must be an array")
			continue
		case len(row) > 20:
			c.add(at, "no more than 20 items allowed")
		case len(row) == 0:
			c.add(at, "no fewer than 1 items allowed")
		}
		if columns >= 0 && len(row) != columns {
			c.add(at, "all rows must have the same number of columns")
		}
		columns = len(row)
		for j, cell := range row {
			c.cell(fmt.Sprintf("%s/%d", at, j), cell, kind)
		}
	}
	if settings := items(b, "column_settings"); len(settings) > 20 {
		c.add(at+"/column_settings", "no more than 20 items allowed")
	}
	for i, s := range items(b, "column_settings") {
		c.oneOf(fmt.Sprintf("%s/column_settings/%d/align", at, i), text(s, "align"), "left", "center", "right")
	}
}

func (c *checker) cell(at string, cell any, kind string) {
	m, ok := cell.(map[string]any)
	if !ok {
		c.add(at, "must be an object")
		return
	}
	switch text(m, "type") {
	case "raw_text":
		c.required(m, at, "text", 3000)
	case "raw_number":
		if _, ok := finite(m, "value"); !ok {
			c.add(at, "missing required field: value")
		}
	case "rich_text":
		c.richText(at, m)
	case "action_cell":
		e := object(m, "element")
		if kind != "data_table" || text(e, "type") != "button" {
			c.add(at+"/type", "unsupported type: action_cell")
			return
		}
		c.element(at+"/element", e, inActions)
	default:
		c.add(at+"/type", "unsupported type: %s", text(m, "type"))
	}
}

// chart checks a data_visualization block.
func (c *checker) chart(at string, b map[string]any) {
	c.required(b, at, "title", 50)
	chart := object(b, "chart")
	if chart == nil {
		c.add(at, "missing required field: chart")
		return
	}
	at += "/chart"
	switch kind := text(chart, "type"); kind {
	case "pie":
		c.pie(at, chart)
	case "line", "bar", "area":
		c.series(at, chart, c.categories(at, chart))
	default:
		c.add(at+"/type", "unsupported type: %s", kind)
	}
}

func (c *checker) pie(at string, chart map[string]any) {
	for i, s := range c.count(chart, at, "segments", 1, 6) {
		at := fmt.Sprintf("%s/segments/%d", at, i)
		m, ok := s.(map[string]any)
		if !ok {
			c.add(at, "must be an object")
			continue
		}
		c.required(m, at, "label", 20)
		if v, ok := finite(m, "value"); !ok || v <= 0 {
			c.add(at+"/value", "must be greater than 0")
		}
	}
}

func (c *checker) categories(at string, chart map[string]any) []string {
	axis := object(chart, "axis_config")
	if axis == nil {
		c.add(at, "missing required field: axis_config")
		return nil
	}
	at += "/axis_config"
	c.length(at+"/x_label", text(axis, "x_label"), 50)
	c.length(at+"/y_label", text(axis, "y_label"), 50)
	var names []string
	for i, node := range c.count(axis, at, "categories", 1, 20) {
		at := fmt.Sprintf("%s/categories/%d", at, i)
		name, _ := node.(string)
		if name == "" {
			c.add(at, "must be more than 0 characters")
		}
		c.length(at, name, 20)
		if slices.Contains(names, name) {
			c.add(at, "categories must be unique: %q", name)
		}
		names = append(names, name)
	}
	return names
}

// series checks that every series has exactly one finite value per category.
func (c *checker) series(at string, chart map[string]any, categories []string) {
	var names []string
	for i, node := range c.count(chart, at, "series", 1, 6) {
		at := fmt.Sprintf("%s/series/%d", at, i)
		s, ok := node.(map[string]any)
		if !ok {
			c.add(at, "must be an object")
			continue
		}
		c.required(s, at, "name", 20)
		if name := text(s, "name"); slices.Contains(names, name) {
			c.add(at+"/name", "series names must be unique: %q", name)
		} else {
			names = append(names, name)
		}
		var labels []string
		for j, point := range c.count(s, at, "data", 1, 20) {
			at := fmt.Sprintf("%s/data/%d", at, j)
			label := text(point, "label")
			if !slices.Contains(categories, label) {
				c.add(at+"/label", "%q must match axis_config.categories", label)
			}
			if slices.Contains(labels, label) {
				c.add(at+"/label", "%q already exists in this series", label)
			}
			labels = append(labels, label)
			if _, ok := finite(point, "value"); !ok {
				c.add(at+"/value", "must be a finite number")
			}
		}
		if len(labels) != len(categories) {
			c.add(at+"/data", "must contain exactly one point for every category")
		}
	}
}
