"""A backend for the widget in Python: Flask, SQLite, and a plain HTTP client for Flinks.

Two routes for the widget (start, deliver), one for Flinks' webhooks, and one background task that looks after everything that a browser may lose.
docs/backend.md has the rules; `npx flinks-sandbox check` holds this file to them.

Settings come from the environment: FLINKS_API_URL, FLINKS_CONNECT_URL, FLINKS_CUSTOMER_ID, FLINKS_SECRET_KEY, FLINKS_API_KEY, FLINKS_WEBHOOK_SECRET, DATABASE, PORT.
"""

import base64
import hashlib
import hmac
import json
import os
import secrets
import sqlite3
import threading
import time
import urllib.error
import urllib.request

from flask import Flask, Response, abort, jsonify, request

API = f"{os.environ['FLINKS_API_URL']}/v3/{os.environ['FLINKS_CUSTOMER_ID']}/BankingServices/"
DATABASE = os.environ.get("DATABASE", "backend.db")
ANSWER_WITHIN_S = 20  # Proxies cut at 30 s.
FLINKS_LIMIT_S = 215  # Flinks lets a bank take 210 s.
ASK_AFTER_S = float(os.environ.get("ASK_AFTER_S", "30"))

app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 64 * 1024

SCHEMA = """
CREATE TABLE IF NOT EXISTS connections (
  id TEXT PRIMARY KEY, user TEXT NOT NULL, login_id TEXT NOT NULL, selected TEXT NOT NULL DEFAULT '[]',
  busy_until REAL NOT NULL DEFAULT 0, data TEXT);
CREATE TABLE IF NOT EXISTS attempts (
  id TEXT PRIMARY KEY, connection TEXT NOT NULL, user TEXT NOT NULL, tag TEXT NOT NULL, mode TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'open', request_id TEXT, token TEXT, begun REAL NOT NULL, ask_at REAL NOT NULL,
  body TEXT, reply TEXT, data_pending INTEGER NOT NULL DEFAULT 0);
INSERT OR IGNORE INTO connections (id, user, login_id) VALUES ('ondemand', 'alice', '0d5a3c10-0001-4000-8000-000000000002');
"""


def database():
    connection = sqlite3.connect(DATABASE, timeout=10, isolation_level=None)
    connection.row_factory = sqlite3.Row
    return connection


def execute(sql, *values):
    """Runs one statement. Each is a transaction of its own, so that one of two callers wins."""
    with database() as db:
        cursor = db.execute(sql, values)
        return cursor.fetchall() if cursor.description else cursor.rowcount


def one(sql, *values):
    rows = execute(sql, *values)
    return rows[0] if rows else None


# Flinks.


class NoAnswer(Exception):
    """Flinks could not be asked: it is down, or it refused our keys. No verdict about anybody."""


def call(endpoint, headers, body, timeout=30):
    data = json.dumps(body).encode()
    headers = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "python-example", **headers}
    try:
        with urllib.request.urlopen(urllib.request.Request(API + endpoint, data, headers, method="POST"), timeout=timeout) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        try:
            answer = error.code, json.load(error)
        except ValueError:
            raise NoAnswer from error
        if error.code >= 500:
            raise NoAnswer from error
        return answer
    except (OSError, ValueError) as error:
        raise NoAnswer from error


def is_about_us(answer):
    """UNAUTHORIZED with a message speaks of a key or a token; a bank's has none."""
    return answer.get("FlinksCode") == "UNAUTHORIZED" and "Message" in answer


def fresh_token():
    status, answer = call("GenerateAuthorizeToken", {"flinks-auth-key": os.environ["FLINKS_SECRET_KEY"]}, {})
    if status != 200:
        raise NoAnswer
    return answer["Token"]


def authorize(body, token, timeout=30):
    status, answer = call("Authorize", {"flinks-auth-key": token}, body, timeout)
    if is_about_us(answer):
        raise NoAnswer
    return status, answer


def ask(attempt):
    """How the attempt's session stands: finished, asking, working, gone. First with the token it began with, then with a fresh one."""
    answers = None
    for token in (attempt["token"], None):
        if token is None and answers is not None:
            break
        try:
            answers = authorize({"RequestId": attempt["request_id"]}, token or fresh_token())
        except NoAnswer:
            if token is None:
                raise
    status, answer = answers
    if status == 200:
        return "finished", answer["Login"]["Id"]
    if answer.get("FlinksCode") == "ALREADY_AUTHORIZED":
        # Through, though the data is still being collected. Whose session it is, was fixed when it began with our login.
        return "finished", None
    if status in (202, 203):
        return ("asking" if status == 203 else "working"), None
    if answer.get("FlinksCode") in ("SESSION_NONEXISTENT", "SESSION_EXPIRED"):
        return "gone", None
    raise NoAnswer


# Attempts.


def accept(attempt, login_id, body=None):
    """The one place where an attempt is accepted, whoever brings the result. True when this call, or an earlier one, did it."""
    connection = one("SELECT * FROM connections WHERE id = ?", attempt["connection"])
    if login_id is not None and login_id != connection["login_id"]:
        return False
    execute(
        "UPDATE attempts SET state = 'accepted', data_pending = 1, body = COALESCE(body, ?), reply = ? WHERE id = ? AND state = 'open'",
        body, json.dumps({"connection": attempt["connection"], "status": "accepted"}), attempt["id"],
    )
    return True


