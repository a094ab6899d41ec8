import com.auth0.jwt.*;
import com.auth0.jwt.algorithms.Algorithm;
import com.auth0.jwt.exceptions.JWTVerificationException;
import io.netty.channel.*;
import io.netty.handler.codec.http.websocketx.*;
import io.vertx.core.*;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.*;
import io.vertx.core.json.*;
import io.vertx.core.net.impl.ConnectionBase;
import io.vertx.ext.web.*;
import io.vertx.ext.web.handler.*;
import java.util.*;

/** A server for two-stage sockets, all of it on one event loop. Comments cite sections of PROTOCOL.md. */
public final class Server extends VerticleBase {
  static final String V1 = "two-stage.v1", NAME = "two-stage-socket-demo", OFFER = "Sec-WebSocket-Protocol";
  static final Map<String, String> PASSWORDS = Map.of("ada", "ada", "bob", "bob");
  static final int MAX_FRAME = 16_384, MAX_UNREAD = 1 << 20, CLOSE_TIMEOUT = 1_000, NO_CLOSE_FRAME = 1006;
  static final long JWT_LIFE = ms("JWT_EXPIRES_IN", 3_600_000), TOKEN_LIFE = ms("TOKEN_EXPIRES_IN", 900_000);
  static final long INIT_TIMEOUT = ms("INIT_TIMEOUT", 10_000), DRAIN_TIMEOUT = ms("DRAIN_TIMEOUT", 10_000);
  static final long HEARTBEAT = ms("HEARTBEAT", 25_000), BROADCAST_EVERY = ms("BROADCAST_EVERY", 5_000);

  record Ticket(String user, Date expiresAt) {}
  final Map<String, Ticket> tickets = new HashMap<>(); // by token
  final Set<String> revoked = new HashSet<>(); // JWT IDs
  final Set<Connection> open = new HashSet<>();
  final Algorithm hs256 = Algorithm.HMAC256(env("JWT_SECRET", null));
  final JWTVerifier verifier = JWT.require(hs256).withIssuer(NAME).withAudience(NAME).withClaimPresence("sub")
      .withClaim("exp", (exp, jwt) -> exp.asDate().after(new Date()))
      .withClaim("jti", (jti, jwt) -> !revoked.contains(jti.asString())).build();
  long broadcasts;
  boolean isStopping;

  @Override public Future<?> start() {
    vertx.setPeriodic(HEARTBEAT, id -> ready().forEach(c -> {
      if (c.awaitsPong) c.end(NO_CLOSE_FRAME, "");
      c.awaitsPong = true;
      c.ws.writePing(Buffer.buffer());
    }));
    vertx.setPeriodic(BROADCAST_EVERY, id -> {
      broadcasts++;
      ready().forEach(c -> c.say("broadcast message " + broadcasts));
      ready().forEach(c -> c.say("ping " + ++c.pings));
    });
    HttpServerOptions options = new HttpServerOptions().setWebSocketSubProtocols(List.of(V1))
        .setMaxInitialLineLength(16_384).setMaxWebSocketFrameSize(MAX_FRAME)
        .setPerFrameWebSocketCompressionSupported(false).setPerMessageWebSocketCompressionSupported(false);
    Router router = Router.router(vertx);
    return vertx.createHttpServer(options).requestHandler(router).listen((int) ms("PORT", 8080), "127.0.0.1")
        .onSuccess(server -> addRoutes(router, "http://127.0.0.1:" + server.actualPort()));
  }

  @Override public Future<?> stop() { // 10.5
    isStopping = true;
    ready().stream().filter(c -> c.v1).forEach(c -> c.send(JsonObject.of("type", "going-away",
        "deadline", DRAIN_TIMEOUT, "retryAfter", random(Math.max(DRAIN_TIMEOUT - 2_000, 0))))); // 7.5
    vertx.setTimer(DRAIN_TIMEOUT, id -> open.forEach(c -> c.end(1012, "retry-after=" + random(10_000))));
    return Future.join(open.stream().map(c -> c.closed.future()).toList());
  }

