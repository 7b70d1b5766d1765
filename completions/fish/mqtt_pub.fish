# fish completion for mqtt_pub; what mqtt_sub shares stands here too and is loaded by mqtt_sub.fish.
# tests/in_step/options_parity.py compares it with the programs.

# Whether the word being completed is the second value of -D.
function __mqttc_wants_property
    set -l words (commandline -opc)
    test (count $words) -gt 2; and contains -- $words[-2] -D --property
end

# The properties that the command of -D, the word in front, takes.
function __mqttc_properties
    set -l message payload-format-indicator message-expiry-interval content-type response-topic correlation-data
    set -l names
    switch (commandline -opc)[-1]
        case connect
            set names session-expiry-interval receive-maximum maximum-packet-size topic-alias-maximum \
                request-response-information request-problem-information authentication-method authentication-data
        case publish
            set names $message topic-alias
        case will
            set names $message will-delay-interval
        case subscribe
            set names subscription-identifier
        case disconnect
            set names session-expiry-interval reason-string
    end
    printf '%s\n' $names user-property
end

# The options that mqtt_pub and mqtt_sub share.
function __mqttc_shared --argument-names program
    set -l c complete -c $program
    $c -f
    $c -n __mqttc_wants_property -a '(__mqttc_properties)'
    $c -s q -l qos -x -a '0 1 2' -d 'quality of service'
    $c -s h -l host -x -a '(__fish_print_hostnames)' -d broker
    $c -s p -l port -x -d port
    $c -s L -l url -x -d 'broker, user and topic in one'
    $c -l unix -r -F -d 'unix domain socket'
    $c -s S -d 'DNS SRV records'
    $c -s A -x -a '(__fish_print_hostnames)' -d 'local address'
    $c -s V -l protocol-version -x -a 'mqttv31 mqttv311 mqttv5 31 311 5' -d 'MQTT version'
    $c -s k -l keepalive -x -d 'keep-alive, seconds'
    $c -l connect-timeout -x -d 'for name, connection and CONNACK'
    $c -l ack-timeout -x -d 'longest wait for an acknowledgement'
    $c -s W -x -d 'stop after that time'
    $c -l reconnect -x -a 'never forever' -d tries
    $c -l reconnect-delay -x -d 'between tries, MIN[:MAX]'
    $c -s M -l max-inflight -x -d 'unacknowledged messages'
    $c -l max-packet-size -x -d 'largest packet accepted'
    $c -l nodelay -d TCP_NODELAY
    $c -s i -l id -x -d 'client id'
    $c -s I -l id-prefix -x -d 'client id is prefix and process id'
    $c -s u -l username -x -d 'user name'
    $c -s P -l pw -x -d password
    $c -l password-file -r -F -d 'password from a file'
    $c -l ask-password -d 'ask on the terminal'
    $c -s c -l disable-clean-session -d 'the broker keeps the session'
    $c -s x -x -d 'session expiry'
    $c -s D -l property -x -a 'connect publish will subscribe unsubscribe disconnect' -d 'MQTT 5 property'
    $c -l cafile -r -F -d 'trusted certificates'
    $c -l capath -x -a '(__fish_complete_directories (commandline -ct))' -d 'folder of trusted certificates'
    $c -l tls-use-os-certs -d "trust the system's certificates"
    $c -l cert -r -F -d 'client certificate'
    $c -l key -r -F -d 'its key'
    $c -l key-passphrase-file -r -F -d "the key's passphrase"
    $c -l ciphers -x -d 'of TLS 1.2'
    $c -l tls13-ciphers -x -d 'of TLS 1.3'
    $c -l tls-version -x -a 'tlsv1.2 tlsv1.3' -d 'lowest version'
    $c -l tls-alpn -x -d 'ALPN protocol'
    $c -l insecure -d 'verify nothing'
    $c -l tls-keylog -r -F -d 'session keys for Wireshark'
    $c -l psk -x -d 'pre-shared key in hex'
    $c -l psk-file -r -F -d 'pre-shared key from a file'
    $c -l psk-identity -x -d 'its name'
    $c -l no-tls -d 'no TLS'
    $c -l ws -d 'MQTT over WebSocket'
    $c -l ws-path -x -d 'path of the WebSocket'
    $c -l ws-header -x -d 'header line of the request'
    $c -l proxy -x -d 'through a proxy'
    $c -l will-topic -x -d 'topic of the Will'
    $c -l will-payload -x -d 'its payload'
    $c -l will-qos -x -a '0 1 2' -d 'its QoS'
    $c -l will-retain -d 'it is retained'
    $c -s o -r -F -d 'read options from a file'
    $c -l profile -x -d 'read shared options'
    $c -l stats -d 'summary at the end'
    $c -s d -l debug -d 'a line for each packet'
    $c -l quiet -d 'no error messages'
    $c -l help -d 'print the options'
    $c -l version -d 'print the version'
end

__mqttc_shared mqtt_pub
complete -c mqtt_pub -s t -l topic -x -d 'topic to publish to'
complete -c mqtt_pub -s m -l message -x -d payload
complete -c mqtt_pub -s f -l file -r -F -d 'payload from a file'
complete -c mqtt_pub -s l -l stdin-line -d 'each line of stdin is a message'
complete -c mqtt_pub -s s -l stdin-file -d 'all of stdin is one message'
complete -c mqtt_pub -s n -l null-message -d 'empty payload'
complete -c mqtt_pub -s r -l retain -d 'the broker keeps the message'
complete -c mqtt_pub -l encoding -x -a 'raw hex base64' -d 'how payloads are written'
complete -c mqtt_pub -l input -x -a 'lines topic json' -d 'what lines hold'
complete -c mqtt_pub -l separator -x -d 'between topic and payload'
complete -c mqtt_pub -l skip-invalid -d "go on after lines that can't be read"
complete -c mqtt_pub -l replay -d 'keep the time between messages'
complete -c mqtt_pub -l speed -x -d 'replay so many times faster'
complete -c mqtt_pub -l repeat -x -d 'publish several times'
complete -c mqtt_pub -l repeat-delay -x -d 'wait between repeated messages'
complete -c mqtt_pub -l rate -x -d 'messages a second at most'
complete -c mqtt_pub -l request -d 'publish a request, print the answers'
complete -c mqtt_pub -l response-topic -x -d 'where answers are expected'
complete -c mqtt_pub -s C -x -d 'end after so many answers'
complete -c mqtt_pub -l stamp -d 'number and time in front of payloads'
complete -c mqtt_pub -l progress -d 'show the progress'
