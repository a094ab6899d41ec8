module two-stage-socket/server

go 1.24.0

require (
	github.com/golang-jwt/jwt/v5 v5.3.1
	github.com/gorilla/websocket v1.5.3
	golang.org/x/time v0.12.0
)
