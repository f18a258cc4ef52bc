package guard

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestACommentIsALineThatBeginsWithAColonWhereverThePiecesAreCut(t *testing.T) {
	const said = ": first\ndata:{\"id\":\":\"}\n\n:second\r\nid: 7\r:third\n\n:"
	whole := strings.NewReader(said)
	for name, from := range map[string]io.Reader{
		"as it is": whole, "byte by byte": iotest.OneByteReader(strings.NewReader(said)),
		"in halves": iotest.HalfReader(strings.NewReader(said)), "with its end": iotest.DataErrReader(strings.NewReader(said)),
	} {
		var given strings.Builder
		var before []string
		noticing := &comments{from: from, heard: func() { before = append(before, given.String()) }}
		if _, err := io.Copy(&given, struct{ io.Reader }{noticing}); err != nil {
			t.Fatal(err)
		}
		mustEqual(t, given.String(), said, name)
		// What came before a comment was given to the reader before it was heard.
		mustEqual(t, strings.Join(before, "|"), "|"+said[:25]+"|"+said[:40]+"|"+said[:len(said)-1], name)
	}
}
