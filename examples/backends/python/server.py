"""A server of the two-stage socket protocol. The comments cite sections of PROTOCOL.md."""

import asyncio
import json
import logging
import os
import random
import re
import secrets
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Any

import jwt
from aiohttp import WSMessage, WSMsgType, web

WIRE, NAME, USERS = "two-stage.v1", "two-stage-socket-demo", {"ada": "ada", "bob": "bob"}
MAX_FIRST_FRAME, MAX_FRAME, MAX_UNREAD = 16_384, 65_536, 1_048_576  # bytes
MAX_UNAUTHENTICATED, MAX_CONNECTIONS = 1000, 100  # sockets in all, connections of a user
MESSAGES_PER_SECOND, BURST = 200, 400  # of a connection

env = os.environ.get  # times are in ms there, and in seconds here
JWT_SECRET, JWT_EXPIRES_IN = env("JWT_SECRET", ""), int(env("JWT_EXPIRES_IN", 3_600_000)) / 1000
TOKEN_EXPIRES_IN = int(env("TOKEN_EXPIRES_IN", 900_000)) / 1000
INIT_TIMEOUT = int(env("INIT_TIMEOUT", 10_000)) / 1000
BROADCAST_EVERY = int(env("BROADCAST_EVERY", 5_000)) / 1000
INDIVIDUAL_EVERY = int(env("INDIVIDUAL_EVERY", 5_000)) / 1000
HEARTBEAT = int(env("HEARTBEAT", 25_000)) / 1000
DRAIN_TIMEOUT = int(env("DRAIN_TIMEOUT", 10_000)) / 1000

origins = set(env("ORIGINS", "").split(",")) - {""}
tokens: dict[str, tuple[str, float]] = {}  # whose, and until when
revoked: set[str] = set()  # the "jti" of JWTs
sockets: set["Connection"] = set()
routes, stopping = web.RouteTableDef(), asyncio.Event()


def parse(text: str | bytes) -> Any:
    """The value of a JSON text. Of any other it is None, which is no message either."""
    with suppress(ValueError, RecursionError):
        return json.loads(text, parse_constant=int)  # int("NaN") raises: NaN is Python's, not JSON


def verify(token: str) -> dict[str, Any] | None:
    """The claims of a good JWT. A bad one can make more than PyJWT's own errors."""
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


def delay(within: float = 10) -> int:
    """Random ms: a crowd that is told one number comes back as one (10.5)."""
    return random.randrange(int(within * 1000))


class Connection:
    """A socket, from its upgrade on. It is authenticated once it has a user."""

    def __init__(self, ws: web.WebSocketResponse, request: web.Request, owner: str, v1: bool):
        self.ws, self.transport, self.owner, self.v1 = ws, request.transport, owner, v1
        self.user: str | None = None
        self.ended: tuple[int, str] | None = None
        self.task, self.pings, self.slot = asyncio.current_task(), count(1), 0.0

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
            logging.exception("a message was not handled")
            self.ended = (1011, "internal error")
        if self.ended and (self.v1 or self.user or self.ended[0] not in (4400, 4401, 4403, 4408)):
            code, reason = self.ended
            await self.ws.close(code=code, message=reason.encode(), drain=False)
        if self.ended or self.ws.exception():
            self.transport.abort()  # with no close frame, if none was sent (5.4)

    def end(self, code: int, reason: str) -> None:
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
        if self.transport.get_write_buffer_size() > MAX_UNREAD:
            self.transport.abort()
        with suppress(ConnectionError):
            await (self.ws.send_str(frame) if isinstance(frame, str) else self.ws.send_bytes(frame))


async def every(interval: float, text: Callable[[Connection, int], str]) -> None:
    for n in count(1) if interval else ():
        await asyncio.sleep(interval)
        for connection in list(sockets):
            if connection.user and not connection.ended:
                await connection.send(text(connection, n))


