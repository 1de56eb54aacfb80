package store

import (
	"context"
	"net/url"
	"strings"

	"rackwright/inventory"
)

// mostWords bounds the words of one machine, and longestWord the bytes of each.
const (
	mostWords   = 200
	longestWord = 64
)

// wordsOf lists what a machine is found by: words in lower case, and its labels, tags,
// project and model as they are.
func wordsOf(m *inventory.Machine) []string {
	w := wordList{seen: map[string]bool{}}
	w.exact(nounTag, m.Tags...)
	for key, value := range m.Labels {
		w.exact(nounLabel, key, key+"="+value)
		w.text(key, value)
	}
	w.exact(nounProject, m.Project)
	w.exact(nounModel, m.Model)
	w.name(m.Name)
	if s := m.Slot; s != nil {
		w.name(s.Rack)
	}
	if serial := strings.TrimSpace(m.Serial); !inventory.JunkSerial(serial) {
		w.text(serial, last(serial, 4), last(serial, 6))
	}
	w.text(m.AssetTag, m.Vendor, m.Model, m.Project, m.Image)
	w.text(m.Tags...)
	for _, h := range m.Addresses() {
		w.text(h.Address.String())
	}
	if m.BMC != nil {
		if u, err := url.Parse(m.BMC.Address); err == nil {
			w.text(u.Hostname())
		}
	}
	return w.words
}

// Before the words that are matched whole stands which noun they name.
const (
	nounLabel   = "label/"
	nounTag     = "tag/"
	nounProject = "project/"
	nounModel   = "model/"
)

type wordList struct {
	words []string
	seen  map[string]bool
}

func (w *wordList) add(word string) {
	if word == "" || w.seen[word] || len(w.words) == mostWords {
		return
	}
	w.seen[word] = true
	w.words = append(w.words, word)
}

func (w *wordList) exact(noun string, names ...string) {
	for _, name := range names {
		if name != "" {
			w.add(noun + name)
		}
	}
}

// text adds the words of texts, each whole.
func (w *wordList) text(texts ...string) {
	for _, t := range texts {
		for word := range strings.FieldsSeq(strings.ToLower(t)) {
			w.add(cut(word))
		}
	}
}

// name adds a name and its parts: r12-u07 is found by u07 too.
func (w *wordList) name(name string) {
	w.text(name)
	w.text(strings.FieldsFunc(name, func(r rune) bool { return r == '-' || r == '.' || r == '_' })...)
}

// cut bounds a word, at a character's border.
func cut(word string) string {
	if len(word) <= longestWord {
		return word
	}
	return strings.ToValidUTF8(word[:longestWord], "")
}

func last(s string, n int) string { return s[max(0, len(s)-n):] }

// writeWords writes the words of machines that have none in the database.
func writeWords(ctx context.Context, words *batch, machines []*inventory.Machine) error {
	defer words.close()
	for _, m := range machines {
		for _, word := range wordsOf(m) {
			if err := words.add(ctx, word, m.Name, m.ID); err != nil {
				return err
			}
		}
	}
	return words.done(ctx)
}

const intoWords = `INSERT INTO machine_word (word, name, machine_id)`

// rewriteWords writes the words of machines anew after what they are made of changed.
func rewriteWords(ctx context.Context, tx *txn, machines ...*inventory.Machine) error {
	for _, m := range machines {
		if _, err := exec(ctx, tx, `DELETE FROM machine_word WHERE machine_id = $1`, m.ID); err != nil {
			return err
		}
	}
	return writeWords(ctx, newBatch(tx, intoWords, "", 3), machines)
}
