"""A server of the two-stage socket protocol. The comments cite sections of PROTOCOL.md."""

import asyncio
import json
import logging
import os
import random
import re
import secrets
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Any

import jwt
from aiohttp import WSMessage, WSMsgType, web
from aiohttp.http import HttpProcessingError
from aiohttp.typedefs import Handler

WIRE, NAME, USERS = "two-stage.v1", "two-stage-socket-demo", {"ada": "ada", "bob": "bob"}
MAX_FIRST_FRAME, MAX_FRAME, MAX_UNREAD = 16_384, 65_536, 1_048_576  # bytes
MAX_UNAUTHENTICATED, MAX_CONNECTIONS = 1000, 100  # sockets in all, connections of a user
MESSAGES_PER_SECOND, BURST = 200, 400  # of a connection
CLOSE_TIMEOUT = 1.0  # seconds
HEADERS = {401: {"WWW-Authenticate": "Bearer"}, 426: {"Sec-WebSocket-Version": "13"}}

env = os.environ.get  # times are in ms there, and in seconds here
JWT_SECRET = env("JWT_SECRET", "")
JWT_EXPIRES_IN = int(env("JWT_EXPIRES_IN", 3_600_000)) / 1000
TOKEN_EXPIRES_IN = int(env("TOKEN_EXPIRES_IN", 900_000)) / 1000
INIT_TIMEOUT = int(env("INIT_TIMEOUT", 10_000)) / 1000
BROADCAST_EVERY = int(env("BROADCAST_EVERY", 5_000)) / 1000
INDIVIDUAL_EVERY = int(env("INDIVIDUAL_EVERY", 5_000)) / 1000
HEARTBEAT = int(env("HEARTBEAT", 25_000)) / 1000
DRAIN_TIMEOUT = int(env("DRAIN_TIMEOUT", 10_000)) / 1000

origins = {origin.strip() for origin in env("ORIGINS", "").split(",")} - {""}
tokens: dict[str, tuple[str, float]] = {}  # whose, and until when
revoked: set[str] = set()  # the "jti" of JWTs
sockets: set["Connection"] = set()
routes, stopping, log = web.RouteTableDef(), asyncio.Event(), logging.getLogger(NAME)


def parse(text: str | bytes) -> Any:
    """The value of a JSON text. Of any other it is None, which is no message either."""
    with suppress(ValueError, RecursionError):
        return json.loads(text, parse_constant=int)  # int("NaN") raises: NaN is Python's, not JSON


def verify(token: str) -> dict[str, Any] | None:
    """The claims of a good JWT. A bad one can raise more than PyJWT's own errors."""
    options: Any = {"require": ["exp", "sub", "jti"]}
    with suppress(Exception):
        claims = jwt.decode(token, JWT_SECRET, ["HS256"], options, audience=NAME, issuer=NAME)
        return None if claims["jti"] in revoked else claims
    return None


def bearer(request: web.Request) -> dict[str, Any]:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and (claims := verify(token)):
        return claims
    raise web.HTTPUnauthorized


def quotes_nothing(record: logging.LogRecord) -> bool:
    """Filters aiohttp's messages on requests that it cannot parse, as they quote them (12.9)."""
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


def delay(within: float = 10) -> int:
    """Random ms: a crowd that is told one number comes back as one (10.5)."""
    return random.randrange(int(within * 1000))


