// Command server speaks the two-stage socket protocol. Numbers in comments are sections of PROTOCOL.md.
package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"
	"github.com/gorilla/websocket"
	"golang.org/x/time/rate"
)

const (
	v1, issuer                     = "two-stage.v1", "two-stage-socket-demo"
	maxInit, maxMessage, maxUnread = 16384, 1 << 20, 4 << 20 // bytes
	maxPending, maxQueue           = 1000, 512               // sockets before their ack, frames that wait for a client
	perSecond, atOnce              = 200, 400                // messages of a connection
	noCloseFrame                   = 0
)

var (
	secret                          = []byte(os.Getenv("JWT_SECRET"))
	jwtLife, tokenLife              = ms("JWT_EXPIRES_IN", "3600000"), ms("TOKEN_EXPIRES_IN", "900000")
	initTimeout, drainTimeout       = ms("INIT_TIMEOUT", "10000"), ms("DRAIN_TIMEOUT", "10000")
	broadcastEvery, individualEvery = ms("BROADCAST_EVERY", "5000"), ms("INDIVIDUAL_EVERY", "5000")
	heartbeat                       = ms("HEARTBEAT", "25000")
	origins                         []string

	users              = map[string]string{"ada": "ada", "bob": "bob"}
	tokens             sync.Map                  // token: grant
	revoked            sync.Map                  // ID of a JWT: true
	ready              sync.Map                  // *conn: its user
	pending, connected atomic.Int64              // sockets before and after their ack
	slots              = rate.NewLimiter(100, 1) // a second, for clients that are told to come back
	stopping, restore  = signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	upgrader           = websocket.Upgrader{
		Subprotocols: []string{v1},
		CheckOrigin:  func(*http.Request) bool { return true }, // as ServeHTTP has judged it
	}
)

type object map[string]any

type grant struct {
	user    string
	expires time.Time
}

func ms(name, preset string) time.Duration {
	d, err := time.ParseDuration(cmp.Or(os.Getenv(name), preset) + "ms")
	if err != nil || d < time.Millisecond {
		log.Fatal(name, " has to be a number of milliseconds, 1 or more")
	}
	return d
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:"+cmp.Or(os.Getenv("PORT"), "8080"))
	if err != nil || len(secret) < 32 {
		log.Fatal("JWT_SECRET has to be 32 bytes or more, and PORT a free port: ", err)
	}
	port := fmt.Sprint(listener.Addr().(*net.TCPAddr).Port)
	origins = strings.Split(cmp.Or(os.Getenv("ORIGINS"), "http://127.0.0.1:"+port+",http://localhost:"+port), ",")
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { answer(w, http.StatusNotFound, nil) })
	http.Handle("OPTIONS /", handler(nil)) // preflights
	http.Handle("POST /login", handler(login))
	http.Handle("POST /logout", bearer(logout))
	http.Handle("POST /token/ws", bearer(mint))
	http.Handle("GET /token/ws", bearer(mint))
	http.Handle("GET /demo", handler(upgrade))
	go func() { log.Fatal((&http.Server{ReadTimeout: 10 * time.Second}).Serve(listener)) }()
	go broadcast()
	fmt.Println("listening on http://127.0.0.1:" + port)
	<-stopping.Done()
	restore() // the next signal ends the process at once
	drain()
}

// comeBackIn tells each caller another number of ms (3.3.3, 10.5).
func comeBackIn() int64 { return (time.Second + slots.Reserve().Delay()).Milliseconds() }

