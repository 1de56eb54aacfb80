package main

import (
	"github.com/spf13/cobra"
)

// topics are pages of 'rackwright help' that are of no one command.
func topics() []*cobra.Command {
	return []*cobra.Command{
		{Use: "topics", Short: "What else help tells: exit-status, selecting-machines, output-forms, environment", Long: topicsLong},
		{Use: "exit-status", Short: "What the exit status says", Long: exitLong},
		{Use: "selecting-machines", Short: "How machines are named and picked", Long: selectingLong},
		{Use: "output-forms", Short: "Tables, JSON, YAML, fields and what goes on", Long: outputLong},
		{Use: "environment", Short: "Variables that the command reads", Long: environmentLong},
	}
}

const topicsLong = `Besides 'rackwright COMMAND --help':

  rackwright help exit-status           what the exit status says
  rackwright help selecting-machines    how machines are named and picked
  rackwright help output-forms          tables, JSON, YAML, fields, --watch and --wait
  rackwright help environment           variables that the command reads`

const exitLong = `  0  done
  1  internal error, or the work ended badly: an operation failed, parked or was cancelled
  2  the request, or the command line, is not valid
  3  there is no such thing
  4  conflict: it is true, but not now; a question that was answered otherwise
  5  denied
  6  no answer, or none in time (--timeout)

An error is one line on standard error, and a hint at the way out another. With --wait or
--watch a command that begins work ends with 0 only when all of it succeeded. Interrupting
it ends the watching, not the work.`

const selectingLong = `A machine is named by its name (r1-u10) or its id. Where several may be named, as in
'rackwright deploy', they stand one after the other; --all-or-none begins on all or on none.

Lists are narrowed by flags: 'rackwright machine list --rack r1 --phase ready --label role=db',
and by words, which are the beginnings of names, serial numbers, asset tags, models and
addresses: 'rackwright machine list dell 4711'.

To name all that a list has:

  rackwright deploy $(rackwright machine list --rack r1 --phase ready --fields name --no-headers) --image debian-12

Of many machines, 'rackwright rollout start' is the better way: it goes in waves and halts.
It picks by --rack, --model, --label, --machine and --all-ready; all that are given must fit.`

const outputLong = `  -o table    for people (the default). On a terminal a table is as wide as it is: long texts
              are cut, then columns left out, and no line is broken. In a pipe all is there.
  -o json     one document
  -o jsonl    one thing a line, of lists and of what goes on
  -o yaml     one document, of what goes on one after each ---

--fields name,slot.rack shows only these, by the names they have in JSON, in every form.
--no-headers leaves the first line of tables out. --limit bounds lists that come in pages.

--watch shows it again with each change; on a terminal in its place, with jsonl only what
changed. It follows the streams of the server, and looks by the clock where there is none.
--wait (and --watch, where work is begun) follows the work to its end with its progress on
standard error; what became of it is the exit status, and with -o json the document.`

const environmentLong = `  RACKWRIGHT_SERVER          address of the server, as --server
  RACKWRIGHT_CONTEXT         a server that 'rackwright login' keeps, as --context
  RACKWRIGHT_TOKEN           the token itself
  RACKWRIGHT_TOKEN_FILE      file with the token, as --token-file
  RACKWRIGHT_CLIENT_CERT     file with a client certificate, as --client-cert
  RACKWRIGHT_CLIENT_KEY      file with its key, as --client-key
  RACKWRIGHT_WEBHOOK_SECRET  secret of 'rackwright webhook verify'
  XDG_CONFIG_HOME, HOME      where 'rackwright login' keeps servers and tokens
  XDG_STATE_HOME, HOME       where the admin.token of a server on this host is looked for

'rackwright --help' says what takes precedence.`
