import static java.nio.charset.StandardCharsets.UTF_8;

import com.auth0.jwt.*;
import com.auth0.jwt.algorithms.Algorithm;
import com.auth0.jwt.exceptions.JWTVerificationException;
import com.auth0.jwt.interfaces.DecodedJWT;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.*;
import com.fasterxml.jackson.databind.node.*;
import io.undertow.*;
import io.undertow.server.HttpServerExchange;
import io.undertow.util.*;
import io.undertow.websockets.*;
import io.undertow.websockets.core.*;
import io.undertow.websockets.core.protocol.version13.Hybi13Handshake;
import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.xnio.*;

/** A server for two-stage sockets. Numbers in comments are sections of PROTOCOL.md, durations are in ms. */
public final class Server {
  static final String V1 = "two-stage.v1", ISSUER = "two-stage-socket-demo";
  static final Map<String, String> PASSWORDS = Map.of("ada", "ada", "bob", "bob");
  static final int MAX_FIRST_FRAME = 16_384, MAX_FRAME = 1 << 20, MAX_UNREAD = 1 << 20, MAX_BODY = 16_384;
  static final int MAX_UNAUTHENTICATED = 1_000, MAX_MESSAGES_PER_SECOND = 200;
  static final int CLOSE_TIMEOUT = 1_000, NO_CLOSE_FRAME = 1006;
  static final long JWT_LIFE = duration("JWT_EXPIRES_IN", 3_600_000);
  static final long TOKEN_LIFE = duration("TOKEN_EXPIRES_IN", 900_000);
  static final long INIT_TIMEOUT = duration("INIT_TIMEOUT", 10_000);
  static final long HEARTBEAT = duration("HEARTBEAT", 25_000);
  static final long BROADCAST_EVERY = duration("BROADCAST_EVERY", 5_000);
  static final long INDIVIDUAL_EVERY = duration("INDIVIDUAL_EVERY", 5_000);
  static final long DRAIN_TIMEOUT = duration("DRAIN_TIMEOUT", 10_000);
  static final Algorithm HS256 = Algorithm.HMAC256(setting("JWT_SECRET", "", ".{32,}"));
  static final JWTVerifier VERIFIER = JWT.require(HS256).withIssuer(ISSUER).withAudience(ISSUER)
      .withClaimPresence("sub").withClaimPresence("jti").withClaimPresence("exp").build();
  static final SecureRandom RANDOM = new SecureRandom();
  static final ObjectMapper JSON = new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS,
      DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS);

  static final Map<String, Ticket> tickets = new ConcurrentHashMap<>(); // by token
  static final Map<String, Instant> revoked = new ConcurrentHashMap<>(); // expiry by JWT ID
  static final Set<Connection> open = ConcurrentHashMap.newKeySet(), ready = ConcurrentHashMap.newKeySet();
  static final AtomicLong broadcasts = new AtomicLong(), nextSlot = new AtomicLong();
  static volatile Set<String> origins = Set.of();
  static volatile long stopsAt; // 0 while it does not stop

  /** What a token stands for. */
  record Ticket(String user, Instant expiresAt) {}

  /** Ends a request with an HTTP status, or a socket with the close code that is 4000 more. */
  static final class Refused extends RuntimeException {
    final int status;

    Refused(int status, String message) {
      super(message);
      this.status = status;
    }
  }

  public static void main(String[] args) {
    Undertow undertow = Undertow.builder().addHttpListener((int) duration("PORT", 8080), "127.0.0.1")
        .setServerOption(UndertowOptions.ALLOW_UNESCAPED_CHARACTERS_IN_URL, true) // to have the 401: 4.3
        .setServerOption(UndertowOptions.MAX_ENTITY_SIZE, (long) MAX_BODY).setHandler(Server::handle).build();
    undertow.start();
    String address = undertow.getListenerInfo().get(0).getAddress().toString().substring(1);
    String own = "http://" + address + ",http://" + address.replace("127.0.0.1", "localhost");
    origins = Set.of(setting("ORIGINS", own, ".+").split(","));
    XnioExecutor timer = undertow.getWorker().getIoThread();
    every(timer, BROADCAST_EVERY, () -> {
      String text = "broadcast message " + broadcasts.incrementAndGet();
      forAll(ready, c -> c.say(text));
    });
    every(timer, INDIVIDUAL_EVERY, () -> forAll(ready, c -> c.say("ping " + ++c.pings)));
    every(timer, HEARTBEAT, () -> forAll(ready, Connection::checkLiveness));
    every(timer, 1_000, () -> forAll(ready, c -> c.messages = 0));
    every(timer, 60_000, () -> {
      tickets.values().removeIf(ticket -> ticket.expiresAt.isBefore(Instant.now()));
      revoked.values().removeIf(expiresAt -> expiresAt.isBefore(Instant.now()));
    });
    Runtime.getRuntime().addShutdownHook(new Thread(Server::drain));
    System.out.println("listening on http://" + address);
  }

  static void handle(HttpServerExchange http) throws Exception {
    HeaderMap headers = http.getRequestHeaders();
    String path = http.getRequestPath(), origin = headers.getFirst(Headers.ORIGIN);
    boolean upgrade = "websocket".equalsIgnoreCase(headers.getFirst(Headers.UPGRADE));
    try {
      if (upgrade && !path.equals("/demo")) throw new Refused(404, "not found");
      if (origin != null && !origins.contains(origin)) throw new Refused(403, "origin not allowed");
      if (origin != null) {
        http.getResponseHeaders().put(new HttpString("Access-Control-Allow-Origin"), origin)
            .put(new HttpString("Access-Control-Allow-Headers"), "Authorization, Content-Type")
            .put(new HttpString("Access-Control-Expose-Headers"), "Retry-After").put(Headers.VARY, "Origin");
      }
      if (http.getRequestContentLength() > MAX_BODY) throw new Refused(413, "too large");
      switch (http.getRequestMethod() + " " + path) {
        case "GET /demo" -> upgrade(http, upgrade && headers.contains(Headers.SEC_WEB_SOCKET_KEY));
        case "GET /token/ws", "POST /token/ws" -> mint(http, bearer(http));
        case "POST /login" -> http.getRequestReceiver().receiveFullString(Server::login, UTF_8);
        case "POST /logout" -> logout(http, bearer(http));
        case "OPTIONS /token/ws", "OPTIONS /login", "OPTIONS /logout" -> http.setStatusCode(204);
        default -> throw new Refused(404, "not found");
      }
    } catch (Refused refused) {
      respond(http, refused.status, refused.getMessage(), null);
    }
  }

  static void login(HttpServerExchange http, String body) {
    JsonNode form = parse(body);
    String user = form.path("username").asText();
    if (!form.path("password").asText().equals(PASSWORDS.get(user))) {
      respond(http, 401, "wrong username or password", null);
      return;
    }
    Instant now = Instant.now();
    String jwt = JWT.create().withIssuer(ISSUER).withAudience(ISSUER).withSubject(user).withIssuedAt(now)
        .withExpiresAt(now.plusMillis(JWT_LIFE)).withJWTId(UUID.randomUUID().toString()).sign(HS256);
    respond(http, 200, "Logged in", object().put("token", jwt));
  }

  static void mint(HttpServerExchange http, DecodedJWT jwt) {
    if (stopsAt > 0) throw new Refused(503, "stopping");
    byte[] secret = new byte[32];
    RANDOM.nextBytes(secret);
    String token = Base64.getUrlEncoder().withoutPadding().encodeToString(secret);
    Instant expiresAt = Instant.now().plusMillis(TOKEN_LIFE);
    tickets.put(token, new Ticket(jwt.getSubject(), expiresAt));
    respond(http, 200, "Token generated successfully", object().put("token", token).put("reusable", false)
        .put("expiresIn", TOKEN_LIFE).put("expiresAt", expiresAt.toString()).put("protocol", V1));
  }

  static void logout(HttpServerExchange http, DecodedJWT jwt) {
    revoked.put(jwt.getId(), jwt.getExpiresAtAsInstant());
    forAll(ready, c -> {
      if (c.user.equals(jwt.getSubject())) c.end(4401, "logged out");
    });
    respond(http, 200, "Logged out", null);
  }

  /** Checks what 4.2 has after the path and the origin, in its order. */
  static void upgrade(HttpServerExchange http, boolean isHandshake) throws Exception {
    HeaderMap headers = http.getRequestHeaders();
    if (stopsAt > 0 || open.size() - ready.size() >= MAX_UNAUTHENTICATED) throw new Refused(503, "busy");
    if (!isHandshake) throw new Refused(400, "no WebSocket handshake");
    if (!"13".equals(headers.getFirst(Headers.SEC_WEB_SOCKET_VERSION))) throw new Refused(426, "use 13");
    String offered = String.join(",", headers.eachValue(Headers.SEC_WEB_SOCKET_PROTOCOL));
    Deque<String> tokens = http.getQueryParameters().getOrDefault("token", new ArrayDeque<>());
    for (String entry : offered.trim().split("\\s*,\\s*")) {
      if (entry.startsWith("token.")) tokens.add(entry.substring("token.".length()));
    }
    Ticket ticket = tokens.size() == 1 ? tickets.remove(tokens.getFirst()) : null; // one atomic step: 3.4
    if (ticket == null || !ticket.expiresAt.isAfter(Instant.now())) throw new Refused(401, "unauthorized");
    headers.put(Headers.SEC_WEB_SOCKET_PROTOCOL, offered); // Undertow looks at the first line alone
    http.setQueryString(""); // or else Undertow repeats it, and the token, in a header of the answer
    WebSocketConnectionCallback opened = (request, channel) -> new Connection(ticket.user, channel);
    new WebSocketProtocolHandshakeHandler(Set.of(new Hybi13Handshake(Set.of(V1), false)), opened)
        .handleRequest(http);
  }

  static DecodedJWT bearer(HttpServerExchange http) {
    String header = http.getRequestHeaders().getFirst(Headers.AUTHORIZATION);
    return verify(header != null && header.matches("(?i)bearer .+") ? header.substring(7).trim() : "");
  }

  /** Checks what 5.3 asks for, except that the subject is the right one. */
  static DecodedJWT verify(String token) {
    try {
      DecodedJWT jwt = VERIFIER.verify(token);
      // The library accepts a JWT until the end of the second in which it expires.
      if (jwt.getExpiresAtAsInstant().isAfter(Instant.now()) && !revoked.containsKey(jwt.getId())) return jwt;
    } catch (JWTVerificationException e) {
      // It is not said what was wrong with it.
    }
    throw new Refused(401, "unauthorized");
  }

  static void respond(HttpServerExchange http, int status, String message, ObjectNode data) {
    HeaderMap headers = http.setStatusCode(status).getResponseHeaders();
    headers.put(Headers.CONTENT_TYPE, "application/json").put(Headers.CACHE_CONTROL, "no-store");
    ObjectNode body = object().put("status", status == 200 ? 1 : 0).put("message", message);
    if (data != null) body.set("data", data);
    if (status == 401) headers.put(Headers.WWW_AUTHENTICATE, "Bearer");
    if (status == 426) headers.put(Headers.SEC_WEB_SOCKET_VERSION, "13");
    if (status == 503) {
      long retryAfter = retryAfter();
      headers.put(Headers.RETRY_AFTER, (retryAfter + 999) / 1_000);
      body.putObject("data").put("retryAfter", retryAfter);
    }
    http.getResponseSender().send(body.toString());
  }

  /** Stops gracefully: 10.5. The process exits when this returns. */
  static void drain() {
    stopsAt = System.currentTimeMillis() + DRAIN_TIMEOUT;
    forAll(ready, Connection::announceStop);
    awaitAllClosed(stopsAt);
    forAll(open, c -> c.end(1012, "retry-after=" + retryAfter()));
    awaitAllClosed(stopsAt + 2 * CLOSE_TIMEOUT);
  }

  static void awaitAllClosed(long deadline) {
    while (!open.isEmpty() && System.currentTimeMillis() < deadline) LockSupport.parkNanos(10_000_000L);
  }

  /** Gives everybody who is sent away a slot of their own, 100 in a second: 3.3, rule 3. */
  static long retryAfter() {
    long now = System.currentTimeMillis();
    return 1_000 + nextSlot.updateAndGet(next -> Math.max(next, now) + 10) - now;
  }

  /** Acts on each connection on that connection's own thread, and waits for none of them. */
  static void forAll(Set<Connection> connections, Consumer<Connection> action) {
    connections.forEach(c -> c.channel.getIoThread().execute(() -> action.accept(c)));
  }

  static void every(XnioExecutor timer, long interval, Runnable task) {
    if (interval > 0) timer.executeAtInterval(task, interval, TimeUnit.MILLISECONDS);
  }

  static ObjectNode object() { return JSON.createObjectNode(); }

  static JsonNode parse(String text) {
    try {
      return JSON.readTree(text);
    } catch (JsonProcessingException e) {
      return MissingNode.getInstance();
    }
  }

  static long duration(String name, long preset) {
    return Long.parseLong(setting(name, Long.toString(preset), "\\d{1,12}"));
  }

  static String setting(String name, String preset, String pattern) {
    String value = System.getenv().getOrDefault(name, preset);
    if (value.matches(pattern)) return value;
    System.err.println("Set the environment variable " + name + " to something that matches " + pattern);
    System.exit(1);
    return null;
  }

  /** A socket. All of it runs on the I/O thread of its channel, so nothing here needs a lock. */
  static final class Connection extends AbstractReceiveListener implements WebSocketCallback<Integer> {
    final String user;
    final WebSocketChannel channel;
    final boolean v1;
    XnioExecutor.Key deadline; // of the init stage, then of the JWT
    boolean ended, awaitsPong;
    long pings, messages, unread;

    Connection(String user, WebSocketChannel channel) {
      this.user = user;
      this.channel = channel;
      v1 = V1.equals(channel.getSubProtocol());
      deadline = after(INIT_TIMEOUT, () -> refuse(4408, "init timeout"));
      open.add(this);
      channel.addCloseTask(closed -> end(NO_CLOSE_FRAME, ""));
      channel.addCloseTask(closed -> open.remove(this));
      channel.getReceiveSetter().set(this);
      channel.resumeReceives();
    }

    @Override protected void onFullTextMessage(WebSocketChannel channel, BufferedTextMessage message) {
      receive(message.getData(), null);
    }

    @Override protected void onFullBinaryMessage(WebSocketChannel channel, BufferedBinaryMessage message) {
      ByteBuffer bytes = WebSockets.mergeBuffers(message.getData().getResource());
      message.getData().free();
      receive(null, bytes);
    }

    /** Takes a message: a text, or bytes if there is none. */
    void receive(String text, ByteBuffer bytes) {
      if (ended) return; // 8, rule 4
      try {
        if (isReady() && ++messages > MAX_MESSAGES_PER_SECOND) {
          throw new Refused(429, "too many messages retry-after=" + retryAfter());
        }
        if (!isReady() || v1 && text != null) {
          handle(text == null ? MissingNode.getInstance() : parse(text));
        } else if (text != null) {
          say("echo: " + text);
        } else if (mayWrite(bytes.remaining())) {
          WebSockets.sendBinary(bytes, channel, this, bytes.remaining());
        }
      } catch (Refused refused) {
        refuse(4_000 + refused.status, refused.getMessage());
      } catch (RuntimeException e) {
        end(1011, "internal error");
        throw e;
      }
    }

    void handle(JsonNode frame) {
      String type = frame.path("type").textValue(), token = frame.path("token").textValue();
      boolean valid = type != null && (type.equals("jwt") ? token != null : isReady());
      if (!valid) throw new Refused(400, isReady() ? "invalid message" : "no init payload");
      JsonNode data = frame.path("data");
      switch (type) {
        case "jwt" -> authenticate(token);
        case "ping" -> send(object().put("type", "pong").toString());
        case "message" -> say(data.isTextual() ? "echo: " + data.textValue() : data);
        default -> { } // 7.6
      }
    }

    /** Gives the verdict at once. Had it to be waited for, the channel's receives would be suspended: 5.2. */
    void authenticate(String token) {
      DecodedJWT jwt = verify(token);
      if (!user.equals(jwt.getSubject())) throw new Refused(403, "forbidden");
      long expiresIn = jwt.getExpiresAt().getTime() - System.currentTimeMillis();
      send(!v1 ? "authentication successful" : object().put("type", "ready").put("user", user)
          .put("expiresIn", expiresIn).put("heartbeat", HEARTBEAT).toString());
      deadline.remove();
      deadline = after(expiresIn, () -> end(4401, "the JWT expired"));
      if (ready.add(this) && stopsAt > 0) announceStop();
      if (revoked.containsKey(jwt.getId())) end(4401, "logged out"); // while it was not in ready yet
    }

    void say(Object value) {
      send(v1 ? object().put("type", "message").putPOJO("data", value).toString() : value.toString());
    }

    void send(String text) {
      if (mayWrite(text.length())) WebSockets.sendText(text, channel, this, text.length());
    }

    /** Writing never waits. Whoever leaves too much of it unread is cut off: 10.4. */
    boolean mayWrite(int size) {
      if (unread > MAX_UNREAD) end(NO_CLOSE_FRAME, "");
      if (!ended) unread += size;
      return !ended;
    }

    @Override public void complete(WebSocketChannel channel, Integer size) { unread -= size; }
    @Override public void onError(WebSocketChannel channel, Integer size, Throwable error) { unread -= size; }

    void announceStop() {
      long left = stopsAt - System.currentTimeMillis(), window = Math.max(left - 2_000, 1); // 7.5
      if (v1) send(object().put("type", "going-away").put("deadline", left)
          .put("retryAfter", ThreadLocalRandom.current().nextLong(window)).toString());
    }

    void checkLiveness() {
      if (awaitsPong) end(NO_CLOSE_FRAME, "");
      if (!ended) WebSockets.sendPing(ByteBuffer.allocate(0), channel, null);
      awaitsPong = true;
    }

    @Override protected void onFullPongMessage(WebSocketChannel channel, BufferedBinaryMessage message) {
      message.getData().free();
      awaitsPong = false;
    }

    @Override protected long getMaxTextBufferSize() {
      return ended || isReady() ? MAX_FRAME : MAX_FIRST_FRAME;
    }

    @Override protected long getMaxBinaryBufferSize() { return getMaxTextBufferSize(); }
    @Override protected void onCloseMessage(CloseMessage message, WebSocketChannel channel) { end(1000, ""); }

    /** After a 1007 or a 1009, which Undertow sends by itself, the client needs time to read it. */
    @Override protected void onError(WebSocketChannel channel, Throwable error) {
      end(channel.isCloseFrameSent() ? channel.getCloseCode() : NO_CLOSE_FRAME, "");
    }

    boolean isReady() { return ready.contains(this); }

    XnioExecutor.Key after(long delay, Runnable task) {
      return channel.getIoThread().executeAfter(task, delay, TimeUnit.MILLISECONDS);
    }

    /** Ends it with no close frame if that is what the original wire asks for: 5.4. */
    void refuse(int code, String reason) { end(v1 || isReady() ? code : NO_CLOSE_FRAME, reason); }

    void end(int code, String reason) {
      if (ended) return;
      ended = true;
      ready.remove(this);
      deadline.remove();
      boolean closes = code != NO_CLOSE_FRAME;
      if (closes && !channel.isCloseFrameSent()) WebSockets.sendClose(code, reason, channel, null);
      after(closes ? CLOSE_TIMEOUT : 0, () -> IoUtils.safeClose(channel));
    }
  }
}
