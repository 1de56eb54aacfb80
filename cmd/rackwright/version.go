package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is what this binary was built from: a module version, or a commit.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return "devel"
}

func versionCommand(w *world) *cobra.Command {
	return &cobra.Command{Use: "version", Short: "Show the version of the command and of the server, if it answers", Args: names(0, 0),
		Example: "  rackwright version -o json",
		RunE: func(c *cobra.Command, _ []string) error {
			v := map[string]string{"command": version(), "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH}
			if cl, err := w.connect(); err == nil {
				if h, err := cl.Health(c.Context()); err == nil {
					v["server"] = h.Version
				}
			}
			return w.show(v, func(out io.Writer) {
				fmt.Fprintf(out, "rackwright %s (%s, %s)\n", v["command"], v["go"], v["platform"])
				if v["server"] != "" {
					fmt.Fprintf(out, "server %s\n", oneLine(v["server"]))
				}
			})
		}}
}
