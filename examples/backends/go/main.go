// Command go is a server of the two-stage socket protocol. The numbers in comments are sections of PROTOCOL.md.
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
	maxPending, maxConnections     = 1000, 100               // sockets before the ack; after it, of one user
	maxRate, maxBurst, maxQueue    = 200, 400, 512           // messages in a second, messages at once, frames
	writeTimeout                   = 5 * time.Second
	noCloseFrame, tooMany          = 0, 4429
)

var (
	secret                          = []byte(os.Getenv("JWT_SECRET"))
	jwtLife, tokenLife              = ms("JWT_EXPIRES_IN", "3600000"), ms("TOKEN_EXPIRES_IN", "900000")
	initTimeout, drainTimeout       = ms("INIT_TIMEOUT", "10000"), ms("DRAIN_TIMEOUT", "10000")
	broadcastEvery, individualEvery = ms("BROADCAST_EVERY", "5000"), ms("INDIVIDUAL_EVERY", "5000")
	heartbeat                       = ms("HEARTBEAT", "25000")
	origins                         []string
	users                           = map[string]string{"ada": "ada", "bob": "bob"}
	upgrader                        = websocket.Upgrader{Subprotocols: []string{v1}, CheckOrigin: func(*http.Request) bool { return true }}

	stopping, restore = signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	slots             = rate.NewLimiter(100, 1) // for clients that are told to come back
	tokens, revoked   sync.Map                  // token to grant, ID of a JWT to true
	pending           atomic.Int64
	mu                sync.Mutex
	ready             = map[*conn]bool{}
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
	http.Handle("/login", handler(login))
	http.Handle("/logout", bearer(logout))
	http.Handle("/token/ws", bearer(mint))
	http.Handle("/demo", handler(upgrade))
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
		if !slices.Contains(origins, origin[0]) {
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

// verify checks all of 5.3 but the subject. A JWT without an ID is refused, as it could not be revoked.
func verify(raw string) (claims jwt.RegisteredClaims, ok bool) {
	_, err := jwt.ParseWithClaims(raw, &claims, func(*jwt.Token) (any, error) { return secret, nil }, jwt.WithIssuer(issuer),
		jwt.WithAudience(issuer), jwt.WithExpirationRequired(), jwt.WithValidMethods([]string{"HS256"}))
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
	token, expires := rand.Text(), time.Now().Add(tokenLife) // 130 bits, A-Z and 2-7
	tokens.Store(token, grant{claims.Subject, expires})
	time.AfterFunc(tokenLife, func() { tokens.Delete(token) })
	return object{"token": token, "expiresIn": tokenLife.Milliseconds(), "reusable": false, "protocol": v1,
		"expiresAt": expires.UTC().Format("2006-01-02T15:04:05.000Z")}
}

func logout(claims jwt.RegisteredClaims) object {
	revoked.Store(claims.ID, true)
	time.AfterFunc(time.Until(claims.ExpiresAt.Time), func() { revoked.Delete(claims.ID) })
	for _, c := range connections(claims.Subject) {
		go c.end(4401, "logged out")
	}
	return object{}
}

func upgrade(w http.ResponseWriter, r *http.Request) (int, object) {
	leave := sync.OnceFunc(func() { pending.Add(-1) })
	defer leave()
	if pending.Add(1) > maxPending {
		return http.StatusServiceUnavailable, nil
	}
	found := r.URL.Query()["token"]
	for _, offered := range websocket.Subprotocols(r) {
		if token, ok := strings.CutPrefix(offered, "token."); ok {
			found = append(found, token)
		}
	}
	taken, ok := tokens.LoadAndDelete(strings.Join(found, " ")) // several make none that was minted
	if !ok || time.Now().After(taken.(grant).expires) {
		return http.StatusUnauthorized, nil
	}
	if ws, err := upgrader.Upgrade(w, r, nil); err == nil { // else it has answered
		c := &conn{ws: ws, user: taken.(grant).user, v1: ws.Subprotocol() == v1, queue: make(chan frame, maxQueue), leave: leave}
		c.timer = time.AfterFunc(initTimeout, func() { c.end(4408, "init timeout") })
		c.serve()
	}
	return 0, nil
}

// A conn is a socket, and once it is authenticated a connection.
type conn struct {
	ws                   *websocket.Conn
	user                 string
	v1                   bool
	authenticated, ended atomic.Bool
	timer                *time.Timer // the init deadline, then the expiry of the JWT
	leave                func()      // makes room for another socket that is not authenticated
	queue                chan frame
	unread               atomic.Int64 // bytes in the queue
}

type frame struct {
	kind int
	data []byte
}

// connections returns those of a user, or all of them.
func connections(user string) (found []*conn) {
	mu.Lock()
	defer mu.Unlock()
	for c := range ready {
		if user == "" || user == c.user {
			found = append(found, c)
		}
	}
	return found
}

// end closes a socket; one of the original wire that is refused, with no close frame (5.4).
func (c *conn) end(code int, reason string) {
	if c.ended.Swap(true) {
		return
	}
	if code == noCloseFrame || !c.v1 && !c.authenticated.Load() && code != tooMany {
		c.ws.Close()
		return
	}
	c.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, reason), time.Now().Add(time.Second))
	time.AfterFunc(time.Second, func() { c.ws.Close() }) // unless the client answers: then serve does it
}

