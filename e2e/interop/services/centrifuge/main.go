// Command server is a Centrifuge server for tests: it knows its connections by a JWT, and lets in
// only who has the token of the upgrade.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/centrifugal/centrifuge"
	"github.com/golang-jwt/jwt/v5"
)

var secret, gate = []byte(os.Getenv("JWT_SECRET")), os.Getenv("TOKEN")

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil || len(secret) < 32 {
		log.Fatal("JWT_SECRET has to be 32 bytes or more, and PORT a free port: ", err)
	}
	ping, err := time.ParseDuration(os.Getenv("PING_INTERVAL"))
	if err != nil {
		log.Fatal("PING_INTERVAL has to be a time such as 25s: ", err)
	}
	node, err := centrifuge.New(centrifuge.Config{
		ClientStaleCloseDelay:   3 * time.Second,
		ClientExpiredCloseDelay: time.Second,
	})
	if err != nil {
		log.Fatal(err)
	}
	node.OnConnecting(connecting)
	node.OnConnect(connected)
	if err := node.Run(); err != nil {
		log.Fatal(err)
	}
	websocket := centrifuge.NewWebsocketHandler(node, centrifuge.WebsocketConfig{
		CheckOrigin:    func(*http.Request) bool { return true },
		PingPongConfig: centrifuge.PingPongConfig{PingInterval: ping, PongTimeout: ping / 2},
	})
	var upgrades atomic.Int64
	var keys sync.Map
	http.HandleFunc("/connection/websocket", func(w http.ResponseWriter, r *http.Request) {
		// Node's WebSocket asks twice for what a 401 refuses, by the same key.
		if _, again := keys.LoadOrStore(r.Header.Get("Sec-WebSocket-Key"), true); !again {
			upgrades.Add(1)
		}
		if gate != "" && r.URL.Query().Get("token") != gate {
			http.Error(w, "unauthorized", http.StatusUnauthorized)
			return
		}
		websocket.ServeHTTP(w, r)
	})
	http.HandleFunc("/upgrades", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, upgrades.Load())
	})
	fmt.Println("listening on", listener.Addr(), version())
	log.Fatal(http.Serve(listener, nil))
}

// connecting answers the connect command. The user has a channel that nobody has to subscribe to.
func connecting(_ context.Context, e centrifuge.ConnectEvent) (centrifuge.ConnectReply, error) {
	user, expires, err := verify(e.Token)
	channel := "personal:" + user
	return centrifuge.ConnectReply{
		Credentials:       &centrifuge.Credentials{UserID: user, ExpireAt: expires},
		Subscriptions:     map[string]centrifuge.SubscribeOptions{channel: {}},
		ClientSideRefresh: true,
		WriteDelay:        10 * time.Millisecond, // so that replies share frames
	}, err
}

func connected(client *centrifuge.Client) {
	client.OnSubscribe(func(e centrifuge.SubscribeEvent, cb centrifuge.SubscribeCallback) {
		options := centrifuge.SubscribeOptions{EnableRecovery: hasHistory(e.Channel)}
		cb(centrifuge.SubscribeReply{Options: options}, nil)
	})
	client.OnPublish(func(e centrifuge.PublishEvent, cb centrifuge.PublishCallback) {
		options := centrifuge.PublishOptions{}
		if hasHistory(e.Channel) {
			options = centrifuge.PublishOptions{HistorySize: 100, HistoryTTL: time.Minute}
		}
		cb(centrifuge.PublishReply{Options: options}, nil)
	})
	client.OnRPC(func(e centrifuge.RPCEvent, cb centrifuge.RPCCallback) {
		cb(centrifuge.RPCReply{Data: e.Data}, nil)
	})
	client.OnRefresh(func(e centrifuge.RefreshEvent, cb centrifuge.RefreshCallback) {
		user, expires, err := verify(e.Token)
		if err == nil && user != client.UserID() {
			err = centrifuge.DisconnectInvalidToken
		}
		cb(centrifuge.RefreshReply{ExpireAt: expires}, err)
	})
	client.Send([]byte(`"hello"`))
}

// hasHistory says whether who comes back to a channel gets what was published meanwhile.
func hasHistory(channel string) bool {
	return strings.HasPrefix(channel, "history:")
}

// verify says whose token it is, and until when, in s since the epoch.
func verify(token string) (string, int64, error) {
	var claims jwt.RegisteredClaims
	key := func(*jwt.Token) (any, error) { return secret, nil }
	_, err := jwt.ParseWithClaims(token, &claims, key, jwt.WithValidMethods([]string{"HS256"}),
		jwt.WithExpirationRequired())
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return "", 0, centrifuge.ErrorTokenExpired
	case err != nil || claims.Subject == "":
		return "", 0, centrifuge.DisconnectInvalidToken
	}
	return claims.Subject, claims.ExpiresAt.Unix(), nil
}

func version() string {
	info, _ := debug.ReadBuildInfo()
	for _, module := range info.Deps {
		if module.Path == "github.com/centrifugal/centrifuge" {
			return module.Version
		}
	}
	return "unknown"
}
