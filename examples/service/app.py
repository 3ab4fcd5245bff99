"""An application with a sign-in of its own, beside the host as a service. Python's standard library is all it needs.

It does four things for the host: it mints a token for its signed-in user (`token_for`), says which connection is whose (`add_connection`), takes
events (`take_event`), and shows its user what they said (`GET /bank`). docs/service.md goes through them.

Settings come from the environment: HOST_URL, and HOST_PUBLIC_URL where browsers reach the host at another address; AUTH_JWT_SECRET, ADMIN_KEY and
EVENTS_SECRET as the host has them; PORT, DATABASE, WIDGET.
"""

import base64
import hmac
import json
import os
import secrets
import sqlite3
import time
import urllib.request
from contextlib import closing
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HERE = Path(__file__).parent
HOST_URL = os.environ["HOST_URL"]
HOST_PUBLIC_URL = os.environ.get("HOST_PUBLIC_URL", HOST_URL)
DATABASE = os.environ.get("DATABASE", "application.db")
PAGES = {
    "/": (HERE / "index.html", "text/html; charset=utf-8"),
    "/page.js": (HERE / "page.js", "text/javascript"),
    "/widget.js": (Path(os.environ.get("WIDGET", HERE / "../../dist/flinks-reconnect.global.js")), "text/javascript"),
}
PASSWORDS = {"anna": "anna's", "berta": "berta's"}
sessions = {}


def database():
    return closing(sqlite3.connect(DATABASE, timeout=10))


def token_for(user):
    """The JWT by which the host knows the user, good for ten minutes. The page asks for one before each request to the host."""
    encode = lambda data: base64.urlsafe_b64encode(data).rstrip(b"=")
    claims = {"sub": user, "aud": "flinks-host", "exp": int(time.time()) + 600}
    signed = b".".join(encode(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    return (signed + b"." + encode(hmac.digest(os.environ["AUTH_JWT_SECRET"].encode(), signed, "sha256"))).decode()


def add_connection(user, connection, login_id):
    """What to do when a user has connected a bank for the first time: store it, and tell the host. Both may be repeated."""
    with database() as db, db:
        db.execute("INSERT OR IGNORE INTO banks (user, connection, status) VALUES (?, ?, 'connected')", (user, connection))
    request = urllib.request.Request(
        f"{HOST_URL}/admin/users/{user}/connections/{connection}", json.dumps({"loginId": login_id}).encode(), method="PUT",
        headers={"Authorization": f"Bearer {os.environ['ADMIN_KEY']}", "Content-Type": "application/json"},
    )
    urllib.request.urlopen(request, timeout=10).close()


def is_signed(headers, body):
    """Whether the host signed these bytes (Standard Webhooks) within the last five minutes."""
    event_id, sent_at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    key = base64.b64decode(os.environ["EVENTS_SECRET"].removeprefix("whsec_"))
    expected = b"v1," + base64.b64encode(hmac.digest(key, f"{event_id}.{sent_at}.".encode() + body, "sha256"))
    # While the secret is being changed there are two signatures, with a space between.
    given = headers.get("webhook-signature", "").encode().split(b" ")
    return any(hmac.compare_digest(one, expected) for one in given) and abs(time.time() - int(sent_at)) < 300


def take_event(headers, body):
    """Takes an event, and answers at once: mails and the like are for later. The host sends it again until it hears 2xx."""
    if not is_signed(headers, body):
        return 401
    event = json.loads(body)
    status = {"connection.refreshed": "connected again", "connection.needs_attention": "needs attention"}.get(event["type"])
    with database() as db, db:  # One transaction: an event that comes twice counts once.
        is_new = db.execute("INSERT OR IGNORE INTO events (id) VALUES (?)", (headers["webhook-id"],)).rowcount
        if is_new and status:
            db.execute("UPDATE banks SET status = ? WHERE user = ? AND connection = ?", (status, event["data"]["user"], event["data"]["connection"]))
    return 204


class Application(BaseHTTPRequestHandler):
    def do_GET(self):
        user = self.user()
        if self.path in PAGES:
            path, media_type = PAGES[self.path]
            self.answer(200, path.read_bytes(), media_type)
        elif user is None:
            self.answer(401)
        elif self.path == "/token":
            self.answer(200, token_for(user).encode(), "text/plain")
        elif self.path == "/bank":
            with database() as db:
                connection, status = db.execute("SELECT connection, status FROM banks WHERE user = ?", (user,)).fetchone()
            self.answer(200, json.dumps({"host": HOST_PUBLIC_URL, "connection": connection, "status": status}).encode(), "application/json")
        else:
            self.answer(404)

    def do_POST(self):
        body = self.rfile.read(min(int(self.headers.get("Content-Length", 0)), 64 * 1024))
        if self.path == "/events":
            self.answer(take_event(self.headers, body))
        elif self.path == "/sign-in":
            given = json.loads(body)
            if given["name"] in PASSWORDS and given["password"] == PASSWORDS[given["name"]]:
                session = secrets.token_urlsafe()
                sessions[session] = given["name"]
                self.answer(204, cookie=f"session={session}; HttpOnly; SameSite=Lax; Path=/")
            else:
                self.answer(401)
        else:
            self.answer(404)

    def user(self):
        cookie = SimpleCookie(self.headers.get("Cookie")).get("session")
        return cookie and sessions.get(cookie.value)

    def answer(self, status, body=b"", media_type=None, cookie=None):
        headers = {"Content-Type": media_type, "Set-Cookie": cookie, "Content-Length": str(len(body)), "Content-Security-Policy": "frame-ancestors 'none'"}
        self.send_response(status)
        for name, value in headers.items():
            if value is not None:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    with database() as db, db:
        db.execute("CREATE TABLE IF NOT EXISTS banks (user TEXT, connection TEXT PRIMARY KEY, status TEXT)")
        db.execute("CREATE TABLE IF NOT EXISTS events (id TEXT PRIMARY KEY)")
    # Two logins that the sandbox has from the start; the Nightly Refresh of the first failed.
    add_connection("anna", "bank-of-anna", "0d5a3c10-0001-4000-8000-000000000001")
    add_connection("berta", "bank-of-berta", "0d5a3c10-0001-4000-8000-000000000002")
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8000"))), Application)
    print(f"http://localhost:{server.server_port}", flush=True)
    server.serve_forever()
