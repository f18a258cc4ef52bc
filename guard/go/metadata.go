package guard

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// metadata is what an issuer says of itself (RFC 8414, OpenID Connect Discovery 1.0), as far as a guard needs it.
type metadata struct {
	keys string
	// Empty where it has none.
	token, introspection string
}

// errNotThere says that asking again would bring nothing else: there is no such issuer, or it is another's.
var errNotThere = errors.New("there is no such issuer")

// metadataAddresses are where metadata of an issuer may be: OpenID Connect's, and RFC 8414's, which puts the path last.
func metadataAddresses(issuer string) (openID, oauth string) {
	base := strings.TrimRight(issuer, "/")
	scheme, rest, _ := strings.Cut(base, "://")
	host, path, hasPath := strings.Cut(rest, "/")
	oauth = scheme + "://" + host + "/.well-known/oauth-authorization-server"
	if hasPath {
		oauth += "/" + path
	}
	return base + "/.well-known/openid-configuration", oauth
}

// fetchMetadata reads the metadata of an issuer.
func fetchMetadata(ctx context.Context, client *http.Client, issuer string) (*metadata, error) {
	openID, oauth := metadataAddresses(issuer)
	document, _, err := get(ctx, client, openID)
	if status := statusError(0); errors.As(err, &status) && status >= http.StatusBadRequest {
		isGone := isStatus(err, http.StatusNotFound, http.StatusGone)
		document, _, err = get(ctx, client, oauth)
		if isGone && isStatus(err, http.StatusNotFound, http.StatusGone) {
			return nil, fmt.Errorf("%w: %w", errNotThere, err)
		}
	}
	if err != nil {
		return nil, err
	}
	return readMetadata(document, issuer)
}

func readMetadata(document object, issuer string) (*metadata, error) {
	read := &reading{object: document}
	named := required[string](read, "issuer")
	told := &metadata{
		keys:          required[string](read, "jwks_uri"),
		token:         optional[string](read, "token_endpoint"),
		introspection: optional[string](read, "introspection_endpoint"),
	}
	if read.err != nil {
		return nil, read.err
	}
	// RFC 8414 section 3.3: whoever answers for another issuer must not be believed.
	if named != issuer {
		return nil, fmt.Errorf("%w: the metadata is of %s", errNotThere, named)
	}
	for _, address := range []string{told.keys, told.token, told.introspection} {
		isOpen := strings.HasPrefix(issuer, "https:") && !strings.HasPrefix(address, "https:")
		if address != "" && isOpen {
			return nil, fmt.Errorf("%s is no address of https, which the issuer's own is", address)
		}
	}
	return told, nil
}
