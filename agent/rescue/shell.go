package rescue

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/term"

	"rackwright/fault"
)

// shell is a person at work: lines in, text out.
type shell struct {
	house  *House
	in     io.Reader
	out    io.Writer
	tty    *os.File // the terminal itself, where it is one of this machine's
	pty    bool     // the other end is a terminal
	prompt bool
	term   string
	wide   window
	sizes  <-chan window
	dir    string
	lines  *bufio.Reader // of in, where the shell itself reads
	input  *input        // of in, where the other end is a terminal
	raw    io.Writer     // out, before anything is done to its newlines
}

// maxLine bounds a line that is typed.
const maxLine = 64 << 10

// errLeave ends the shell.
var errLeave = errors.New("leave")

func (s *shell) say(format string, args ...any) { fmt.Fprintf(s.out, format+"\n", args...) }

// session runs one command, or lines until the end, and returns the exit status.
func (s *shell) session(ctx context.Context, line string) uint32 {
	if s.pty {
		s.raw, s.input = s.out, newInput(ctx, s.in)
		s.out = newlines{s.raw}
	}
	if line != "" {
		return s.status(s.do(ctx, line))
	}
	if s.pty {
		return s.typed(ctx)
	}
	return s.loop(ctx)
}

func (s *shell) status(err error) uint32 {
	var e exited
	switch {
	case err == nil || errors.Is(err, errLeave):
		return 0
	case errors.As(err, &e):
		return uint32(e)
	}
	s.say("%v", err)
	if hint := fault.HintOf(err); hint != "" {
		s.say("hint: %s", hint)
	}
	return 1
}

// loop takes lines as they come.
func (s *shell) loop(ctx context.Context) (last uint32) {
	s.lines = bufio.NewReaderSize(s.in, maxLine)
	for ctx.Err() == nil {
		if s.prompt {
			fmt.Fprintf(s.out, "rescue:%s# ", s.dir)
		}
		line, err := s.lines.ReadSlice('\n')
		if err != nil && len(line) == 0 || errors.Is(err, bufio.ErrBufferFull) {
			return last
		}
		err = s.do(ctx, string(line))
		if last = s.status(err); errors.Is(err, errLeave) {
			return last
		}
	}
	return last
}

// typed edits lines on the other end's terminal.
func (s *shell) typed(ctx context.Context) (last uint32) {
	t := term.NewTerminal(keyboard{s.input, s.raw}, "")
	_ = t.SetSize(int(s.wide.columns), int(s.wide.rows))
	s.out = t
	s.say("Rescue of this machine. Type help; exit leaves it as it is, exit --done ends the rescue and restarts it.")
	for ctx.Err() == nil {
		select {
		case s.wide = <-s.sizes:
			_ = t.SetSize(int(s.wide.columns), int(s.wide.rows))
		default:
		}
		t.SetPrompt("rescue:" + s.dir + "# ")
		line, err := t.ReadLine()
		if err != nil {
			return last
		}
		err = s.do(ctx, line)
		if last = s.status(err); errors.Is(err, errLeave) {
			return last
		}
	}
	return last
}

// keyboard is a terminal's two ends, without its line editor.
type keyboard struct {
	io.Reader
	io.Writer
}

// Read makes an interrupt (^C) drop the line, which is what ^U does: the editor would
// take it for the end. It gives one byte at a time, so that what is typed after a line is
// there for the program that the line starts.
func (k keyboard) Read(b []byte) (int, error) {
	n, err := k.Reader.Read(b[:min(len(b), 1)])
	if n == 1 && b[0] == 0x03 {
		b[0] = 0x15
	}
	return n, err
}

// newlines turns \n into \r\n, as a terminal wants it.
type newlines struct{ io.Writer }

func (n newlines) Write(b []byte) (int, error) {
	_, err := io.WriteString(n.Writer, strings.ReplaceAll(strings.ReplaceAll(string(b), "\r\n", "\n"), "\n", "\r\n"))
	return len(b), err
}

// do does one line.
func (s *shell) do(ctx context.Context, line string) error {
	if strings.ContainsAny(line, "|<>;&$`") && s.busybox() != "" {
		return s.run(ctx, "", s.busybox(), []string{"sh", "-c", line})
	}
	words, err := split(line)
	if err != nil || len(words) == 0 {
		return err
	}
	if c, ok := commands()[words[0]]; ok {
		if len(words)-1 < c.least || c.most >= 0 && len(words)-1 > c.most {
			return fault.Invalidf("usage: %s %s", words[0], c.usage)
		}
		return c.run(ctx, s, words[1:])
	}
	return s.program(ctx, words)
}

// program runs a program of the ramdisk or of a mounted system, or one of busybox's.
func (s *shell) program(ctx context.Context, words []string) error {
	if strings.Contains(words[0], "/") {
		return s.run(ctx, "", s.path(words[0]), words)
	}
	if box := s.busybox(); box != "" {
		return s.run(ctx, "", box, words)
	}
	return fault.NotFoundf("there is no command %q", plain(words[0])).WithHint("type help; the programs of an installed system run with: chroot DIR PROGRAM")
}

// busybox is where one was put into the ramdisk, "" without.
func (s *shell) busybox() string {
	path := filepath.Join(s.house.ground.Root, "bin/busybox")
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}

// path is a name as this shell sees it.
func (s *shell) path(name string) string {
	if !filepath.IsAbs(name) {
		name = filepath.Join(s.dir, name)
	}
	return filepath.Join(s.house.ground.Root, name)
}

// split cuts a line into words at blanks; quotes and backslashes keep what they enclose.
func split(line string) (words []string, err error) {
	var word strings.Builder
	quote, inside := rune(0), false
	escaped := false
	for _, r := range strings.TrimRight(line, "\r\n") {
		switch {
		case escaped:
			word.WriteRune(r)
			escaped = false
		case r == '\\' && quote != '\'':
			escaped, inside = true, true
		case quote != 0:
			if r == quote {
				quote = 0
			} else {
				word.WriteRune(r)
			}
		case r == '\'' || r == '"':
			quote, inside = r, true
		case r == ' ' || r == '\t':
			if inside {
				words = append(words, word.String())
				word.Reset()
			}
			inside = false
		default:
			word.WriteRune(r)
			inside = true
		}
	}
	if quote != 0 || escaped {
		return nil, fault.Invalidf("a quote is not closed")
	}
	if inside {
		words = append(words, word.String())
	}
	return words, nil
}
