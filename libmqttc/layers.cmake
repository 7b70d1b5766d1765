# Which files make which layer.
mqttc_layer(codec SOURCES
  types.cpp
  error.cpp
  reason.cpp
  property.cpp
  topic.cpp
  wire.cpp
  rules.cpp
  frame.cpp
  decode.cpp
  encode.cpp)
mqttc_layer(session SOURCES
  alias.cpp
  inflight.cpp
  output.cpp
  packet_ids.cpp
  requests.cpp
  session.cpp
  session_publish.cpp
  session_acks.cpp
  session_receive.cpp
  session_resend.cpp
  session_save.cpp
  session_send.cpp
  ON codec)
mqttc_layer(net SOURCES
  connect.cpp
  endpoint.cpp
  http_head.cpp
  layers.cpp
  loop.cpp
  proxy.cpp
  resolve.cpp
  socket.cpp
  srv.cpp
  tls_module.cpp
  websocket.cpp
  websocket_frame.cpp
  websocket_handshake.cpp)
mqttc_layer(client ON codec session net SOURCES
  backoff.cpp
  callbacks.cpp
  client.cpp client_turn.cpp
  connection_lifecycle.cpp
  connection.cpp
  receive_buffer.cpp
  url.cpp)