  void addRoutes(Router router, String url) {
    router.routeWithRegex("/demo|/token/ws|/login|/logout").handler(CorsHandler.create()
        .addOrigins(List.of(env("ORIGINS", url + "," + url.replace("127.0.0.1", "localhost")).split(",")))
        .allowedHeaders(Set.of("Authorization", "Content-Type")).exposedHeader("Retry-After"))
        .failureHandler(http -> answer(http, http.statusCode() == 500 ? 401 : http.statusCode(), null));
    router.post("/login").handler(BodyHandler.create(false).setBodyLimit(MAX_FRAME)).handler(http -> {
      JsonObject form = http.body().asJsonObject();
      String user = form.getString("username"), password = form.getString("password");
      if (!password.equals(PASSWORDS.get(user))) throw new HttpException(401);
      String jwt = JWT.create().withIssuer(NAME).withAudience(NAME).withSubject(user)
          .withJWTId("" + UUID.randomUUID()).withExpiresAt(in(JWT_LIFE)).sign(hs256);
      answer(http, 200, JsonObject.of("token", jwt));
    });
    router.post("/logout").handler(http -> {
      var jwt = verifier.verify(bearer(http));
      revoked.add(jwt.getId());
      vertx.setTimer(JWT_LIFE, id -> revoked.remove(jwt.getId()));
      ready().stream().filter(c -> c.user.equals(jwt.getSubject())).forEach(c -> c.end(4401, "logged out"));
      answer(http, 200, null);
    });
    router.route("/token/ws").method(HttpMethod.GET).method(HttpMethod.POST).handler(http -> {
      var jwt = verifier.verify(bearer(http));
      if (isStopping) throw new HttpException(503);
      String token = UUID.randomUUID() + "-" + UUID.randomUUID(); // 244 random bits: 3.4
      Ticket ticket = new Ticket(jwt.getSubject(), in(TOKEN_LIFE));
      tickets.put(token, ticket);
      vertx.setTimer(TOKEN_LIFE, id -> tickets.remove(token));
      answer(http, 200, JsonObject.of("token", token, "reusable", false, "expiresIn", TOKEN_LIFE,
          "expiresAt", ticket.expiresAt.toInstant().toString(), "protocol", V1));
    });
    router.getWithRegex("/demo").handler(http -> {
      if (isStopping) throw new HttpException(503);
      String offer = String.join(",", http.request().headers().getAll(OFFER));
      List<String> tokens = new ArrayList<>(http.request().params().getAll("token"));
      tokens.addAll(Arrays.stream(offer.trim().split("\\s*,\\s*")).filter(o -> o.startsWith("token."))
          .map(o -> o.substring("token.".length())).toList());
      Ticket ticket = tokens.size() == 1 ? tickets.remove(tokens.get(0)) : null; // one step: 3.4
      if (ticket == null || !ticket.expiresAt.after(new Date())) throw new HttpException(401);
      http.request().headers().set(OFFER, offer); // Vert.x looks at the first line alone
      ChannelPipeline netty = ((ConnectionBase) http.request().connection()).channel().pipeline();
      http.request().toWebSocket().onSuccess(ws -> open.add(new Connection(ticket.user, ws, netty)));
    });
    System.out.println("listening on " + url);
  }

  void answer(RoutingContext http, int status, JsonObject data) {
    HttpServerResponse reply = http.response().setStatusCode(status).putHeader("Cache-Control", "no-store");
    if (status == 401) reply.putHeader("WWW-Authenticate", "Bearer");
    if (status == 503) reply.putHeader("Retry-After", "" + (1 + random(10)));
    JsonObject body = JsonObject.of("status", status == 200 ? 1 : 0, "message", reply.getStatusMessage());
    http.json(data == null ? body : body.put("data", data));
  }

  static String bearer(RoutingContext http) {
    String header = String.valueOf(http.request().getHeader("Authorization"));
    return header.matches("(?i)bearer .+") ? header.substring(7).trim() : null;
  }

  static String env(String name, String preset) { return System.getenv().getOrDefault(name, preset); }
  static long ms(String name, long preset) { return Long.parseLong(env(name, "" + preset)); }
  static Date in(long ms) { return new Date(System.currentTimeMillis() + ms); }
  static long random(long bound) { return (long) (Math.random() * bound); }
  List<Connection> ready() { return open.stream().filter(c -> c.isReady && !c.isEnded).toList(); }