class Connection:
    """A socket, from its upgrade on. It is authenticated once it has a user."""

    def __init__(self, ws: web.WebSocketResponse, link: asyncio.Transport, owner: str, v1: bool):
        self.ws, self.link = ws, link  # the latter is the network connection
        self.owner, self.v1 = owner, v1  # whose token it came with; whether it speaks two-stage.v1
        self.user: str | None = None
        self.ended: tuple[int, str] | None = None  # close code and reason
        self.task: Any = asyncio.current_task()
        self.pings, self.slot = count(1), 0.0

    async def run(self) -> None:
        """Serves it. Its clock is the init deadline (5.5), and after the ack its JWT's expiry."""
        try:
            async with asyncio.timeout(INIT_TIMEOUT) as self.clock:
                async for frame in self.ws:
                    if self.ended or frame.type is WSMsgType.ERROR:
                        break
                    await self.handle(frame)
        except TimeoutError:
            due = (4401, "the JWT expired") if self.user else (4408, "init timeout")
            self.ended = self.ended or due
        except Exception:
            log.exception("a message was not handled")
            self.ended = (1011, "internal error")
        if self.ended and (self.v1 or self.user or self.ended[0] not in (4400, 4401, 4403, 4408)):
            code, reason = self.ended
            await self.ws.close(code=code, message=reason.encode(), drain=False)
        if self.ended or self.ws.exception():
            self.link.abort()  # with no close frame, if none was sent (5.4)

    def end(self, code: int, reason: str) -> None:
        """Has the socket end: no frame is handled any more, and run() closes it."""
        self.ended = self.ended or (code, reason)
        if not self.clock.expired():
            self.clock.reschedule(0)

    async def handle(self, frame: WSMessage) -> None:
        is_text, now = frame.type is WSMsgType.TEXT, time.monotonic()
        self.slot = max(self.slot, now - BURST / MESSAGES_PER_SECOND) + 1 / MESSAGES_PER_SECOND
        if self.slot > now:
            return self.end(4429, f"retry-after={delay()}")
        if not self.user and len(frame.data.encode() if is_text else frame.data) > MAX_FIRST_FRAME:
            return self.end(1009, "the first frame is too large")
        if self.user and not (self.v1 and is_text):
            return await self.write(f"echo: {frame.data}" if is_text else frame.data)
        match parse(frame.data) if is_text else None:
            case {"type": "jwt", "token": str(token)}:
                await self.admit(verify(token))
            case {"type": "message", **rest} if self.user:
                data = rest.get("data")
                await self.send(f"echo: {data}" if isinstance(data, str) else data)
            case {"type": "ping"} if self.user:
                await self.write('{"type":"pong"}')
            case {"type": str(other)} if self.user and other != "jwt":
                pass  # 7.6
            case _:
                self.end(4400, "invalid message" if self.user else "no init payload")

    async def admit(self, claims: dict[str, Any] | None) -> None:
        """Gives the verdict on an init payload (5.4) or a renewal (7.1)."""
        if not claims:
            return self.end(4401, "unauthorized")
        if claims["sub"] != self.owner:
            return self.end(4403, "forbidden")
        if not self.user and sum(c.user == self.owner for c in sockets) >= MAX_CONNECTIONS:
            return self.end(4429, f"retry-after={delay()}")
        left = claims["exp"] - time.time()
        ack = {"type": "ready", "user": self.owner, "expiresIn": int(left * 1000)}
        ack["heartbeat"] = int(HEARTBEAT * 1000)
        await self.write(json.dumps(ack) if self.v1 else "authentication successful")
        self.clock.reschedule(asyncio.get_running_loop().time() + left)
        self.user = self.owner

    async def send(self, data: Any) -> None:
        message = {"type": "message", "data": data}
        await self.write(json.dumps(message, allow_nan=False) if self.v1 else data)

    async def write(self, frame: str | bytes) -> None:
        """Writes without waiting. Who leaves too much unread is cut off, and holds up nobody."""
        if self.link.get_write_buffer_size() > MAX_UNREAD:
            self.link.abort()
        with suppress(ConnectionError):
            await (self.ws.send_str(frame) if isinstance(frame, str) else self.ws.send_bytes(frame))


async def every(interval: float, text: Callable[[Connection, int], str]) -> None:
    """Sends each connection a text at an interval; never if that is 0."""
    for n in count(1) if interval else ():
        await asyncio.sleep(interval)
        for connection in list(sockets):
            if connection.user and not connection.ended:
                await connection.send(text(connection, n))


