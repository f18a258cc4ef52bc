"""Hostile requests to every route of a running server, for so many minutes.

    python3 fuzz/routes.py BASE_URL OPERATOR_TOKEN SERVER_PID MINUTES

Fails where anything answers 5xx, a parameter that the admin API does not know is not refused, the
server goes away, or its memory grows. Says what it did. The standard library alone.
"""

import http.client
import json
import random
import sys
import time
import urllib.parse

BASE, TOKEN, PID, MINUTES = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
HOST = urllib.parse.urlsplit(BASE).netloc
SEED = int(time.time())
rng = random.Random(SEED)

PROTOCOL = [
    ("GET", "/t/{slug}/.well-known/openid-configuration"),
    ("GET", "/.well-known/oauth-authorization-server/t/{slug}"),
    ("GET", "/.well-known/openid-configuration/t/{slug}"),
    ("GET", "/t/{slug}/oauth2/authorize"),
    ("POST", "/t/{slug}/oauth2/authorize"),
    ("POST", "/t/{slug}/oauth2/token"),
    ("POST", "/t/{slug}/oauth2/revoke"),
    ("POST", "/t/{slug}/oauth2/introspect"),
    ("GET", "/t/{slug}/oauth2/jwks"),
    ("GET", "/t/{slug}/oauth2/userinfo"),
    ("POST", "/t/{slug}/oauth2/userinfo"),
    ("GET", "/t/{slug}/oauth2/logout"),
    ("POST", "/t/{slug}/oauth2/logout"),
    ("GET", "/t/{slug}/login"),
    ("POST", "/t/{slug}/login"),
    ("GET", "/t/{slug}/consent"),
    ("POST", "/t/{slug}/consent"),
    ("GET", "/t/{slug}/account"),
    ("POST", "/t/{slug}/auth/login"),
    ("POST", "/t/{slug}/auth/refresh"),
    ("POST", "/t/{slug}/auth/logout"),
    ("GET", "/t/{slug}/auth/me"),
    ("GET", "/admin"),
    ("GET", "/admin/login"),
    ("POST", "/admin/login"),
    ("GET", "/admin/tenants"),
    ("GET", "/admin/tenants/{slug}/sessions"),
    ("POST", "/admin/tenants/{slug}/purge"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/api/docs"),
    ("GET", "/static/{text}"),
]

TEXTS = [
    "", "0", "-1", "1", "9" * 40, "true", "null", "acme", "system", "web", "app", "ada", "openid", "admin",
    "client_credentials", "password", "refresh_token", "authorization_code", "code", "none", "S256",
    "http://127.0.0.1:9000/callback", "https://evil.example/", "javascript:alert(1)", "//evil.example", "..", "%00",
    "\x00", "\r\nX: y", "'; DROP TABLE users; --", "\u202eabc", "\ufeff", "é" * 300, "\U0001f600", "a" * 5000,
    "<script>alert(1)</script>", "{{7*7}}", "../../etc/passwd", "prt_" + "A" * 60, "pcs_x", "eyJhbGciOiJub25lIn0.e30.",
    "a.b.c", "$2b$31$" + "x" * 53, "2026-02-30T00:00:00Z", "1e309", "0x10", "[]", "{}", "\\u0000", "%", "%zz", "%c3%28",
    "019afbf0-0000-7000-8000-000000000000",
]

NAMES = [
    "grant_type", "client_id", "client_secret", "code", "redirect_uri", "code_verifier", "refresh_token", "scope",
    "resource", "username", "password", "token", "token_type_hint", "response_type", "response_mode", "state", "nonce",
    "prompt", "max_age", "code_challenge", "code_challenge_method", "id_token_hint", "login_hint", "request",
    "interaction",
    "request_uri", "client_assertion", "client_assertion_type", "post_logout_redirect_uri", "csrf_token", "limit",
    "after", "q", "user", "client", "ip", "active", "dry_run", "purge", "compromised", "since", "until", "actor",
    "action", "slug", "name", "settings", "email", "roles", "status", "jwks", "jti", "typed", "confirmed",
]


def text():
    choice = rng.random()
    if choice < 0.8:
        return rng.choice(TEXTS)
    return "".join(chr(rng.choice([rng.randrange(32, 127), rng.randrange(0, 0x250)])) for _ in range(rng.randrange(30)))


def value(depth=0):
    kind = rng.randrange(9 if depth < 3 else 6)
    if kind < 3:
        return text()
    if kind == 3:
        return rng.choice([0, -1, 1.5, 2**63, 10**30, True, False, None])
    if kind == 4:
        return rng.choice([[], {}])
    if kind == 5:
        return rng.choice(["operator", "tenant_admin", "active", "suspended", "disabled", "ES256", "private_key_jwt"])
    if kind == 6:
        return [value(depth + 1) for _ in range(rng.randrange(4))]
    return {rng.choice(NAMES): value(depth + 1) for _ in range(rng.randrange(5))}


def pairs():
    return [(rng.choice(NAMES), text()) for _ in range(rng.randrange(7))]


def query():
    if rng.random() < 0.4:
        return ""
    if rng.random() < 0.15:
        return "?" + urllib.parse.quote(text(), safe="%&=?+")
    return "?" + urllib.parse.urlencode(pairs(), errors="replace")


def body():
    kind = rng.randrange(5)
    if kind == 0:
        return "application/x-www-form-urlencoded", urllib.parse.urlencode(pairs(), errors="replace").encode()
    if kind == 1:
        return "application/json", json.dumps(value()).encode("utf-8", "replace")
    if kind == 2:
        return rng.choice(["application/json", "application/x-www-form-urlencoded"]), rng.randbytes(rng.randrange(200))
    if kind == 3:
        return "application/json", b"[" * rng.randrange(3000)
    return rng.choice(["", "text/plain", "multipart/form-data; boundary=x"]), text().encode("utf-8", "replace")


def authorization():
    kind = rng.randrange(7)
    if kind < 4:
        return {"Authorization": f"Bearer {TOKEN}"}
    if kind == 4:
        return {}
    if kind == 5:
        return {"Authorization": "Basic " + rng.choice(["", "d2ViOg==", "AAAA", "d2ViOiUwMA==", "\u00ff"])}
    return {"Authorization": rng.choice(["Bearer", "Bearer a.b.c", "Digest x", "Bearer " + "x" * 9000])}


def fill(path, holders):
    segments = []
    for segment in path.split("/"):
        if segment.startswith("{") and segment.endswith("}"):
            known = {"{slug}": ["acme", "system", "nowhere"], "{client_id}": ["web", "app", "nobody"], "{id}": holders}
            if segment in known and rng.random() < 0.7:
                segment = rng.choice(known[segment])
            else:
                segment = urllib.parse.quote(text(), safe="%") or "x"
        segments.append(segment)
    return "/".join(segments)


def memory():
    with open(f"/proc/{PID}/status", encoding="ascii") as status:
        line = next(line for line in status if line.startswith("VmRSS"))
    return int(line.split()[1]) // 1024


class Server:
    def __init__(self):
        self.connection = None

    def send(self, method, path, headers, content):
        for again in (True, False):
            try:
                if self.connection is None:
                    self.connection = http.client.HTTPConnection(HOST, timeout=30)
                self.connection.putrequest(method, path, skip_accept_encoding=True)
                for name, content_of in headers.items():
                    self.connection.putheader(name, content_of.encode("latin-1", "replace"))
                self.connection.putheader("Content-Length", str(len(content)))
                self.connection.endheaders(content)
                answer = self.connection.getresponse()
                return answer.status, answer.read(200_000)
            except (http.client.HTTPException, OSError) as why:
                self.connection = None
                if not again:
                    raise SystemExit(f"seed {SEED}: the server went away at {method} {path!r}: {why}")


def main():
    server = Server()
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    _, document = server.send("GET", "/api/openapi.json", {}, b"")
    calls = json.loads(document)["paths"]
    api = [(method.upper(), path, call) for path, calls_of in calls.items() for method, call in calls_of.items()]
    # What would take away what all the others are tried on.
    api = [call for call in api if not (call[0] == "DELETE" and call[1].endswith("/tenants/{slug}"))]
    users = json.loads(server.send("GET", "/api/v1/tenants/acme/users", bearer, b"")[1])["items"]
    holders = [user["id"] for user in users]
    statuses, faults, ignored, sent = {}, [], [], 0
    first, ends = None, time.time() + MINUTES * 60
    while time.time() < ends:
        routes = [(method, path) for method, path, _ in api] + PROTOCOL
        method, path = rng.choice(routes)
        if rng.random() < 0.05:
            method = rng.choice(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE"])
        target = fill(path, holders) + query()
        target = target.encode("ascii", "ignore").decode().translate({c: None for c in range(33)})
        kind, content = body() if method in ("POST", "PUT", "PATCH") else ("", b"")
        headers = authorization() | ({"Content-Type": kind} if kind else {})
        # Sign-ins are throttled and hash: a few are enough.
        if "login" in path and rng.random() < 0.9:
            continue
        status, answer = server.send(method, target, headers, content)
        sent += 1
        statuses[status] = statuses.get(status, 0) + 1
        if status >= 500:
            faults.append(f"{status} {method} {target[:200]!r} {content[:200]!r}: {answer[:200]!r}")
        if sent % 50 == 0:
            method, path, call = rng.choice([call for call in api if call[0] == "GET"])
            target = path.format(slug="acme", client_id="web", id=rng.choice(holders), event="1", kid="x")
            status, _ = server.send("GET", target + "?unheard=of", bearer, b"")
            if status != 400:
                ignored.append(f"{status} GET {target}?unheard=of")
        if first is None and sent == 5000:
            first = memory()
    last = memory()
    print(f"seed {SEED}: {sent} requests, answers {dict(sorted(statuses.items()))}, {first} MiB then {last} MiB")
    for fault in (faults + ignored)[:30]:
        print(fault)
    if first is not None and last > first * 1.5 + 32:
        raise SystemExit(f"memory grew from {first} to {last} MiB")
    if faults or ignored:
        raise SystemExit(f"{len(faults)} answers of 5xx, {len(ignored)} parameters ignored")


main()