  final class Connection extends ChannelInboundHandlerAdapter {
    final Promise<Void> closed = Promise.promise();
    final String user;
    final ServerWebSocket ws;
    final ChannelHandlerContext netty;
    final boolean v1;
    boolean isReady, isEnded, awaitsPong;
    long pings, deadline = vertx.setTimer(INIT_TIMEOUT, id -> end(4408, "init timeout")); // later the JWT's

    Connection(String user, ServerWebSocket ws, ChannelPipeline pipeline) {
      this.user = user;
      this.ws = ws;
      v1 = V1.equals(ws.subProtocol());
      netty = pipeline.addBefore("handler", null, new Utf8FrameValidator(false)).addBefore("handler", null,
          new WebSocketFrameAggregator(MAX_FRAME)).addBefore("handler", null, this).context(this);
      ws.setWriteQueueMaxSize(MAX_UNREAD).pongHandler(pong -> awaitsPong = false);
      ws.textMessageHandler(this::receive).binaryMessageHandler(this::receive).closeHandler(closed::complete);
      closed.future().onSuccess(v -> end(NO_CLOSE_FRAME, "")).onSuccess(v -> open.remove(this));
    }

    @Override public void exceptionCaught(ChannelHandlerContext context, Throwable e) {
      end(e instanceof CorruptedWebSocketFrameException frame ? frame.closeStatus().code() : 1009, "");
    }

    void receive(Object message) { // a String or a Buffer
      boolean isVerbatim = isReady && (!v1 || message instanceof Buffer); // 6.2, 7
      if (isVerbatim) send(message instanceof Buffer ? message : "echo: " + message);
      if (isVerbatim || isEnded) return; // 8, rule 4
      try {
        JsonObject frame = new JsonObject((String) message);
        Object data = frame.getValue("data");
        String type = (String) frame.getValue("type");
        if (!isReady && !type.equals("jwt")) throw new DecodeException("no init payload");
        switch (type) {
          case "jwt" -> authenticate((String) Objects.requireNonNull(frame.getValue("token")));
          case "ping" -> send(JsonObject.of("type", "pong"));
          case "message" -> say(data instanceof String ? "echo: " + data : data);
          default -> { } // 7.6
        }
      } catch (JWTVerificationException | DecodeException | ClassCastException | NullPointerException e) {
        end(e instanceof JWTVerificationException ? 4401 : 4400, "refused");
      }
    }

    void authenticate(String token) {
      var jwt = verifier.verify(token);
      if (!jwt.getSubject().equals(user)) end(4403, "forbidden");
      if (isEnded) return;
      long expiresIn = jwt.getExpiresAt().getTime() - System.currentTimeMillis() + 1;
      send(!v1 ? "authentication successful" : JsonObject.of("type", "ready", "user", user,
          "expiresIn", expiresIn, "heartbeat", HEARTBEAT));
      isReady = true;
      vertx.cancelTimer(deadline);
      deadline = vertx.setTimer(expiresIn, id -> end(4401, "the JWT expired"));
    }

    void say(Object data) { send(v1 ? JsonObject.of("type", "message", "data", data) : data); }
    void send(Object message) { // JSON, a text, or bytes
      if (isEnded || ws.isClosed()) return;
      if (message instanceof Buffer bytes) ws.writeBinaryMessage(bytes);
      else ws.writeTextMessage(message.toString());
      if (ws.writeQueueFull()) end(NO_CLOSE_FRAME, ""); // 10.4
    }

    void end(int code, String reason) {
      if (isEnded) return;
      isEnded = true;
      vertx.cancelTimer(deadline);
      boolean isSilent = code == NO_CLOSE_FRAME || code >= 4_000 && !v1 && !isReady; // 5.4
      if (!isSilent) ws.close((short) code, reason);
      vertx.setTimer(isSilent ? 1 : CLOSE_TIMEOUT, id -> netty.close());
    }
  }
}
