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

	"github.com/coder/websocket"
	"github.com/golang-jwt/jwt/v5"
	"github.com/golang-jwt/jwt/v5/request"
)

const v1, issuer, maxInit, maxMessage = "two-stage.v1", "two-stage-socket-demo", 16384, 1 << 20 // bytes

var (
	users                           = map[string]string{"ada": "ada", "bob": "bob"}
	secret                          = []byte(os.Getenv("JWT_SECRET"))
	jwtLife, tokenLife              = ms("JWT_EXPIRES_IN", "3600000"), ms("TOKEN_EXPIRES_IN", "900000")
	initTimeout, drainTimeout       = ms("INIT_TIMEOUT", "10000"), ms("DRAIN_TIMEOUT", "10000")
	broadcastEvery, individualEvery = ms("BROADCAST_EVERY", "5000"), ms("INDIVIDUAL_EVERY", "5000")
	heartbeat                       = ms("HEARTBEAT", "25000")
	origins                         []string
	tokens, revoked, sockets        sync.Map // token: *conn, ID of a JWT: true, *conn: true
	delays                          atomic.Int64
	background                      = context.Background()
	stopping, restore               = signal.NotifyContext(background, os.Interrupt, syscall.SIGTERM)
)

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
	own := "http://" + listener.Addr().String()
	origins = strings.Split(cmp.Or(os.Getenv("ORIGINS"), own), ",")
	go (&http.Server{Handler: http.HandlerFunc(serve), ReadTimeout: 10 * time.Second}).Serve(listener)
	go every(broadcastEvery, func(c *conn, n int) { c.say(fmt.Sprint("broadcast message ", n)) })
	go every(individualEvery, func(c *conn, _ int) { c.say(fmt.Sprint("ping ", c.pings.Add(1))) })
	go every(heartbeat, func(c *conn, _ int) { c.within(heartbeat, c.ws.Ping) })
	fmt.Println("listening on", own)
	<-stopping.Done()
	restore() // the next signal ends the process at once
	deadline := drainTimeout.Milliseconds()
	each(true, func(c *conn) {
		c.send(object{"type": "going-away", "retryAfter": spread(deadline / 2), "deadline": deadline}, "")
	})
	time.Sleep(drainTimeout)
	each(false, func(c *conn) { c.end(1012, fmt.Sprint("retry-after=", 1000+spread(9000))) })
	time.Sleep(time.Second)
}

// spread tells each caller another number of ms (3.3.3, 10.5).
func spread(most int64) int64 { return delays.Add(10) % (most + 1) }

type object map[string]any

// Not an http.ServeMux, which redirects //demo to /demo, token and all (4.2.1).
var routes = map[string]func(http.ResponseWriter, *http.Request, jwt.RegisteredClaims) (int, object){
	"POST /login": login, "POST /logout": logout, "GET /demo": upgrade, "POST /token/ws": mint, "GET /token/ws": mint,
}

// serve answers the first thing that is wrong (4.2), in the envelope (2.2.4).
func serve(w http.ResponseWriter, r *http.Request) {
	route, found := routes[r.Method+" "+r.URL.Path]
	origin, sent := r.Header["Origin"]
	allowed := sent && slices.Contains(origins, strings.Join(origin, ","))
	if allowed {
		w.Header().Set("Access-Control-Allow-Origin", origin[0])
		w.Header().Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
		w.Header().Set("Access-Control-Expose-Headers", "Retry-After")
	}
	bearer, _ := request.BearerExtractor{}.ExtractToken(r)
	claims, isUser := verify(bearer)
	status, data := 200, object{}
	switch {
	case !found && r.Method != "OPTIONS":
		status = 404
	case sent && !allowed:
		status = 403
	case !found: // a preflight
	case stopping.Err() != nil:
		w.Header().Set("Retry-After", fmt.Sprint(1+spread(10000)/1000))
		status = 503
	case !isUser && r.URL.Path != "/login" && r.URL.Path != "/demo":
		status = 401
	default:
		status, data = route(w, r, claims)
	}
	if status == 101 {
		return
	}
	body := object{"status": 1, "data": data}
	if status != 200 {
		body = object{"status": 0, "message": http.StatusText(status)}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Vary", "Origin")
	w.Header().Set("WWW-Authenticate", "Bearer") // which only a 401 has to say
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}

func login(w http.ResponseWriter, r *http.Request, _ jwt.RegisteredClaims) (int, object) {
	var who struct{ Username, Password string }
	json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096)).Decode(&who)
	if password, known := users[who.Username]; !known || password != who.Password {
		return 401, nil
	}
	claims := jwt.RegisteredClaims{Issuer: issuer, Audience: []string{issuer}, Subject: who.Username,
		ID: rand.Text(), ExpiresAt: jwt.NewNumericDate(time.Now().Add(jwtLife))}
	signed, _ := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(secret)
	return 200, object{"token": signed}
}

