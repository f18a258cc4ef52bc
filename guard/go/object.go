package guard

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"unicode/utf8"

	exact "github.com/go-jose/go-jose/v4/json"
)

// object is a JSON object whose names count to the letter, each once. By encoding/json alone EXP would count as exp, the
// last of two names would win, and null would be an empty text.
type object map[string]json.RawMessage

func readObject(from []byte) (object, error) {
	if !utf8.Valid(from) {
		return nil, errors.New("it is no text of UTF-8")
	}
	// Null is read as an object with nothing in it.
	var read object
	err := exact.Unmarshal(from, &read)
	return read, err
}

// withoutNulls takes null for what was left out, as issuers mean it in what they say of themselves.
func (o object) withoutNulls() object {
	maps.DeleteFunc(o, func(_ string, value json.RawMessage) bool { return string(value) == "null" })
	return o
}

// reading reads the members of an object one after another, and keeps what was wrong with the first that was not as it
// should be.
type reading struct {
	object
	err error
}

// optional is a member of type T; its zero value where there is none. Null is of no type.
func optional[T any](from *reading, name string) (value T) {
	raw, found := from.object[name]
	if !found || from.err != nil {
		return value
	}
	err := json.Unmarshal(raw, &value)
	if string(raw) == "null" {
		err = errors.New("it is null")
	}
	if err != nil {
		from.err = fmt.Errorf("%s is not as it should be: %w", name, err)
	}
	return value
}

// required is a member of type T that must be there.
func required[T any](from *reading, name string) T {
	if _, found := from.object[name]; !found && from.err == nil {
		from.err = fmt.Errorf("%s is missing", name)
	}
	return optional[T](from, name)
}

// texts is a list of texts, none of them null.
type texts []string

// UnmarshalJSON reads a list and nothing else.
func (t *texts) UnmarshalJSON(from []byte) error {
	var list []*string
	if err := json.Unmarshal(from, &list); err != nil {
		return err
	}
	*t = make(texts, 0, len(list))
	for _, text := range list {
		if text == nil {
			return errors.New("null in a list of texts")
		}
		*t = append(*t, *text)
	}
	return nil
}

// oneOrMore is a text, or a list of texts.
type oneOrMore []string

// UnmarshalJSON reads either.
func (o *oneOrMore) UnmarshalJSON(from []byte) error {
	var one string
	if err := json.Unmarshal(from, &one); err == nil {
		*o = oneOrMore{one}
		return nil
	}
	return (*texts)(o).UnmarshalJSON(from)
}