def sign_in(connection, attempt_id, tag):
    """Begins a live sign-in and stores what came of it, even if nobody waits any more."""
    try:
        token = fresh_token()
        body = {"LoginId": connection["login_id"], "MostRecentCached": False, "Save": True, "Tag": tag}
        status, answer = authorize(body, token, FLINKS_LIMIT_S)
        code = answer.get("FlinksCode")
        if status in (200, 202, 203):
            state, mode = ("accepted" if status == 200 else "open"), "refresh"
        elif code in ("RETRY_LATER", "TOO_MANY_REQUESTS", "CONCURRENT_SESSION", "AGGREGATION_ERROR"):
            raise NoAnswer
        else:
            state, mode, answer = "open", "connect", {}
        execute(
            "UPDATE attempts SET state = ?, mode = ?, request_id = ?, token = ?, data_pending = ? WHERE id = ?",
            state, mode, answer.get("RequestId"), token, int(status == 200), attempt_id,
        )
    except NoAnswer:
        execute("UPDATE attempts SET state = 'failed' WHERE id = ?", attempt_id)
    finally:
        execute("UPDATE connections SET busy_until = 0 WHERE id = ?", connection["id"])


def later(code, seconds=2):
    return Response(json.dumps({"code": code}), 503, {"Retry-After": str(seconds)}, content_type="application/problem+json")


def problem(status, code):
    return Response(json.dumps({"code": code}), status, content_type="application/problem+json")


# Who calls. Your application has its own sign-in here; this one knows two users by a bearer token.

USERS = {"Bearer alice-token": "alice", "Bearer bob-token": "bob"}


def user():
    found = USERS.get(request.headers.get("Authorization", ""))
    if not found:
        abort(problem(401, "SIGNED_OUT"))
    origin = request.headers.get("Origin")
    if origin and origin.split("//")[-1] != request.host:
        abort(problem(403, "ORIGIN"))
    return found


def json_body():
    body = request.get_json(silent=True)
    if not request.is_json or not isinstance(body, dict):
        abort(problem(400, "NOT_JSON"))
    return body


@app.post("/api/connections/<connection_id>/reconnect")
def start(connection_id):
    who = user()
    json_body()
    connection = one("SELECT * FROM connections WHERE id = ? AND user = ?", connection_id, who)
    if not connection:
        return problem(404, "UNKNOWN_CONNECTION")
    try:
        return begin_or_resume(connection, who)
    except NoAnswer:
        return later("FLINKS_UNREACHABLE")


def begin_or_resume(connection, who):
    end = time.monotonic() + ANSWER_WITHIN_S
    is_new = False
    # One of several starts wins the connection; the others wait for what it finds.
    won = execute("UPDATE connections SET busy_until = ? WHERE id = ? AND busy_until < ?", time.time() + FLINKS_LIMIT_S, connection["id"], time.time())
    if won:
        try:
            # Read now, not before: a sign-in that has just ended wrote its RequestId before it gave the connection back.
            attempt = latest(connection)
            standing = "gone"
            if attempt and attempt["state"] == "open" and attempt["request_id"]:
                standing, login_id = ask(attempt)
            if standing == "gone":
                execute("UPDATE attempts SET state = 'superseded' WHERE connection = ? AND state = 'open'", connection["id"])
                attempt_id, is_new = secrets.token_urlsafe(24), True
                execute(
                    "INSERT INTO attempts (id, connection, user, tag, mode, begun, ask_at) VALUES (?, ?, ?, ?, 'refresh', ?, ?)",
                    attempt_id, connection["id"], who, secrets.token_urlsafe(12), time.time(), time.time() + ASK_AFTER_S,
                )
                attempt = one("SELECT * FROM attempts WHERE id = ?", attempt_id)
                threading.Thread(target=sign_in, args=(connection, attempt["id"], attempt["tag"]), daemon=True).start()
        finally:
            if not is_new:
                execute("UPDATE connections SET busy_until = 0 WHERE id = ?", connection["id"])
        if standing == "finished" and accept(attempt, login_id):
            return jsonify(status="upToDate")
        if standing == "working":
            return later("BANK_SLOW")
    while one("SELECT busy_until FROM connections WHERE id = ?", connection["id"])["busy_until"] > time.time():
        if time.monotonic() > end:
            return later("BANK_SLOW", 5)
        time.sleep(0.05)
    attempt = latest(connection)
    if attempt["state"] == "accepted":
        return jsonify(status="upToDate")
    if attempt["state"] != "open":
        # Without `Retry-After`: the page would repeat it by itself, and the bank be asked each time.
        return problem(503, "BANK_UNREACHABLE")
    if not attempt["request_id"]:
        return jsonify(status="connect", attemptId=attempt["id"], tag=attempt["tag"], authorizeToken=fresh_token(), connectUrl=os.environ["FLINKS_CONNECT_URL"])
    if ask(attempt)[0] == "working":
        return later("BANK_SLOW")
    return jsonify(
        status="challenge", mode="refresh" if is_new else "resume", attemptId=attempt["id"], requestId=attempt["request_id"], tag=attempt["tag"],
        authorizeToken=fresh_token(), connectUrl=os.environ["FLINKS_CONNECT_URL"], resumeSelectedAccounts=json.loads(connection["selected"]),
    )