// answer writes the envelope (2.2.4).
func answer(w http.ResponseWriter, status int, data object) {
	body := object{"status": 0, "message": http.StatusText(status)}
	switch status {
	case http.StatusOK:
		body = object{"status": 1, "data": data}
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", "Bearer")
	case http.StatusServiceUnavailable:
		wait := comeBackIn()
		w.Header().Set("Retry-After", fmt.Sprint((wait+999)/1000))
		body["data"] = object{"retryAfter": wait}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}

// A handler returns a status and, with 200, data; or 0 if there is nothing left to answer.
type handler func(http.ResponseWriter, *http.Request) (int, object)

// ServeHTTP judges the origin and the capacity before h judges secrets (4.2).
func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Vary", "Origin")
	if origin, sent := r.Header["Origin"]; sent {
		if !slices.Contains(origins, strings.Join(origin, ",")) {
			answer(w, http.StatusForbidden, nil)
			return
		}
		w.Header().Set("Access-Control-Allow-Origin", origin[0])
		w.Header().Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
		w.Header().Set("Access-Control-Expose-Headers", "Retry-After")
	}
	if r.Method == http.MethodOptions {
		w.WriteHeader(http.StatusNoContent)
	} else if stopping.Err() != nil {
		answer(w, http.StatusServiceUnavailable, nil)
	} else if status, data := h(w, r); status != 0 {
		answer(w, status, data)
	}
}

func login(w http.ResponseWriter, r *http.Request) (int, object) {
	var who struct{ Username, Password string }
	json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096)).Decode(&who)
	if password, known := users[who.Username]; !known || password != who.Password {
		return http.StatusUnauthorized, nil
	}
	now := time.Now()
	signed, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.RegisteredClaims{
		Issuer: issuer, Audience: []string{issuer}, Subject: who.Username, ID: rand.Text(),
		IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(jwtLife)),
	}).SignedString(secret)
	if err != nil {
		return http.StatusInternalServerError, nil
	}
	return http.StatusOK, object{"token": signed}
}

var parser = jwt.NewParser(jwt.WithValidMethods([]string{"HS256"}), jwt.WithIssuer(issuer), jwt.WithAudience(issuer),
	jwt.WithExpirationRequired())

// verify checks all of 5.3 but the subject. A JWT without an ID is refused, as it could not be revoked.
func verify(raw string) (claims jwt.RegisteredClaims, ok bool) {
	_, err := parser.ParseWithClaims(raw, &claims, func(*jwt.Token) (any, error) { return secret, nil })
	_, gone := revoked.Load(claims.ID)
	return claims, err == nil && claims.ID != "" && !gone
}

func bearer(next func(jwt.RegisteredClaims) object) handler {
	return func(w http.ResponseWriter, r *http.Request) (int, object) {
		scheme, raw, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if claims, ok := verify(raw); ok && strings.EqualFold(scheme, "Bearer") {
			return http.StatusOK, next(claims)
		}
		return http.StatusUnauthorized, nil
	}
}

func mint(claims jwt.RegisteredClaims) object {
	token, expires := rand.Text(), time.Now().Add(tokenLife) // 130 bits, as A-Z and 2-7
	tokens.Store(token, grant{claims.Subject, expires})
	time.AfterFunc(tokenLife, func() { tokens.Delete(token) }) // frees memory; expiry is judged at use (3.4.7)
	return object{"token": token, "expiresIn": tokenLife.Milliseconds(), "reusable": false, "protocol": v1,
		"expiresAt": expires.UTC().Format("2006-01-02T15:04:05.000Z")}
}

func logout(claims jwt.RegisteredClaims) object {
	revoked.Store(claims.ID, true)
	time.AfterFunc(time.Until(claims.ExpiresAt.Time), func() { revoked.Delete(claims.ID) })
	for c, user := range ready.Range {
		if user == claims.Subject {
			go c.(*conn).end(4401, "logged out")
		}
	}
	return object{}
}