// verify checks all of 5.3 but the subject. A JWT without an ID could not be revoked, and is refused.
func verify(raw string) (claims jwt.RegisteredClaims, ok bool) {
	key := func(*jwt.Token) (any, error) { return secret, nil }
	_, err := jwt.ParseWithClaims(raw, &claims, key, jwt.WithValidMethods([]string{"HS256"}),
		jwt.WithExpirationRequired(), jwt.WithIssuer(issuer), jwt.WithAudience(issuer))
	_, gone := revoked.Load(claims.ID)
	return claims, err == nil && claims.ID != "" && !gone
}

func mint(_ http.ResponseWriter, _ *http.Request, claims jwt.RegisteredClaims) (int, object) {
	token, expires := rand.Text(), time.Now().Add(tokenLife) // 130 bits, as A-Z and 2-7
	tokens.Store(token, &conn{user: claims.Subject, expires: expires})
	time.AfterFunc(tokenLife, func() { tokens.Delete(token) }) // for memory: 3.4.7 is judged at use
	return 200, object{"token": token, "expiresIn": tokenLife.Milliseconds(), "expiresAt": expires.UTC(),
		"reusable": false, "protocol": v1}
}

func logout(_ http.ResponseWriter, _ *http.Request, claims jwt.RegisteredClaims) (int, object) {
	revoked.Store(claims.ID, true)
	time.AfterFunc(time.Until(claims.ExpiresAt.Time), func() { revoked.Delete(claims.ID) })
	each(false, func(c *conn) {
		if c.user == claims.Subject {
			c.end(4401, "logged out")
		}
	})
	return 200, object{}
}

func upgrade(w http.ResponseWriter, r *http.Request, _ jwt.RegisteredClaims) (int, object) {
	if r.Header.Get("Upgrade") == "" {
		return 400, nil
	} else if r.Header.Get("Sec-WebSocket-Version") != "13" {
		w.Header().Set("Sec-WebSocket-Version", "13")
		return 426, nil
	}
	found := r.URL.Query()["token"]
	lines := strings.Join(r.Header.Values("Sec-WebSocket-Protocol"), " ")
	offers := strings.Fields(strings.ReplaceAll(lines, ",", " "))
	for _, offer := range offers {
		if token, ok := strings.CutPrefix(offer, "token."); ok {
			found = append(found, token)
		}
	}
	taken, ok := tokens.LoadAndDelete(strings.Join(found, " ")) // one step (3.4.5); two make none
	if !ok || time.Now().After(taken.(*conn).expires) {
		return 401, nil
	}
	if slices.Contains(offers, v1) {
		w.Header().Set("Sec-WebSocket-Protocol", v1) // the library does not look at the case
	}
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true}) // serve has
	if err == nil {
		taken.(*conn).run(ws, http.NewResponseController(w))
	}
	return 101, nil
}

// A conn is what a token admits: a socket, and a connection once it is ready.
type conn struct {
	user         string
	expires      time.Time // the token
	ws           *websocket.Conn
	tcp          *http.ResponseController
	v1           bool
	ready, ended atomic.Bool
	timer        *time.Timer // the init deadline, then the expiry of the JWT
	pings        atomic.Int64
}

// each does something with every socket, or with the ready ones. None waits for another.
func each(isReady bool, do func(*conn)) {
	for c := range sockets.Range {
		if c := c.(*conn); c.ready.Load() || !isReady {
			go do(c)
		}
	}
}

