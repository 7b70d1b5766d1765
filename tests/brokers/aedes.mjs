// The broker Aedes as a program: aedes.mjs MODULES CERTIFICATE KEY USER PASSWORD TRANSPORT=PORT...
import fs from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import net from 'node:net'
import tls from 'node:tls'
import { createRequire } from 'node:module'

const [modules, certificate, key, user, password, ...listeners] = process.argv.slice(2)
const require = createRequire(modules + '/')
const { Aedes } = require('aedes')
const { WebSocketServer, createWebSocketStream } = require('ws')

const broker = await Aedes.createBroker({
  // A client without a name is anonymous.
  authenticate: (client, name, word, done) => done(null, name === undefined || name === null || (name === user && String(word) === password))
})
const pair = { cert: fs.readFileSync(certificate), key: fs.readFileSync(key) }
const overWebSocket = server => {
  new WebSocketServer({ server, handleProtocols: offered => offered.has('mqtt') ? 'mqtt' : offered.values().next().value })
    .on('connection', (socket, request) => broker.handle(createWebSocketStream(socket), request))
  return server
}
const makers = {
  tcp: () => net.createServer(broker.handle),
  tls: () => tls.createServer(pair, broker.handle),
  ws: () => overWebSocket(http.createServer()),
  wss: () => overWebSocket(https.createServer(pair))
}
for (const listener of listeners) {
  const [transport, port] = listener.split('=')
  makers[transport]().listen(Number(port), '127.0.0.1')
}
