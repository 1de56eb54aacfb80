package answer

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"text/template"
	"text/template/parse"

	"rackwright/fault"
)

// Bounds of one template: what it may hold, make and do.
const (
	maxTemplate = 256 << 10 // bytes of text
	maxOutput   = 1 << 20   // bytes it may make
	maxSpent    = 4 << 20   // bytes its functions may make on the way
	maxRounds   = 100_000   // of all its loops together
	roundName   = "_round"  // the function put at the head of every loop
)

// render makes the text of a template with a machine's values. A fault names the template,
// the line and what is wrong there.
func render(name, text string, d Data) (string, error) {
	t, err := parseTemplate(name, text)
	if err != nil {
		return "", err
	}
	var out output
	run := &run{data: &d}
	if err := t.Funcs(run.functions()).Execute(&out, &d); err != nil {
		return "", wrong(name, err)
	}
	return out.String(), nil
}

func parseTemplate(name, text string) (*template.Template, error) {
	if len(text) > maxTemplate {
		return nil, fault.Invalidf("%s has %d bytes; a template has at most %d", name, len(text), maxTemplate)
	}
	if strings.ContainsRune(text, 0) {
		return nil, fault.Invalidf("%s: a zero byte in a template", name)
	}
	t, err := template.New(name).Option("missingkey=error").Funcs((&run{}).functions()).Parse(text)
	if err != nil {
		return nil, wrong(name, err)
	}
	if t.Tree == nil {
		return t, nil
	}
	return t, (&checker{name: name, tree: t.Tree}).list(t.Root)
}

// position is how Go's template errors begin.
var position = regexp.MustCompile(`^template: .*?:(\d+)(?::\d+)?: (?:executing ".*?" at )?`)

// wrong says of an error where it is and what: "ks.cfg.tmpl line 12: <.Vars.site>: ...".
func wrong(name string, err error) error {
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Kind == fault.Conflict {
		return &fault.Error{Kind: fault.Conflict, Message: fmt.Sprintf("%s%s: %s", name, lineOf(err), f.Message), Hint: f.Hint}
	}
	words := position.ReplaceAllString(err.Error(), "")
	return fault.Invalidf("%s%s: %s", name, lineOf(err), words).
		WithHint("'rackwright template values' lists what a template may use; values of your own are given with --var NAME=VALUE")
}

func lineOf(err error) string {
	if m := position.FindStringSubmatch(err.Error()); m != nil {
		return " line " + m[1]
	}
	return ""
}

// output takes what a template makes, up to a bound.
type output struct{ strings.Builder }

// Write implements io.Writer.
func (o *output) Write(b []byte) (int, error) {
	if o.Len()+len(b) > maxOutput {
		return 0, fault.Invalidf("it makes more than %d KiB", maxOutput>>10)
	}
	return o.Builder.Write(b)
}

// checker goes through a template once: it knows no other templates (there is nothing to
// include), only functions listed here, and counts its rounds in every loop.
type checker struct {
	name string
	tree *parse.Tree
	deep int
}

// maxDeep bounds how far actions stand in each other.
const maxDeep = 32

func (c *checker) list(l *parse.ListNode) error {
	if l == nil {
		return nil
	}
	if c.deep++; c.deep > maxDeep {
		return fault.Invalidf("%s: its actions stand more than %d deep in each other", c.name, maxDeep)
	}
	defer func() { c.deep-- }()
	for _, n := range l.Nodes {
		if err := c.node(n); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) node(n parse.Node) error {
	switch n := n.(type) {
	case *parse.ActionNode:
		return c.pipe(n.Pipe)
	case *parse.IfNode:
		return c.branch(&n.BranchNode)
	case *parse.WithNode:
		return c.branch(&n.BranchNode)
	case *parse.RangeNode:
		if err := c.branch(&n.BranchNode); err != nil {
			return err
		}
		n.List.Nodes = append([]parse.Node{c.round(n)}, n.List.Nodes...)
	case *parse.TemplateNode:
		location, _ := c.tree.ErrorContext(n)
		return fault.Invalidf("%s (%s): a template includes no other", c.name, location)
	}
	return nil
}

func (c *checker) branch(b *parse.BranchNode) error {
	for _, f := range []func() error{func() error { return c.pipe(b.Pipe) }, func() error { return c.list(b.List) }, func() error { return c.list(b.ElseList) }} {
		if err := f(); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) pipe(p *parse.PipeNode) error {
	for _, command := range p.Cmds {
		for _, arg := range command.Args {
			if err := c.argument(arg); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *checker) argument(n parse.Node) error {
	switch n := n.(type) {
	case *parse.PipeNode:
		return c.pipe(n)
	case *parse.ChainNode:
		return c.argument(n.Node)
	case *parse.IdentifierNode:
		if !allowed(n.Ident) {
			location, _ := c.tree.ErrorContext(n)
			return fault.Invalidf("%s (%s): there is no function %q here", c.name, location, n.Ident).WithHint("'rackwright template values' lists the functions")
		}
	}
	return nil
}

// round is an action that calls roundName, which makes nothing.
func (c *checker) round(at *parse.RangeNode) parse.Node {
	call := parse.NewIdentifier(roundName).SetPos(at.Pos).SetTree(c.tree)
	return &parse.ActionNode{NodeType: parse.NodeAction, Pos: at.Pos, Line: at.Line, Pipe: &parse.PipeNode{NodeType: parse.NodePipe, Pos: at.Pos, Line: at.Line,
		Cmds: []*parse.CommandNode{{NodeType: parse.NodeCommand, Pos: at.Pos, Args: []parse.Node{call}}}}}
}
