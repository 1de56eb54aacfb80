package main

import (
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// tree is all commands, with cobra's own.
func tree() *cobra.Command {
	root := rootCommand(&world{in: strings.NewReader(""), out: io.Discard, err: io.Discard, getenv: func(string) string { return "" }})
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd("completion")
	return root
}

// everyCommand walks the tree. Cobra's own commands are left out.
func everyCommand(do func(*cobra.Command)) {
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		if name := c.Name(); name == "completion" || name == "help" || c.IsAdditionalHelpTopicCommand() {
			return
		}
		do(c)
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(tree())
}

// holdsOthers tells a command that does nothing itself.
func holdsOthers(c *cobra.Command) bool { return c.HasSubCommands() && c.Use == c.Name() }

// notThere says what of a command line, without "rackwright", is in no tree of commands: a
// command or a flag. Its arguments may be left out.
func notThere(line string) string {
	c, rest, err := tree().Find(words(line))
	if err != nil {
		return err.Error()
	}
	if len(rest) > 0 && holdsOthers(c) && !strings.HasPrefix(rest[0], "-") {
		return "there is no such command of " + c.CommandPath()
	}
	c.InheritedFlags()
	c.InitDefaultHelpFlag()
	for _, word := range rest {
		name, _, _ := strings.Cut(word, "=")
		switch {
		case strings.HasPrefix(name, "--") && len(name) > 2 && c.Flags().Lookup(name[2:]) == nil,
			len(name) == 2 && name[0] == '-' && name[1] >= 'a' && c.Flags().ShorthandLookup(name[1:]) == nil:
			return c.CommandPath() + " has no flag " + name
		}
	}
	return ""
}

// notTaken says why a whole command line, without "rackwright", is refused before it runs.
func notTaken(line string) string {
	c, rest, err := tree().Find(words(line))
	if err != nil {
		return err.Error()
	}
	c.InheritedFlags()
	c.InitDefaultHelpFlag()
	if err := c.ParseFlags(rest); err != nil {
		return err.Error()
	}
	if holdsOthers(c) && c.Flags().NArg() > 0 {
		return "there is no such command of " + c.CommandPath()
	}
	if err := c.ValidateArgs(c.Flags().Args()); err != nil {
		return err.Error()
	}
	return ""
}

// words are those of a command line as a shell takes it apart, up to what is another's.
func words(line string) (out []string) {
	word, quote, begun := "", rune(0), false
	for _, r := range line + " " {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word += string(r)
		case r == '\'' || r == '"':
			quote, begun = r, true
		case strings.ContainsRune("|<>&;#", r) && (word == "" || r != '#'):
			if begun {
				out = append(out, word)
			}
			return out
		case r == ' ':
			if begun {
				out = append(out, word)
			}
			word, begun = "", false
		default:
			word, begun = word+string(r), true
		}
	}
	return out
}