@web.middleware
async def api(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Admits origins (3.5, 4.2), and puts failures in the envelope (2.2)."""
    origin, headers = request.headers.get("Origin"), {"Cache-Control": "no-store", "Vary": "Origin"}
    if origin in origins:
        headers["Access-Control-Allow-Origin"] = origin
        headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type"
        headers["Access-Control-Expose-Headers"] = "Retry-After"
        if request.method == "OPTIONS":
            return web.Response(status=204, headers=headers)
    try:
        if origin is not None and origin not in origins and not request.match_info.http_exception:
            raise web.HTTPForbidden
        response = await handler(request)
    except web.HTTPException as failure:
        body: dict[str, Any] = {"status": 0, "message": failure.reason}
        if failure.status == 503:
            body["data"] = {"retryAfter": (ms := delay())}
            headers["Retry-After"] = str(-(-ms // 1000))
        headers |= HEADERS.get(failure.status, {})
        response = web.json_response(body, status=failure.status)
    response.headers.update(headers)
    return response


@routes.post("/login")
async def login(request: web.Request) -> web.Response:
    match parse(await request.read()):
        case {"username": str(user), "password": str(word)} if USERS.get(user) == word:
            who = {"iss": NAME, "aud": NAME, "sub": user, "jti": secrets.token_hex(16)}
            when = {"iat": int(time.time()), "exp": int(time.time() + JWT_EXPIRES_IN)}
            token = jwt.encode(who | when, JWT_SECRET, "HS256")
            return web.json_response({"status": 1, "data": {"token": token}})
    raise web.HTTPUnauthorized


@routes.post("/logout")
async def logout(request: web.Request) -> web.Response:
    claims = bearer(request)
    revoked.add(claims["jti"])
    left = claims["exp"] - time.time()
    asyncio.get_running_loop().call_later(left, revoked.discard, claims["jti"])
    for connection in sockets:
        if connection.user == claims["sub"]:
            connection.end(4401, "logged out")
    return web.json_response({"status": 1})


@routes.post("/token/ws")
@routes.get("/token/ws", allow_head=False)
async def token(request: web.Request) -> web.Response:
    claims, token = bearer(request), secrets.token_urlsafe(32)
    if stopping.is_set():
        raise web.HTTPServiceUnavailable
    tokens[token] = (claims["sub"], time.monotonic() + TOKEN_EXPIRES_IN)
    asyncio.get_running_loop().call_later(TOKEN_EXPIRES_IN, tokens.pop, token, None)
    until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + TOKEN_EXPIRES_IN))
    data = {"token": token, "expiresIn": int(TOKEN_EXPIRES_IN * 1000), "expiresAt": until}
    return web.json_response({"status": 1, "data": data | {"reusable": False, "protocol": WIRE}})


@routes.get("/demo", allow_head=False)
async def demo(request: web.Request) -> web.StreamResponse:
    ws = web.WebSocketResponse(
        timeout=CLOSE_TIMEOUT,
        heartbeat=HEARTBEAT or None,  # aiohttp waits half as long for a pong
        compress=False,
        max_msg_size=MAX_FRAME,
        writer_limit=sys.maxsize,  # no write waits: write() has a bound of its own
    )
    if stopping.is_set() or sum(not c.user for c in sockets) >= MAX_UNAUTHENTICATED:
        raise web.HTTPServiceUnavailable
    if request.headers.get("Sec-WebSocket-Version", "13") != "13":
        raise web.HTTPUpgradeRequired
    if not ws.can_prepare(request) or not (link := request.transport):
        raise web.HTTPBadRequest
    offered = ",".join(request.headers.getall("Sec-WebSocket-Protocol", ()))
    offers = [offer.strip() for offer in offered.split(",")]
    given = request.query.getall("token", []) + [o[6:] for o in offers if o.startswith("token.")]
    well_formed = len(given) == 1 and re.fullmatch(r"[\w-]{1,256}", given[0], re.ASCII)
    owner, expires_at = tokens.pop(given[0] if well_formed else "", ("", 0.0))  # 3.4: one step
    if time.monotonic() >= expires_at:
        raise web.HTTPUnauthorized
    if WIRE in offers:
        ws.headers["Sec-WebSocket-Protocol"] = WIRE  # aiohttp selects from one header line only
    await ws.prepare(request)
    sockets.add(connection := Connection(ws, link, owner, WIRE in offers))
    try:
        await connection.run()
    finally:
        sockets.discard(connection)
    return ws


async def drain() -> None:
    """Serves the connections for a while yet, and then ends what is left (10.5)."""
    away = {"type": "going-away", "deadline": int(DRAIN_TIMEOUT * 1000)}
    for connection in [c for c in sockets if c.user and c.v1]:
        retry_after = delay(max(DRAIN_TIMEOUT - 2, DRAIN_TIMEOUT / 4))
        await connection.write(json.dumps(away | {"retryAfter": retry_after}))
    if sockets:
        await asyncio.wait([c.task for c in sockets], timeout=DRAIN_TIMEOUT)
    for connection in sockets:
        connection.end(1012, f"retry-after={delay()}")
    if sockets:
        await asyncio.wait([c.task for c in sockets])


async def main() -> None:
    if len(JWT_SECRET.encode()) < 32:
        sys.exit("JWT_SECRET is not set, or short: set it to a secret of 32 bytes or more")
    logging.getLogger("aiohttp.server").addFilter(quotes_nothing)
    logging.getLogger("aiohttp.websocket").setLevel(logging.ERROR)  # its warnings quote as well
    app = web.Application(middlewares=[api])
    app.add_routes(routes)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=CLOSE_TIMEOUT)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(env("PORT", 8080))).start()
    port = runner.addresses[0][1]
    if not origins:
        origins.update({f"http://127.0.0.1:{port}", f"http://localhost:{port}"})
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    print(f"listening on http://127.0.0.1:{port}", flush=True)
    broadcast = every(BROADCAST_EVERY, lambda _, n: f"broadcast message {n}")
    individual = every(INDIVIDUAL_EVERY, lambda connection, _: f"ping {next(connection.pings)}")
    pipelines = [asyncio.create_task(broadcast), asyncio.create_task(individual)]
    await stopping.wait()
    await drain()
    for pipeline in pipelines:
        pipeline.cancel()
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main())