func upgrade(w http.ResponseWriter, r *http.Request) (int, object) {
	c := &conn{queue: make(chan frame, maxQueue), stage: &pending}
	defer func() { c.stage.Add(-1) }()
	if c.stage.Add(1) > maxPending {
		return http.StatusServiceUnavailable, nil
	} else if !websocket.IsWebSocketUpgrade(r) {
		w.Header().Set("Upgrade", "websocket")
		return http.StatusUpgradeRequired, nil
	}
	// It may come in several lines, of which gorilla/websocket sees the first.
	r.Header.Set("Sec-WebSocket-Protocol", strings.Join(r.Header.Values("Sec-WebSocket-Protocol"), ","))
	found := r.URL.Query()["token"]
	for _, offered := range websocket.Subprotocols(r) {
		if token, ok := strings.CutPrefix(offered, "token."); ok {
			found = append(found, token)
		}
	}
	taken, ok := tokens.LoadAndDelete(strings.Join(found, " ")) // one step (3.4.5); two tokens make none that was minted
	if !ok || time.Now().After(taken.(grant).expires) {
		return http.StatusUnauthorized, nil
	}
	if ws, err := upgrader.Upgrade(w, r, nil); err == nil { // else it has answered
		c.ws, c.user, c.v1 = ws, taken.(grant).user, ws.Subprotocol() == v1
		c.serve()
	}
	return 0, nil
}

// A conn is a socket, and a connection once it is authenticated.
type conn struct {
	ws                   *websocket.Conn
	user                 string
	v1                   bool
	authenticated, ended atomic.Bool
	stage                *atomic.Int64 // pending or connected
	timer                *time.Timer   // the init deadline, then the expiry of the JWT
	queue                chan frame
	unread               atomic.Int64 // bytes in the queue
}

type frame struct {
	kind int
	data []byte
}

// end closes a socket, once; if it is refused on the original wire, with no close frame (5.4).
func (c *conn) end(code int, reason string) {
	if c.ended.Swap(true) {
		return
	}
	if code == noCloseFrame || !c.v1 && !c.authenticated.Load() {
		c.ws.Close()
		return
	}
	c.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, reason), time.Now().Add(time.Second))
	time.AfterFunc(time.Second, func() { c.ws.Close() }) // unless the client answers: then serve does it
}

// send queues text, bytes, or what becomes JSON. A client that does not read is cut off, and holds up nobody (10.4).
func (c *conn) send(value any) {
	next := frame{kind: websocket.TextMessage}
	switch value := value.(type) {
	case string:
		next.data = []byte(value)
	case []byte:
		next = frame{websocket.BinaryMessage, value}
	default:
		next.data, _ = json.Marshal(value)
	}
	if c.unread.Add(int64(len(next.data))) > maxUnread {
		c.end(noCloseFrame, "")
	}
	select {
	case c.queue <- next:
	default:
		c.end(noCloseFrame, "")
	}
}

// message wraps what the application sends, as its wire wants it (6.2, 7.3).
func (c *conn) message(value any) any {
	if c.v1 {
		return object{"type": "message", "data": value}
	}
	return value
}

// serve reads until the network connection ends, but handles nothing after the end of the socket (8.4).
func (c *conn) serve() {
	c.timer = time.AfterFunc(initTimeout, func() { c.end(4408, "init timeout") })
	c.ws.SetReadLimit(maxInit)
	c.ws.SetPongHandler(func(string) error { return c.ws.SetReadDeadline(time.Now().Add(2 * heartbeat)) })
	defer func() { c.timer.Stop(); ready.Delete(c); c.ended.Store(true); c.ws.Close() }()
	limit := rate.NewLimiter(perSecond, atOnce)
	for {
		kind, data, err := c.ws.ReadMessage()
		if err == websocket.ErrReadLimit {
			time.Sleep(time.Second) // for the client to read the 1009 that the library has sent
		}
		if err != nil {
			return
		} else if c.ended.Load() {
			continue
		} else if !limit.Allow() {
			c.end(4429, fmt.Sprint("too many messages retry-after=", comeBackIn()))
		} else {
			c.handle(kind == websocket.TextMessage, data)
		}
	}
}

