package client

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"rackwright/fault"
)

// Paper is what labels are printed on; zeros are the server's defaults.
type Paper struct {
	Width, Height float64 // of a label, millimetres
	Columns, Rows int     // of a sheet of A4; no columns: a page for each label
}

func (p Paper) query(pairs ...string) url.Values {
	length := func(mm float64) string {
		if mm == 0 {
			return ""
		}
		return strconv.FormatFloat(mm, 'f', -1, 64)
	}
	return query(append(pairs, "width", length(p.Width), "height", length(p.Height), "columns", number(int64(p.Columns)), "rows", number(int64(p.Rows)))...)
}

// Elevation draws a rack as SVG: its front, rear, or both.
func (c *Client) Elevation(ctx context.Context, rack, face string) ([]byte, error) {
	return c.bytes(ctx, "/racks/"+url.PathEscape(rack)+"/elevation.svg", query("face", face))
}

// RackLabels prints the labels of a rack of one kind (rack, machines, cables) as svg or pdf.
func (c *Client) RackLabels(ctx context.Context, rack, kind, format string, p Paper) ([]byte, error) {
	return c.bytes(ctx, "/racks/"+url.PathEscape(rack)+"/labels."+url.PathEscape(format), p.query("kind", kind))
}

// MachineLabel prints the label of one machine as svg or pdf.
func (c *Client) MachineLabel(ctx context.Context, machine, format string, p Paper) ([]byte, error) {
	return c.bytes(ctx, machinePath(machine, "/label."+url.PathEscape(format)), p.query())
}

// bytes reads an answer that is no JSON.
func (c *Client) bytes(ctx context.Context, path string, q url.Values) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	r, err := c.request(ctx, http.MethodGet, path, q, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "*/*")
	answer, err := c.do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	if len(text) > maxAnswer {
		return nil, fault.Invalidf("the answer is larger than %d MiB", maxAnswer>>20).WithHint("ask for less at a time")
	}
	return text, nil
}