def latest(connection):
    return one("SELECT * FROM attempts WHERE connection = ? ORDER BY begun DESC LIMIT 1", connection["id"])


@app.post("/api/reconnects")
def deliver():
    who = user()
    body = json_body()
    attempt_id = body.get("attemptId")
    attempt = isinstance(attempt_id, str) and one("SELECT * FROM attempts WHERE id = ? AND user = ?", attempt_id, who)
    if not attempt:
        return problem(404, "UNKNOWN_ATTEMPT")
    canonical = json.dumps(body, sort_keys=True)
    if attempt["body"] not in (None, canonical):
        return problem(422, "ATTEMPT_USED")
    if attempt["state"] == "accepted":
        execute("UPDATE attempts SET body = ? WHERE id = ? AND body IS NULL", canonical, attempt["id"])
        return Response(attempt["reply"], content_type="application/json")
    if attempt["state"] != "open":
        return problem(422, "ATTEMPT_OVER")
    # The attempt's own session is what counts. Only the full flow, which has none yet, takes the browser's, and Flinks names its login.
    asked = {**dict(attempt), "request_id": attempt["request_id"] or body.get("requestId")}
    if not isinstance(asked["request_id"], str):
        return problem(422, "NO_SESSION")
    try:
        standing, login_id = ask(asked)
    except NoAnswer:
        return later("FLINKS_UNREACHABLE")
    if standing != "finished":
        return problem(409, "NOT_FINISHED") if standing != "gone" else problem(422, "SESSION_OVER")
    if login_id is None and not attempt["request_id"]:
        return problem(409, "NOT_FINISHED")
    if not accept({**dict(attempt), "request_id": asked["request_id"]}, login_id, canonical):
        return problem(409, "LOGIN_MISMATCH")
    execute("UPDATE attempts SET request_id = ? WHERE id = ?", asked["request_id"], attempt["id"])
    return Response(one("SELECT reply FROM attempts WHERE id = ?", attempt["id"])["reply"], content_type="application/json")


@app.post("/api/flinks/webhook")
def webhook():
    secret = os.environ.get("FLINKS_WEBHOOK_SECRET", "")
    expected = base64.b64encode(hmac.new(secret.encode(), request.get_data(), hashlib.sha256).digest()).decode()
    if not secret or not hmac.compare_digest(expected, request.headers.get("flinks-authenticity-key", "")):
        return problem(401, "SIGNATURE")
    # It is a hint, not the truth: the background task asks Flinks about the attempt now.
    told = request.get_json(force=True, silent=True) or {}
    execute("UPDATE attempts SET ask_at = 0 WHERE state = 'open' AND (tag = ? OR request_id = ?)", told.get("Tag"), told.get("RequestId"))
    return jsonify({})


# The background task.


def look_after():
    """Asks about attempts that no browser came back for, further and further apart, and fetches the data of those accepted."""
    now = time.time()
    for attempt in execute("SELECT * FROM attempts WHERE state = 'open' AND request_id IS NOT NULL AND ask_at < ?", now):
        # The pause doubles: asking keeps an idle session alive.
        execute("UPDATE attempts SET ask_at = ? WHERE id = ?", now + max(ASK_AFTER_S, now - attempt["begun"]), attempt["id"])
        standing, login_id = ask(attempt)
        if standing == "finished":
            accept(attempt, login_id)
        elif standing == "gone":
            execute("UPDATE attempts SET state = 'failed' WHERE id = ?", attempt["id"])
    for attempt in execute("SELECT * FROM attempts WHERE data_pending = 1"):
        fetch(attempt)


def fetch(attempt):
    connection = one("SELECT * FROM connections WHERE id = ?", attempt["connection"])
    order = {"RequestId": attempt["request_id"], "WithTransactions": True}
    selected = json.loads(connection["selected"])
    if selected:
        order["AccountsFilter"] = selected
    status, answer = call("GetAccountsDetail", {"x-api-key": os.environ["FLINKS_API_KEY"]}, order)
    if status == 200:
        execute("UPDATE connections SET data = ? WHERE id = ?", json.dumps(answer), connection["id"])
    if status == 200 or answer.get("FlinksCode") in ("SESSION_NONEXISTENT", "SESSION_EXPIRED"):
        execute("UPDATE attempts SET data_pending = 0 WHERE id = ?", attempt["id"])


def background():
    while True:
        try:
            look_after()
        except NoAnswer:
            pass
        time.sleep(0.5)


if __name__ == "__main__":
    with database() as db:
        db.executescript(SCHEMA)
        db.execute("PRAGMA journal_mode = WAL")
    threading.Thread(target=background, daemon=True).start()
    app.run("127.0.0.1", int(os.environ.get("PORT", "3000")), threaded=True)
