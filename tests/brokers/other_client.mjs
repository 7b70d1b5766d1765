// MQTT.js or Paho JavaScript, driven by other_clients.py: commands as lines of JSON on standard input, events as lines of JSON
// on standard output. Each names its client, which may connect several times.
//
// usage: other_client.mjs MODULES mqtt.js|paho
import { createRequire } from "node:module";
import readline from "node:readline";

const [modules, library] = process.argv.slice(2);
const require = createRequire(modules + "/");
const hex = (bytes) => Buffer.from(bytes).toString("hex");

class Client {
  constructor(name) { this.name = name; }
  print(event) { process.stdout.write(JSON.stringify({ client: this.name, ...event }) + "\n"); }
}

class MqttJs extends Client {
  // They outlive a connection, as in a program that reconnects.
  outgoing = new (require("mqtt").Store)({ clean: false });
  incoming = new (require("mqtt").Store)({ clean: false });

  connect(to) {
    const url = to.transport === "ws" ? `ws://127.0.0.1:${to.port}/mqtt` : `mqtt://127.0.0.1:${to.port}`;
    // MQTT.js passes on QoS 2 messages with an alias without their topic.
    const properties = to.version === 5 ? { sessionExpiryInterval: to.clean ? 0 : 600, topicAliasMaximum: to.aliases } : undefined;
    this.client = require("mqtt").connect(url, {
      protocolVersion: to.version === 3 ? 3 : to.version, protocolId: to.version === 3 ? "MQIsdp" : "MQTT", clientId: to.id,
      clean: to.clean, reconnectPeriod: 0, keepalive: to.keepalive ?? 60, username: to.user, password: to.password, properties,
      outgoingStore: this.outgoing, incomingStore: this.incoming, resubscribe: false,
      will: to.will && { topic: to.will.topic, payload: Buffer.from(to.will.payload, "hex"), qos: to.will.qos,
                         retain: to.will.retain, properties: to.version === 5 ? to.will.properties : undefined },
    });
    this.client.on("connect", (ack) => this.print({ event: "connected", session: ack.sessionPresent }));
    this.client.on("error", (error) => this.print({ event: "error", code: error.code, text: String(error) }));
    this.client.on("close", () => this.print({ event: "closed" }));
    this.client.on("message", (topic, payload, packet) => this.print({
      event: "message", topic, payload: hex(payload), qos: packet.qos, retain: packet.retain, duplicate: packet.dup,
      identifiers: [packet.properties?.subscriptionIdentifier ?? []].flat(), user: packet.properties?.userProperties,
      response: packet.properties?.responseTopic, type: packet.properties?.contentType,
      correlation: packet.properties?.correlationData && hex(packet.properties.correlationData) }));
  }
  subscribe(to) {
    this.client.subscribe(to.filter, { qos: to.qos, rap: to.rap ?? false, properties: to.identifier && { subscriptionIdentifier: to.identifier } },
      (error, granted, packet) => this.print({ event: "subscribed", granted: packet?.granted ?? [], error: error && String(error) }));
  }
  unsubscribe(to) {
    this.client.unsubscribe(to.filter, (error) => this.print({ event: "unsubscribed", error: error && String(error) }));
  }
  publish(to) {
    const properties = to.properties && { ...to.properties, correlationData: Buffer.from(to.properties.correlationData, "hex") };
    this.client.publish(to.topic, Buffer.from(to.payload, "hex"), { qos: to.qos, retain: to.retain ?? false, properties },
      (error) => this.print({ event: "published", error: error && String(error) }));
  }
  disconnect() { this.client.end(false); }
  cut() { this.client.stream.destroy(); }
  close() { this.client.end(true); }
}

class Paho extends Client {
  connect(to) {
    if (!this.client || this.id !== to.id) {
      this.id = to.id;
      this.client = new Paho.library.Client("127.0.0.1", to.port, "/mqtt", to.id);
    }
    this.client.onConnectionLost = (why) => this.print({ event: "closed", code: why.errorCode });
    this.client.onMessageArrived = (message) => this.print({
      event: "message", topic: message.destinationName, payload: hex(message.payloadBytes), qos: message.qos, retain: message.retained,
      duplicate: message.duplicate, identifiers: [] });
    this.client.onMessageDelivered = () => this.print({ event: "published" });
    const options = {
      cleanSession: to.clean, mqttVersion: to.version, keepAliveInterval: to.keepalive ?? 60, timeout: 10,
      mqttVersionExplicit: true,
      onSuccess: () => this.print({ event: "connected" }),
      onFailure: (why) => this.print({ event: "error", code: Number(/code:(\d+)/.exec(why.errorMessage)?.[1]), text: why.errorMessage }),
    };
    if (to.user) Object.assign(options, { userName: to.user, password: to.password });
    if (to.will) {
      options.willMessage = this.message(to.will);
    }
    this.client.connect(options);
    this.socket = Paho.socket;
  }
  message(from) {
    const message = new Paho.library.Message(new Uint8Array(Buffer.from(from.payload, "hex")));
    message.destinationName = from.topic;
    message.qos = from.qos;
    message.retained = from.retain ?? false;
    return message;
  }
  subscribe(to) {
    this.client.subscribe(to.filter, { qos: to.qos, onSuccess: (answer) => this.print({ event: "subscribed", granted: [...answer.grantedQos] }),
                                       onFailure: (why) => this.print({ event: "subscribed", granted: [], error: JSON.stringify(why) }) });
  }
  unsubscribe(to) {
    this.client.unsubscribe(to.filter, { onSuccess: () => this.print({ event: "unsubscribed" }) });
  }
  publish(to) { this.client.send(this.message(to)); }
  disconnect() { this.client.disconnect(); }
  cut() { this.socket.terminate(); }
  close() {
    if (this.client.isConnected()) this.client.disconnect();
  }
}

if (library === "paho") {
  // What the library takes from a browser.
  const WebSocket = require("ws");
  const stored = new Map();
  globalThis.self = globalThis.window = globalThis;
  globalThis.WebSocket = class extends WebSocket {
    constructor(...words) {
      super(...words);
      Paho.socket = this;
    }
  };
  // Paho goes through its keys with for ... in.
  globalThis.localStorage = new Proxy({}, {
    get: (none, name) => ({ setItem: (key, value) => stored.set(key, value), getItem: (key) => stored.get(key) ?? null,
                            removeItem: (key) => stored.delete(key) })[name],
    ownKeys: () => [...stored.keys()],
    getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }),
  });
  Paho.library = require("paho-mqtt");
}
const clients = new Map();
process.on("uncaughtException", (error) => process.stdout.write(JSON.stringify({ event: "error", text: String(error.stack ?? error) }) + "\n"));
for await (const line of readline.createInterface({ input: process.stdin })) {
  const { command, client: name, ...words } = JSON.parse(line);
  if (!clients.has(name)) clients.set(name, library === "paho" ? new Paho(name) : new MqttJs(name));
  clients.get(name)[command](words);
}
process.exit(0);