// send queues text, bytes, or a value to be sent as JSON. Who does not read it is cut off, and blocks nobody (10.4).
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

// serve reads until the network connection ends. What a client sends after the end is not handled (8.4).
func (c *conn) serve() {
	defer func() {
		c.timer.Stop()
		mu.Lock()
		delete(ready, c)
		mu.Unlock()
		c.ended.Store(true)
		c.ws.Close()
	}()
	limit := rate.NewLimiter(maxRate, maxBurst)
	c.ws.SetReadLimit(maxInit)
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
			c.end(tooMany, fmt.Sprint("too many messages retry-after=", comeBackIn()))
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
	renewal := c.authenticated.Load()
	switch {
	case !valid:
		c.end(4400, "invalid message")
	case !ok:
		c.end(4401, "unauthorized")
	case claims.Subject != c.user:
		c.end(4403, "forbidden")
	case !renewal && len(connections(c.user)) >= maxConnections:
		c.end(tooMany, fmt.Sprint("too many connections retry-after=", comeBackIn()))
	case c.timer.Stop(): // else time is up, and the timer ends the socket
		life := time.Until(claims.ExpiresAt.Time)
		c.timer = time.AfterFunc(life, func() { c.end(4401, "the JWT expired") })
		if c.v1 {
			c.send(object{"type": "ready", "user": c.user, "expiresIn": life.Milliseconds(), "heartbeat": heartbeat.Milliseconds()})
		} else {
			c.send("authentication successful")
		}
		if !renewal {
			c.start()
		}
		if _, ok := verify(raw); !ok { // it was revoked just before the connection could be found
			c.end(4401, "unauthorized")
		}
	}
}

// start makes a socket a connection, once the ack is the first in its queue.
func (c *conn) start() {
	alive := func(string) error { return c.ws.SetReadDeadline(time.Now().Add(2 * heartbeat)) }
	alive("")
	c.ws.SetPongHandler(alive)
	c.ws.SetReadLimit(maxMessage)
	c.authenticated.Store(true)
	c.leave()
	mu.Lock()
	ready[c] = true
	mu.Unlock()
	go c.write()
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
		c.ws.SetWriteDeadline(time.Now().Add(writeTimeout))
		if c.ws.WriteMessage(next.kind, next.data) != nil {
			return
		}
	}
}

func broadcast() {
	for n := 1; ; n++ {
		time.Sleep(broadcastEvery)
		for _, c := range connections("") {
			c.send(c.message(fmt.Sprint("broadcast message ", n)))
		}
	}
}

// drain serves the connections until they have moved or the deadline has passed, and closes what is left (10.5).
func drain() {
	deadline := drainTimeout.Milliseconds()
	for _, c := range connections("") {
		if c.v1 {
			c.send(object{"type": "going-away", "retryAfter": comeBackIn() % max(deadline-2000, deadline/2), "deadline": deadline})
		}
	}
	idle(drainTimeout)
	for _, c := range connections("") {
		go c.end(websocket.CloseServiceRestart, fmt.Sprint("retry-after=", comeBackIn()))
	}
	idle(time.Second)
}

// idle waits until there is no connection, but not for longer than d.
func idle(d time.Duration) {
	for until := time.Now().Add(d); len(connections("")) > 0 && time.Now().Before(until); {
		time.Sleep(10 * time.Millisecond)
	}
}
