"""Runs RFC 6749's flow, A to H, with Authlib and requests against a server that is told on the command line."""

import html
import re
import sys
from urllib.parse import parse_qs, urljoin, urlsplit

import requests
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7636 import create_s256_code_challenge

ISSUER, CALLBACK, SECRET, PASSWORD = sys.argv[1:5]
META = requests.get(ISSUER + "/.well-known/openid-configuration", timeout=10).json()
assert META["issuer"] == ISSUER


def fields(page):
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text)
    return {name: html.unescape(value) for name, value in found}


def action(page):
    return urljoin(page.url, html.unescape(re.search(r'<form method="post" action="([^"]+)"', page.text).group(1)))


def sign_in(url):
    """A person at their browser: login, consent, and back to the client."""
    browser = requests.Session()
    page = browser.get(url, timeout=10)
    answer = browser.post(action(page), data=fields(page) | {"username": "ada", "password": PASSWORD},
                          allow_redirects=False, timeout=10)
    while True:
        location = urljoin(page.url, answer.headers["Location"])
        if location.startswith(CALLBACK):
            return location
        answer = browser.get(location, allow_redirects=False, timeout=10)
        if answer.status_code == 200:
            answer = browser.post(action(answer), data=fields(answer) | {"decision": "allow"},
                                  allow_redirects=False, timeout=10)


client = OAuth2Session("web", SECRET, scope="openid profile reports.read", redirect_uri=CALLBACK,
                       token_endpoint_auth_method="client_secret_basic", code_challenge_method="S256")
verifier = generate_token(48)
url, state = client.create_authorization_url(META["authorization_endpoint"], code_verifier=verifier)
assert create_s256_code_challenge(verifier) in url
back = sign_in(url)
assert parse_qs(urlsplit(back).query)["iss"] == [ISSUER]
token = client.fetch_token(META["token_endpoint"], authorization_response=back, code_verifier=verifier, state=state)
assert client.get(META["userinfo_endpoint"], timeout=10).json()["name"] == "Ada Lovelace"
refreshed = client.refresh_token(META["token_endpoint"])
assert refreshed["refresh_token"] != token["refresh_token"]
told = client.introspect_token(META["introspection_endpoint"], token=refreshed["access_token"]).json()
assert told["active"] is True, told
client.revoke_token(META["revocation_endpoint"], token=refreshed["refresh_token"])
told = client.introspect_token(META["introspection_endpoint"], token=refreshed["access_token"]).json()
assert told == {"active": False}, told
try:
    client.refresh_token(META["token_endpoint"], refresh_token=refreshed["refresh_token"])
    raise SystemExit("a revoked refresh token was accepted")
except Exception as error:
    assert "invalid_grant" in str(error), error

machine = OAuth2Session("web", SECRET, scope="reports.read")
assert machine.fetch_token(META["token_endpoint"], grant_type="client_credentials")["token_type"] == "Bearer"
print("authlib: all good")
