"""A server of the two-stage socket protocol. The comments cite sections of PROTOCOL.md."""

import asyncio
import json
import logging
import secrets
import signal
import time
from contextlib import suppress
from itertools import count
from os import getenv

import jwt
from aiohttp import web

WIRE, NAME, USERS = "two-stage.v1", "two-stage-socket-demo", {"ada": "ada", "bob": "bob"}
HEADERS = {401: {"WWW-Authenticate": "Bearer"}, 426: {"Sec-WebSocket-Version": "13"}}
JWT_SECRET = getenv("JWT_SECRET", "")  # times are in ms in the environment, and in seconds here
JWT_EXPIRES_IN = int(getenv("JWT_EXPIRES_IN") or 3_600_000) / 1000
TOKEN_EXPIRES_IN = int(getenv("TOKEN_EXPIRES_IN") or 900_000) / 1000
INIT_TIMEOUT = int(getenv("INIT_TIMEOUT") or 10_000) / 1000
BROADCAST_EVERY = int(getenv("BROADCAST_EVERY") or 5_000) / 1000
INDIVIDUAL_EVERY = int(getenv("INDIVIDUAL_EVERY") or 5_000) / 1000
HEARTBEAT = int(getenv("HEARTBEAT") or 25_000) / 1000
DRAIN_TIMEOUT = int(getenv("DRAIN_TIMEOUT") or 10_000) / 1000
origins, revoked, tokens = set(), set(), {}  # revoked "jti"; whose a token is, and until when
sockets, stopping = {}, asyncio.Event()  # sockets from the upgrade on, each with its count of pings


def verify(authorization: str) -> tuple[str, float, str]:
    """The user, seconds left and "jti" of a good JWT. PyJWT raises more than its own errors."""
    scheme, _, token = authorization.partition(" ")
    with suppress(Exception):
        claims = jwt.decode(token, JWT_SECRET, ["HS256"], audience=NAME, issuer=NAME)
        if scheme.lower() == "bearer" and claims["jti"] not in revoked:
            return claims["sub"], claims["exp"] - time.time(), claims["jti"]
    raise web.HTTPUnauthorized


class Socket(web.WebSocketResponse):
    ready, due = False, (4408, "init timeout")  # authenticated; how it ends when its time is up

    async def handle(self, data: str | bytes) -> None:
        """Handles a frame. What it raises becomes a close code: the HTTP status plus 4000 (8)."""
        raw = self.ready and not (self.v1 and isinstance(data, str))  # the application's (6.2, 7)
        match {"type": "message", "data": data} if raw else json.loads(data, parse_constant=int):
            case {"type": "jwt", "token": str(token)} if isinstance(data, str):
                user, left, _ = verify(f"Bearer {token}")
                if user != self.owner:
                    raise web.HTTPForbidden
                ack = {"type": "ready", "user": user, "expiresIn": int(left * 1000)}
                await self.send("authentication successful", **ack, heartbeat=int(HEARTBEAT * 1000))
                self.clock.reschedule(asyncio.get_running_loop().time() + left)
                self.ready, self.due = True, (4401, "the JWT expired")
            case {"type": "message", **rest} if self.ready:
                value = rest.get("data")
                await self.send(f"echo: {value}" if isinstance(value, str) else value)
            case {"type": "ping"} if self.ready:
                await self.send(None, type="pong")
            case {"type": str(other)} if self.ready and other != "jwt":
                pass  # 7.6
            case _:
                raise web.HTTPBadRequest

    async def send(self, data: object, **control: object) -> None:
        """Writes without waiting: who leaves too much unread is cut off, and holds up nobody."""
        if self.link.get_write_buffer_size() > 1_048_576:
            self.link.abort()
        if self.v1 and not isinstance(data, bytes):
            data = json.dumps(control or {"type": "message", "data": data}, allow_nan=False)
        with suppress(ConnectionError):
            await (self.send_str(data) if isinstance(data, str) else self.send_bytes(data))


async def every(interval: float, text: str, is_own: bool = False) -> None:
    """Sends each connection a text and a number at an interval (10.6); never if that is 0."""
    for n in count(1) if interval else ():
        await asyncio.sleep(interval)
        for ws in [ws for ws in sockets if ws.ready]:
            await ws.send(f"{text} {next(sockets[ws]) if is_own else n}")


async def login(request: web.BaseRequest) -> web.StreamResponse:
    with suppress(ValueError, RecursionError):
        match json.loads(await request.read()):
            case {"username": str(user), "password": str(word)} if USERS.get(user) == word:
                claims = {"iss": NAME, "aud": NAME, "sub": user, "jti": secrets.token_hex()}
                token = jwt.encode(claims | {"exp": int(time.time() + JWT_EXPIRES_IN)}, JWT_SECRET)
                return web.json_response({"status": 1, "data": {"token": token}})
    raise web.HTTPUnauthorized


async def logout(request: web.BaseRequest) -> web.StreamResponse:
    user, _, jti = verify(request.headers.get("Authorization", ""))
    revoked.add(jti)
    for ws in [ws for ws in sockets if ws.ready and ws.owner == user]:
        ws.due = (4401, "logged out")
        ws.handler.cancel()  # no frame is handled any more, not even a buffered one (8.4)
    return web.json_response({"status": 1})


