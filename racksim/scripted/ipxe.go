package scripted

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Bounds of a script.
const (
	maxCommands = 2000 // of one script
	maxChains   = 200  // scripts that lead to one another
	maxSleep    = 5 * time.Minute
)

// verdict is how a script ended.
type verdict uint8

const (
	leave   verdict = iota // to the next boot device
	sanboot                // the disk, now
	boots                  // the kernel that was loaded
	reboot
	chain // another script took its place
)

// loader runs the small part of iPXE's script language that boot servers need. It knows
// ||, &&, ${settings}, labels, and the commands of its table.
type loader struct {
	fetch    func(ctx context.Context, url string) error // of a kernel or ramdisk
	say      func(format string, args ...any)
	settings map[string]string

	lines   []string
	at      int
	kernel  bool
	cmdline string
	next    string // URL of the script chained to
	ended   bool
	verdict verdict
}

// run runs a script to its end. A line that fails ends it, as in iPXE.
func (l *loader) run(ctx context.Context, text string) (verdict, error) {
	if !strings.HasPrefix(text, "#!ipxe") {
		return leave, fmt.Errorf("what the server sent is no iPXE script")
	}
	l.lines, l.at, l.ended, l.verdict = strings.Split(text, "\n"), 1, false, leave
	for range maxCommands {
		if l.ended || l.at >= len(l.lines) {
			return l.verdict, nil
		}
		if ctx.Err() != nil {
			return leave, ctx.Err()
		}
		line := strings.TrimSpace(l.lines[l.at])
		l.at++
		if line == "" || line[0] == '#' || line[0] == ':' {
			continue
		}
		if !l.line(ctx, line) && !l.ended {
			return leave, fmt.Errorf("the script failed at %q", strings.Fields(line)[0])
		}
	}
	return leave, fmt.Errorf("the script did not end within %d commands", maxCommands)
}

var setting = regexp.MustCompile(`\$\{([a-zA-Z0-9/_.-]*)(:[a-z0-9]*)?\}`)

// line runs one line: commands joined by || and &&, from left to right.
func (l *loader) line(ctx context.Context, line string) bool {
	words := strings.Fields(setting.ReplaceAllStringFunc(line, func(s string) string {
		return l.settings[setting.FindStringSubmatch(s)[1]]
	}))
	ok, wanted := true, true
	for len(words) > 0 || wanted {
		end := slices.IndexFunc(words, func(w string) bool { return w == "||" || w == "&&" })
		command := words
		if end >= 0 {
			command = words[:end]
		}
		if wanted {
			ok = l.command(ctx, command)
		}
		if end < 0 || l.ended {
			break
		}
		wanted = ok == (words[end] == "&&")
		words = words[end+1:]
	}
	return ok
}

// command runs one command and reports whether it succeeded.
func (l *loader) command(ctx context.Context, words []string) bool {
	if len(words) == 0 {
		return true
	}
	args := words[1:]
	switch words[0] {
	case "echo":
		l.say("iPXE: %s", strings.Join(args, " "))
	case "imgfree":
		l.kernel, l.cmdline = false, ""
	case "set":
		return l.set(args)
	case "inc":
		return l.increment(args)
	case "iseq":
		return len(args) == 2 && args[0] == args[1]
	case "goto":
		return l.jump(args)
	case "sleep":
		return l.sleep(ctx, args)
	case "kernel", "initrd":
		return l.load(ctx, words[0], args)
	case "boot":
		return l.kernel && l.end(boots)
	case "exit":
		return l.end(leave)
	case "sanboot":
		return l.end(sanboot)
	case "reboot":
		return l.end(reboot)
	case "chain":
		if args = options(args, nil); len(args) != 1 {
			return false
		}
		l.next = args[0]
		return l.end(chain)
	default:
		l.say("iPXE: %s: command not found", words[0])
		return false
	}
	return true
}

func (l *loader) end(v verdict) bool {
	l.ended, l.verdict = true, v
	return true
}

// set assigns a setting; the type after its name ("tries:int32") does not matter here.
func (l *loader) set(args []string) bool {
	if len(args) == 0 || len(l.settings) > 100 {
		return false
	}
	name, _, _ := strings.Cut(args[0], ":")
	l.settings[name] = strings.Join(args[1:], " ")
	return true
}

func (l *loader) increment(args []string) bool {
	if len(args) != 1 {
		return false
	}
	n, _ := strconv.Atoi(l.settings[args[0]])
	l.settings[args[0]] = strconv.Itoa(n + 1)
	return true
}

func (l *loader) jump(args []string) bool {
	if len(args) != 1 {
		return false
	}
	for i, line := range l.lines {
		if strings.TrimSpace(line) == ":"+args[0] {
			l.at = i + 1
			return true
		}
	}
	return false
}

func (l *loader) sleep(ctx context.Context, args []string) bool {
	if len(args) != 1 {
		return false
	}
	n, err := strconv.ParseUint(args[0], 10, 16)
	if err != nil {
		return false
	}
	pause(ctx, min(time.Duration(n)*time.Second, maxSleep))
	return true
}

// load fetches a kernel or ramdisk; what follows a kernel's URL is its command line.
func (l *loader) load(ctx context.Context, what string, args []string) bool {
	args = options(args, []string{"--name", "-n", "--timeout", "-t"})
	if len(args) == 0 {
		return false
	}
	if err := l.fetch(ctx, args[0]); err != nil {
		l.say("iPXE: %s: %v", what, err)
		return false
	}
	if what == "kernel" {
		l.kernel, l.cmdline = true, strings.Join(args[1:], " ")
	}
	return true
}

// options drops leading options; those named take a value.
func options(args, valued []string) []string {
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		takes := slices.Contains(valued, args[0])
		args = args[1:]
		if takes && len(args) > 0 {
			args = args[1:]
		}
	}
	return args
}