func (c *conn) handle(isText bool, data []byte) {
	var fields object
	if isText && (c.v1 || !c.authenticated.Load()) {
		json.Unmarshal(data, &fields) // what is no object leaves them empty
	}
	kind, valid := fields["type"].(string)
	switch {
	case isText && !utf8.Valid(data):
		c.end(websocket.CloseInvalidFramePayloadData, "not UTF-8")
	case !c.authenticated.Load() && kind != "jwt", c.v1 && isText && !valid:
		c.end(4400, "invalid message")
	case kind == "jwt":
		c.authenticate(fields["token"])
	case !isText:
		c.send(data)
	case !c.v1:
		c.send("echo: " + string(data))
	case kind == "ping":
		c.send(object{"type": "pong"})
	case kind == "message":
		if text, ok := fields["data"].(string); ok {
			fields["data"] = "echo: " + text
		}
		c.send(c.message(fields["data"]))
	}
}

// authenticate gives the verdict on an init payload (5.4) or on a renewal (7.1).
func (c *conn) authenticate(token any) {
	raw, valid := token.(string)
	claims, ok := verify(raw)
	switch {
	case !valid:
		c.end(4400, "invalid message")
	case !ok:
		c.end(4401, "unauthorized")
	case claims.Subject != c.user:
		c.end(4403, "forbidden")
	case c.timer.Stop(): // else time is up, and the timer ends the socket
		life := time.Until(claims.ExpiresAt.Time)
		c.timer = time.AfterFunc(life, func() { c.end(4401, "the JWT expired") })
		if c.v1 {
			c.send(object{"type": "ready", "user": c.user, "expiresIn": life.Milliseconds(), "heartbeat": heartbeat.Milliseconds()})
		} else {
			c.send("authentication successful")
		}
		if !c.authenticated.Swap(true) {
			pending.Add(-1)
			connected.Add(1)
			c.stage = &connected
			c.ws.SetReadLimit(maxMessage)
			c.ws.SetReadDeadline(time.Now().Add(2 * heartbeat))
			ready.Store(c, c.user)
			go c.write()
		}
		if _, ok := verify(raw); !ok { // a logout came after the first look, and before the connection could be found
			c.end(4401, "unauthorized")
		}
	}
}

// write writes what is queued, and what is due at intervals.
func (c *conn) write() {
	defer c.end(noCloseFrame, "")
	ping, individual := time.Tick(heartbeat), time.Tick(individualEvery)
	for n := 1; ; {
		var next frame
		select {
		case next = <-c.queue:
			c.unread.Add(-int64(len(next.data)))
		case <-ping:
			next.kind = websocket.PingMessage
		case <-individual:
			c.send(c.message(fmt.Sprint("ping ", n)))
			n++
			continue
		}
		c.ws.SetWriteDeadline(time.Now().Add(10 * time.Second))
		if c.ws.WriteMessage(next.kind, next.data) != nil {
			return
		}
	}
}

func broadcast() {
	for n := 1; ; n++ {
		time.Sleep(broadcastEvery)
		for c := range ready.Range {
			c.(*conn).send(c.(*conn).message(fmt.Sprint("broadcast message ", n)))
		}
	}
}

// drain serves the connections until the deadline, for the clients to move, and closes what is left (10.5).
func drain() {
	deadline := drainTimeout.Milliseconds()
	for c := range ready.Range {
		if c := c.(*conn); c.v1 {
			c.send(object{"type": "going-away", "retryAfter": comeBackIn() % max(deadline-2000, deadline/2, 1), "deadline": deadline})
		}
	}
	idle(drainTimeout)
	for c := range ready.Range {
		go c.(*conn).end(websocket.CloseServiceRestart, fmt.Sprint("retry-after=", comeBackIn()))
	}
	idle(time.Second)
}

// idle waits until there is no connection, but not for longer than d.
func idle(d time.Duration) {
	for until := time.Now().Add(d); connected.Load() > 0 && time.Now().Before(until); {
		time.Sleep(10 * time.Millisecond)
	}
}