async def token(request: web.BaseRequest) -> web.StreamResponse:
    user, token = verify(request.headers.get("Authorization", ""))[0], secrets.token_urlsafe()
    tokens[token] = (user, time.monotonic() + TOKEN_EXPIRES_IN)
    asyncio.get_running_loop().call_later(TOKEN_EXPIRES_IN, tokens.pop, token, None)
    until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + TOKEN_EXPIRES_IN))
    data = {"token": token, "expiresIn": int(TOKEN_EXPIRES_IN * 1000), "expiresAt": until}
    return web.json_response({"status": 1, "data": data | {"reusable": False, "protocol": WIRE}})


async def demo(request: web.BaseRequest) -> web.StreamResponse:
    # In aiohttp, a pong has half a heartbeat, 16385 bytes are too many, and no write may wait here.
    ws = Socket(heartbeat=HEARTBEAT or None, compress=False, max_msg_size=16_385, writer_limit=1e99)
    version = request.headers.get("Sec-WebSocket-Version", "13")
    if version != "13" or not ws.can_prepare(request):
        raise web.HTTPBadRequest if version == "13" else web.HTTPUpgradeRequired
    offered = ",".join(request.headers.getall("Sec-WebSocket-Protocol", ()))
    offers = [offer.strip() for offer in offered.split(",")]
    given = request.query.getall("token", []) + [o[6:] for o in offers if o.startswith("token.")]
    ws.owner, until = tokens.pop(given[0] if len(given) == 1 else "", ("", 0.0))  # 3.4: one step
    if time.monotonic() >= until:
        raise web.HTTPUnauthorized
    if WIRE in offers:
        ws.headers["Sec-WebSocket-Protocol"] = WIRE  # aiohttp selects from one header line only
    ws.v1, ws.link, ws.handler = WIRE in offers, request.transport, asyncio.current_task()
    await ws.prepare(request)
    sockets[ws] = count(1)
    try:
        async with asyncio.timeout(INIT_TIMEOUT) as ws.clock:
            async for frame in ws:
                if not ws.closed:
                    await ws.handle(frame.data)
    except (web.HTTPException, ValueError, RecursionError) as error:
        ws.due = (4000 + getattr(error, "status", 400), "refused")
    except (TimeoutError, asyncio.CancelledError):
        pass  # its clock, or another task: "due" is set
    except Exception:
        logging.getLogger(NAME).exception("a message was not handled")
        ws.due = (1011, "internal error")
    del sockets[ws]
    if ws.v1 or ws.ready or ws.due[0] < 4400:
        await ws.close(code=ws.due[0], message=ws.due[1].encode(), drain=False)
    ws.link.abort()  # with no close frame, if none was sent (5.4)
    return ws


async def serve(request: web.BaseRequest) -> web.StreamResponse:
    """Admits origins (3.5, 4.2), and puts failures in the envelope (2.2)."""
    origin, headers = request.headers.get("Origin"), {"Cache-Control": "no-store", "Vary": "Origin"}
    if origin in origins:
        headers["Access-Control-Allow-Origin"] = origin
        headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type"
        headers["Access-Control-Expose-Headers"] = "Retry-After"
    if request.method == "OPTIONS":
        return web.Response(status=204, headers=headers)
    try:
        if not (route := routes.get(f"{request.method} {request.path}")):
            raise web.HTTPNotFound
        if origin is not None and origin not in origins:
            raise web.HTTPForbidden
        if stopping.is_set() and route in (token, demo):
            headers["Retry-After"] = str(1 + secrets.randbelow(10))
            raise web.HTTPServiceUnavailable
        response = await route(request)
    except web.HTTPException as error:
        headers |= HEADERS.get(error.status, {})
        response = web.json_response({"status": 0, "message": error.reason}, status=error.status)
    response.headers.update(headers)
    return response


async def main() -> None:
    if len(JWT_SECRET.encode()) < 32:
        raise SystemExit("JWT_SECRET is not set, or short: set it to a secret of 32 bytes or more")
    logging.getLogger("aiohttp").setLevel(logging.CRITICAL)  # it quotes requests (12.9)
    server, loop = web.Server(serve, access_log=None), asyncio.get_running_loop()
    listener = await loop.create_server(server, "127.0.0.1", int(getenv("PORT") or 8080))
    url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    origins.update(getenv("ORIGINS", f"{url},{url.replace('127.0.0.1', 'localhost')}").split(","))
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    print(f"listening on {url}", flush=True)
    _broadcasts = loop.create_task(every(BROADCAST_EVERY, "broadcast message"))
    _pings = loop.create_task(every(INDIVIDUAL_EVERY, "ping", is_own=True))
    await stopping.wait()
    for ws in [ws for ws in sockets if ws.ready and ws.v1]:
        delay = secrets.randbelow(int(1000 * max(DRAIN_TIMEOUT - 2, DRAIN_TIMEOUT / 4)))
        await ws.send(None, type="going-away", retryAfter=delay, deadline=int(DRAIN_TIMEOUT * 1000))
    if sockets:
        await asyncio.wait([ws.handler for ws in sockets], timeout=DRAIN_TIMEOUT)
    for ws in sockets:
        ws.due = (1012, f"retry-after={secrets.randbelow(10_000)}")
        ws.handler.cancel()
    await server.shutdown(1)


routes = {"POST /login": login, "POST /logout": logout, "GET /demo": demo}
routes |= {"POST /token/ws": token, "GET /token/ws": token}
asyncio.run(main())
