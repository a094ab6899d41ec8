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
import org.xnio.*;

/** A backend for two-stage sockets. Numbers in comments are sections of PROTOCOL.md, durations are in ms. */
public final class Server {
  static final String V1 = "two-stage.v1", ISSUER = "two-stage-socket-demo";
  static final Map<String, String> PASSWORDS = Map.of("ada", "ada", "bob", "bob");
  static final int MAX_FIRST_FRAME = 16_384, MAX_FRAME = 1 << 20, MAX_UNREAD = 1 << 20;
  static final int MAX_UNAUTHENTICATED = 1_000, MAX_MESSAGES_PER_SECOND = 200, NO_CLOSE_FRAME = 1006, CLOSE_TIMEOUT = 1_000;
  static final long JWT_EXPIRES_IN = duration("JWT_EXPIRES_IN", 3_600_000);
  static final long TOKEN_EXPIRES_IN = duration("TOKEN_EXPIRES_IN", 900_000);
  static final long INIT_TIMEOUT = duration("INIT_TIMEOUT", 10_000);
  static final long HEARTBEAT = duration("HEARTBEAT", 25_000);
  static final long DRAIN_TIMEOUT = duration("DRAIN_TIMEOUT", 10_000);
  static final Algorithm HS256 = Algorithm.HMAC256(setting("JWT_SECRET", "", ".{32,}"));
  static final JWTVerifier VERIFIER = JWT.require(HS256).withIssuer(ISSUER).withAudience(ISSUER)
      .withClaimPresence("sub").withClaimPresence("jti").withClaimPresence("exp").build();
  static final SecureRandom RANDOM = new SecureRandom();
  static final ObjectMapper JSON = new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS,
      DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS);

  static final Map<String, Ticket> tickets = new ConcurrentHashMap<>();
  static final Map<String, Instant> revoked = new ConcurrentHashMap<>();
  static final Set<Connection> open = ConcurrentHashMap.newKeySet(), ready = ConcurrentHashMap.newKeySet();
  static final AtomicLong broadcasts = new AtomicLong(), nextSlot = new AtomicLong();
  static volatile Set<String> origins = Set.of();
  static volatile long stopsAt;

  /** What a token stands for. */
  record Ticket(String user, Instant expiresAt) {}

  /** Ends a request with this HTTP status, or a socket with the close code that is 4000 more. */
  static final class Refused extends RuntimeException {
    final int status;

    Refused(int status, String message) {
      super(message);
      this.status = status;
    }
  }

  public static void main(String[] args) {
    Undertow undertow = Undertow.builder().addHttpListener((int) duration("PORT", 8080), "127.0.0.1")
        .setServerOption(UndertowOptions.ALLOW_UNESCAPED_CHARACTERS_IN_URL, true) // the one 401 for them: 4.3
        .setServerOption(UndertowOptions.DECODE_URL, false) // a token has nothing to decode: 3.4
        .setServerOption(UndertowOptions.MAX_ENTITY_SIZE, 16_384L).setHandler(Server::handle).build();
    undertow.start();
    String address = undertow.getListenerInfo().get(0).getAddress().toString().substring(1);
    String own = "http://" + address + ",http://" + address.replace("127.0.0.1", "localhost");
    origins = Set.of(setting("ORIGINS", own, ".+").split(","));
    XnioExecutor timer = undertow.getWorker().getIoThread();
    every(timer, duration("BROADCAST_EVERY", 5_000), () -> {
      String text = "broadcast message " + broadcasts.incrementAndGet();
      ready.forEach(c -> c.run(() -> c.say(text)));
    });
    every(timer, duration("INDIVIDUAL_EVERY", 5_000), () -> ready.forEach(c -> c.run(c::sendIndividual)));
    every(timer, HEARTBEAT, () -> ready.forEach(c -> c.run(c::checkLiveness)));
    every(timer, 1_000, () -> ready.forEach(c -> c.run(c::resetRate)));
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
      if (upgrade != path.equals("/demo")) throw new Refused(404, "not found");
      if (origin != null && !origins.contains(origin)) throw new Refused(403, "origin not allowed");
      if (origin != null) {
        http.getResponseHeaders().put(Headers.VARY, "Origin")
            .put(new HttpString("Access-Control-Allow-Origin"), origin)
            .put(new HttpString("Access-Control-Allow-Headers"), "Authorization, Content-Type")
            .put(new HttpString("Access-Control-Expose-Headers"), "Retry-After");
      }
      switch (http.getRequestMethod() + " " + path) {
        case "GET /demo" -> upgrade(http);
        case "POST /login" -> http.getRequestReceiver().receiveFullString(Server::login);
        case "GET /token/ws", "POST /token/ws" -> mint(http, bearer(http));
        case "POST /logout" -> logout(http, bearer(http));
        case "OPTIONS /login", "OPTIONS /token/ws", "OPTIONS /logout" -> http.setStatusCode(204).endExchange();
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
    String jwt = JWT.create().withIssuer(ISSUER).withAudience(ISSUER).withSubject(user)
        .withJWTId(UUID.randomUUID().toString()).withIssuedAt(Instant.now())
        .withExpiresAt(Instant.now().plusMillis(JWT_EXPIRES_IN)).sign(HS256);
    respond(http, 200, "Logged in", object().put("token", jwt));
  }

  static void mint(HttpServerExchange http, DecodedJWT jwt) {
    if (stopsAt > 0) throw new Refused(503, "stopping");
    byte[] secret = new byte[32];
    RANDOM.nextBytes(secret);
    String token = Base64.getUrlEncoder().withoutPadding().encodeToString(secret);
    Instant expiresAt = Instant.now().plusMillis(TOKEN_EXPIRES_IN);
    tickets.put(token, new Ticket(jwt.getSubject(), expiresAt));
    respond(http, 200, "Token generated successfully", object().put("token", token).put("reusable", false)
        .put("expiresIn", TOKEN_EXPIRES_IN).put("expiresAt", expiresAt.toString()).put("protocol", V1));
  }

  static void logout(HttpServerExchange http, DecodedJWT jwt) {
    revoked.put(jwt.getId(), jwt.getExpiresAtAsInstant());
    ready.stream().filter(c -> c.user.equals(jwt.getSubject()))
        .forEach(c -> c.run(() -> c.end(4401, "logged out")));
    respond(http, 200, "Logged out", null);
  }

  static void upgrade(HttpServerExchange http) throws Exception {
    if (stopsAt > 0 || open.size() - ready.size() >= MAX_UNAUTHENTICATED) throw new Refused(503, "busy");
    String offered = String.join(",", http.getRequestHeaders().eachValue(Headers.SEC_WEB_SOCKET_PROTOCOL));
    List<String> tokens = new ArrayList<>(http.getQueryParameters().getOrDefault("token", new ArrayDeque<>()));
    for (String entry : offered.trim().split("\\s*,\\s*")) {
      if (entry.startsWith("token.")) tokens.add(entry.substring("token.".length()));
    }
    Ticket ticket = tokens.size() == 1 ? tickets.remove(tokens.get(0)) : null; // one atomic step: 3.4
    if (ticket == null || !ticket.expiresAt.isAfter(Instant.now())) throw new Refused(401, "unauthorized");
    // Undertow reads one line of this header alone, and repeats the query in its answer.
    http.setQueryString("").getRequestHeaders().put(Headers.SEC_WEB_SOCKET_PROTOCOL, offered);
    WebSocketConnectionCallback opened = (request, channel) -> new Connection(ticket.user, channel);
    new WebSocketProtocolHandshakeHandler(List.of(new Hybi13Handshake(Set.of(V1), false)), opened)
        .handleRequest(http);
  }

  static DecodedJWT bearer(HttpServerExchange http) {
    String header = http.getRequestHeaders().getFirst(Headers.AUTHORIZATION);
    return verify(header != null && header.matches("(?i)bearer .+") ? header.substring(7).trim() : "");
  }

  /** All of 5.3 but the subject. */
  static DecodedJWT verify(String token) {
    try {
      DecodedJWT jwt = VERIFIER.verify(token);
      // The library itself would take a JWT for all of the second in which it expires.
      if (jwt.getExpiresAtAsInstant().isAfter(Instant.now()) && !revoked.containsKey(jwt.getId())) return jwt;
    } catch (JWTVerificationException e) { // says why, which is nobody's business
    }
    throw new Refused(401, "unauthorized");
  }

  static JsonNode parse(String text) {
    try {
      return JSON.readTree(text);
    } catch (JsonProcessingException e) {
      return MissingNode.getInstance();
    }
  }

  static ObjectNode object() {
    return JSON.createObjectNode();
  }

  static void respond(HttpServerExchange http, int status, String message, ObjectNode data) {
    HeaderMap headers = http.setStatusCode(status).getResponseHeaders();
    headers.put(Headers.CONTENT_TYPE, "application/json").put(Headers.CACHE_CONTROL, "no-store");
    ObjectNode body = object().put("status", status == 200 ? 1 : 0).put("message", message);
    if (status == 401) headers.put(Headers.WWW_AUTHENTICATE, "Bearer");
    if (status == 503) {
      long retryAfter = retryAfter();
      headers.put(Headers.RETRY_AFTER, (retryAfter + 999) / 1_000);
      body.putObject("data").put("retryAfter", retryAfter);
    }
    if (data != null) body.set("data", data);
    http.getResponseSender().send(body.toString());
  }

  /** Gives everybody who is sent away a slot of their own, 100 a second: 3.3, rule 3. */
  static long retryAfter() {
    long now = System.currentTimeMillis();
    return 1_000 + nextSlot.updateAndGet(next -> Math.max(next, now) + 10) - now;
  }

  static void drain() {
    stopsAt = System.currentTimeMillis() + DRAIN_TIMEOUT;
    ready.forEach(c -> c.run(c::announceStop));
    awaitClosed(stopsAt);
    open.forEach(c -> c.run(() -> c.end(1012, "retry-after=" + retryAfter())));
    awaitClosed(stopsAt + 2_000);
  }

  static void awaitClosed(long deadline) {
    while (!open.isEmpty() && System.currentTimeMillis() < deadline) LockSupport.parkNanos(10_000_000);
  }

  static void every(XnioExecutor timer, long interval, Runnable task) {
    if (interval > 0) timer.executeAtInterval(task, interval, TimeUnit.MILLISECONDS);
  }

  static String setting(String name, String fallback, String pattern) {
    String value = System.getenv().getOrDefault(name, fallback);
    if (!value.matches(pattern)) {
      System.err.println(name + ": set it to something that matches " + pattern);
      System.exit(1);
    }
    return value;
  }

  static long duration(String name, long fallback) {
    return Long.parseLong(setting(name, Long.toString(fallback), "\\d{1,12}"));
  }

  /** One socket. All of it runs on the I/O thread of its channel, so nothing here needs a lock. */
  static final class Connection extends AbstractReceiveListener implements WebSocketCallback<Integer> {
    final String user;
    final WebSocketChannel channel;
    final boolean v1;
    XnioExecutor.Key deadline;
    boolean ended, awaitsPong;
    long unread, individuals, messages;

    Connection(String user, WebSocketChannel channel) {
      this.user = user;
      this.channel = channel;
      v1 = V1.equals(channel.getSubProtocol());
      deadline = after(INIT_TIMEOUT, () -> refuse(4408, "init timeout"));
      open.add(this);
      channel.addCloseTask(closed -> {
        end(NO_CLOSE_FRAME, "");
        open.remove(this);
      });
      channel.getReceiveSetter().set(this);
      channel.resumeReceives();
    }

    @Override
    protected long getMaxTextBufferSize() {
      return ready.contains(this) ? MAX_FRAME : MAX_FIRST_FRAME;
    }

    @Override
    protected long getMaxBinaryBufferSize() {
      return getMaxTextBufferSize();
    }

    @Override
    protected void onFullTextMessage(WebSocketChannel channel, BufferedTextMessage message) {
      receive(message.getData(), null);
    }

    @Override
    protected void onFullBinaryMessage(WebSocketChannel channel, BufferedBinaryMessage message) {
      ByteBuffer bytes = WebSockets.mergeBuffers(message.getData().getResource());
      message.getData().free();
      receive(null, bytes);
    }

    @Override
    protected void onFullPongMessage(WebSocketChannel channel, BufferedBinaryMessage message) {
      message.getData().free();
      awaitsPong = false;
    }

    /** Undertow sends 1007 and 1009 by itself, and a client has to get to read them. */
    @Override
    protected void onError(WebSocketChannel channel, Throwable error) {
      end(channel.isCloseFrameSent() ? channel.getCloseCode() : NO_CLOSE_FRAME, "");
    }

    void receive(String text, ByteBuffer bytes) {
      if (ended) return; // 8, rule 4
      boolean isReady = ready.contains(this);
      try {
        if (isReady && ++messages > MAX_MESSAGES_PER_SECOND) {
          throw new Refused(429, "too many messages retry-after=" + retryAfter());
        }
        if (isReady && bytes != null) {
          if (mayWrite(bytes.remaining())) WebSockets.sendBinary(bytes, channel, this, bytes.remaining());
        } else if (isReady && !v1) {
          say("echo: " + text);
        } else {
          control(text == null ? MissingNode.getInstance() : parse(text), isReady);
        }
      } catch (Refused refused) {
        end(v1 || isReady ? 4_000 + refused.status : NO_CLOSE_FRAME, refused.getMessage());
      }
    }

    void control(JsonNode frame, boolean isReady) {
      String type = frame.path("type").textValue(), token = frame.path("token").textValue();
      if (type == null || (type.equals("jwt") ? token == null : !isReady)) throw new Refused(400, "invalid");
      switch (type) {
        case "jwt" -> authenticate(token);
        case "ping" -> send(object().put("type", "pong").toString());
        case "message" -> {
          JsonNode data = frame.path("data");
          say(data.isTextual() ? "echo: " + data.textValue() : data);
        }
        default -> {} // 7.6
      }
    }

    /** Never waits. If it did, receives would have to be suspended meanwhile: 5.2, rule 2. */
    void authenticate(String token) {
      DecodedJWT jwt = verify(token);
      if (!user.equals(jwt.getSubject())) throw new Refused(403, "forbidden");
      long expiresIn = jwt.getExpiresAt().getTime() - System.currentTimeMillis();
      send(!v1 ? "authentication successful" : object().put("type", "ready").put("user", user)
          .put("expiresIn", expiresIn).put("heartbeat", HEARTBEAT).toString());
      deadline.remove();
      deadline = after(expiresIn, () -> end(4401, "the JWT expired"));
      if (ready.add(this) && stopsAt > 0) announceStop();
      if (revoked.containsKey(jwt.getId())) end(4401, "logged out"); // since it was verified
    }

    void sendIndividual() {
      say("ping " + ++individuals);
    }

    void resetRate() {
      messages = 0;
    }

    void checkLiveness() {
      if (awaitsPong) end(NO_CLOSE_FRAME, "");
      awaitsPong = true;
      if (!ended) WebSockets.sendPing(ByteBuffer.allocate(0), channel, null);
    }

    void announceStop() {
      long left = stopsAt - System.currentTimeMillis();
      long retryAfter = ThreadLocalRandom.current().nextLong(Math.max(left - 2_000, 1));
      if (v1) {
        send(object().put("type", "going-away").put("retryAfter", retryAfter).put("deadline", left).toString());
      }
    }

    void say(Object value) {
      send(v1 ? object().put("type", "message").putPOJO("data", value).toString() : value.toString());
    }

    void send(String text) {
      if (mayWrite(text.length())) WebSockets.sendText(text, channel, this, text.length());
    }

    boolean mayWrite(int size) {
      if (unread > MAX_UNREAD) end(NO_CLOSE_FRAME, "");
      unread += size;
      return !ended;
    }

    @Override
    public void complete(WebSocketChannel channel, Integer size) {
      unread -= size;
    }

    @Override
    public void onError(WebSocketChannel channel, Integer size, Throwable error) {
      unread -= size;
    }

    void run(Runnable task) {
      channel.getIoThread().execute(task);
    }

    XnioExecutor.Key after(long delay, Runnable task) {
      return channel.getIoThread().executeAfter(task, delay, TimeUnit.MILLISECONDS);
    }

    void refuse(int code, String reason) {
      end(v1 ? code : NO_CLOSE_FRAME, reason);
    }

    void end(int code, String reason) {
      if (ended) return;
      ended = true;
      ready.remove(this);
      deadline.remove();
      if (code == NO_CLOSE_FRAME) {
        IoUtils.safeClose(channel);
        return;
      }
      if (!channel.isCloseFrameSent()) WebSockets.sendClose(code, reason, channel, null);
      after(CLOSE_TIMEOUT, () -> IoUtils.safeClose(channel));
    }
  }
}