@web.middleware
async def api(request: web.Request, handler: Any) -> web.StreamResponse:
    """Admits origins (3.5, 4.2), and puts failures in the envelope (2.2)."""
    origin, headers = request.headers.get("Origin"), {"Cache-Control": "no-store", "Vary": "Origin"}
    if origin in origins:
        headers["Access-Control-Allow-Origin"] = origin
        headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type"
        headers["Access-Control-Expose-Headers"] = "Retry-After"
        if request.method == "OPTIONS":
            return web.Response(status=204, headers=headers)
    try:
        if origin and origin not in origins and not request.match_info.http_exception:
            raise web.HTTPForbidden
        response = await handler(request)
    except web.HTTPException as failure:
        body, ms = {"status": 0, "message": failure.reason}, delay()
        if failure.status == 503:
            headers["Retry-After"], body["data"] = str(-(-ms // 1000)), {"retryAfter": ms}
        if failure.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        response = web.json_response(body, status=failure.status)
    response.headers.update(headers)
    return response


@routes.post("/login")
async def login(request: web.Request) -> web.Response:
    match parse(await request.read()):
        case {"username": str(user), "password": str(word)} if USERS.get(user) == word:
            claims = {"iss": NAME, "aud": NAME, "sub": user, "jti": secrets.token_hex(16)}
            claims |= {"iat": int(time.time()), "exp": int(time.time() + JWT_EXPIRES_IN)}
            token = jwt.encode(claims, JWT_SECRET, "HS256")
            return web.json_response({"status": 1, "data": {"token": token}})
    raise web.HTTPUnauthorized


@routes.post("/logout")
async def logout(request: web.Request) -> web.Response:
    claims = bearer(request)
    revoked.add(claims["jti"])
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
    alive, never = HEARTBEAT or None, 2**40
    ws = web.WebSocketResponse(
        timeout=1, heartbeat=alive, compress=False, max_msg_size=MAX_FRAME, writer_limit=never
    )
    if not ws.can_prepare(request):
        raise web.HTTPUpgradeRequired
    if stopping.is_set() or sum(not c.user for c in sockets) >= MAX_UNAUTHENTICATED:
        raise web.HTTPServiceUnavailable
    offered = ",".join(request.headers.getall("Sec-WebSocket-Protocol", ()))
    offers = [offer.strip() for offer in offered.split(",")]
    given = request.query.getall("token", []) + [o[6:] for o in offers if o.startswith("token.")]
    well_formed = len(given) == 1 and re.fullmatch(r"[\w-]{1,256}", given[0], re.ASCII)
    owner, expires_at = tokens.pop(given[0], ("", 0.0)) if well_formed else ("", 0.0)
    if time.monotonic() >= expires_at:
        raise web.HTTPUnauthorized
    if WIRE in offers:
        ws.headers["Sec-WebSocket-Protocol"] = WIRE
    await ws.prepare(request)
    sockets.add(connection := Connection(ws, request, owner, WIRE in offers))
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
        raise SystemExit("JWT_SECRET has to be a secret of 32 bytes or more")
    logging.getLogger("aiohttp.websocket").setLevel(logging.ERROR)  # its warnings quote tokens
    app = web.Application(middlewares=[api])
    app.add_routes(routes)
    runner = web.AppRunner(app, access_log=None)  # an access log would have the tokens of URLs
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(env("PORT", 8080))).start()
    port = runner.addresses[0][1]
    if not origins:
        origins.update({f"http://127.0.0.1:{port}", f"http://localhost:{port}"})
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    print(f"listening on http://127.0.0.1:{port}", flush=True)
    pipelines = asyncio.gather(
        every(BROADCAST_EVERY, lambda _, n: f"broadcast message {n}"),
        every(INDIVIDUAL_EVERY, lambda connection, _: f"ping {next(connection.pings)}"),
    )
    await stopping.wait()
    await drain()
    pipelines.cancel()
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main())