func every(interval time.Duration, do func(c *conn, n int)) {
	for n := 1; ; n++ {
		time.Sleep(interval)
		each(true, func(c *conn) { do(c, n) })
	}
}

// run reads until the network connection ends.
func (c *conn) run(ws *websocket.Conn, tcp *http.ResponseController) {
	c.ws, c.tcp, c.v1 = ws, tcp, ws.Subprotocol() == v1
	c.ws.SetReadLimit(maxInit)
	c.timer = time.AfterFunc(initTimeout, func() { c.end(4408, "init timeout") })
	sockets.Store(c, true)
	for kind, data, err := ws.Read(background); err == nil; kind, data, err = ws.Read(background) {
		c.handle(kind == websocket.MessageText, data)
	}
	c.end(1002, "") // unless it has been for another reason
	c.timer.Stop()
	sockets.Delete(c)
}

// end closes a socket, once: if it is refused on the original wire, with no close frame (5.4).
func (c *conn) end(code websocket.StatusCode, reason string) {
	c.ended.Store(true)
	c.tcp.SetReadDeadline(time.Now().Add(time.Second)) // for the client's close frame (8.5)
	if code >= 4000 && !c.v1 && !c.ready.Load() {
		c.ws.CloseNow()
	}
	c.ws.Close(code, reason)
}

// within cuts off a client that does not read, or answer, in time (10.3, 10.4).
func (c *conn) within(limit time.Duration, do func(context.Context) error) {
	ctx, cancel := context.WithTimeout(background, limit)
	defer cancel()
	if do(ctx) != nil {
		c.ws.CloseNow()
	}
}

func (c *conn) write(kind websocket.MessageType, data []byte) {
	c.within(heartbeat, func(ctx context.Context) error { return c.ws.Write(ctx, kind, data) })
}

// send sends a frame of two-stage.v1, or its text, if there is one, on the original wire.
func (c *conn) send(frame object, text string) {
	data := []byte(text)
	if c.v1 {
		data, _ = json.Marshal(frame)
	}
	if len(data) > 0 {
		c.write(websocket.MessageText, data)
	}
}

func (c *conn) say(text string) { c.send(object{"type": "message", "data": text}, text) }

func (c *conn) handle(isText bool, data []byte) {
	var frame object
	err := json.Unmarshal(data, &frame)
	kind, isTyped := frame["type"].(string)
	token, hasToken := frame["token"].(string)
	text, hasText := frame["data"].(string)
	switch ready := c.ready.Load(); {
	case c.ended.Load(): // what was under way meanwhile (8.4)
	case isText && !utf8.Valid(data):
		c.end(1007, "not UTF-8")
	case ready && !isText:
		c.write(websocket.MessageBinary, data)
	case ready && !c.v1:
		c.say("echo: " + string(data))
	case err != nil, !isText, !isTyped, kind == "jwt" && !hasToken, kind != "jwt" && !ready:
		c.end(4400, "invalid message")
	case kind == "jwt":
		c.authenticate(token)
	case kind == "ping":
		c.send(object{"type": "pong"}, "")
	case kind == "message" && hasText:
		c.say("echo: " + text)
	case kind == "message":
		c.send(object{"type": "message", "data": frame["data"]}, "")
	}
}

// authenticate gives the verdict on an init payload (5.4), or on a renewal (7.1).
func (c *conn) authenticate(raw string) {
	claims, ok := verify(raw)
	switch {
	case !ok:
		c.end(4401, "unauthorized")
	case claims.Subject != c.user:
		c.end(4403, "forbidden")
	case c.timer.Stop(): // else time is up, and the timer ends the socket
		life := time.Until(claims.ExpiresAt.Time)
		c.send(object{"type": "ready", "user": c.user, "expiresIn": life.Milliseconds(),
			"heartbeat": heartbeat.Milliseconds()}, "authentication successful")
		c.ws.SetReadLimit(maxMessage)
		c.ready.Store(true)
		c.timer = time.AfterFunc(life, func() { c.end(4401, "the JWT expired") })
	}
}
