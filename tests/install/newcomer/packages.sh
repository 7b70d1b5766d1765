#!/bin/bash
# Installs the packages in ~/debs with apt, and uses the programs with Debian's broker: TCP, WebSocket, TLS, passwords.
set -euo pipefail
die() { echo "packages.sh: $*" >&2; exit 1; }
cd
debs=(./debs/{mqttc-clients,mqttc-doc,libmqttc}*.deb)
sudo apt-get -qq install "${debs[@]}" >/tmp/apt.log 2>&1 || { cat /tmp/apt.log; die "apt cannot install the packages"; }
sudo apt-get -qq install mosquitto ca-certificates openssl >/dev/null
! command -v c++ || die "this system has a compiler: the packages must work without one"
for program in mqtt_pub mqtt_sub mqtt_passwd; do $program --version; done
[ ! -e /usr/bin/mqtt_testbroker ] || die "mqtt_testbroker is in a package"
[ -s /usr/share/doc/mqttc-doc/html/mqtt_sub.1.html ] || die "mqttc-doc has no HTML manual"

openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out ca.pem -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost 2>/dev/null
sudo install -m 644 ca.pem key.pem /etc/mosquitto/certs/
sudo mqtt_passwd -b -c /etc/mosquitto/passwd sondes mot2passe 2>&1
owner=$(sudo stat -c %U:%G:%a /etc/mosquitto/passwd)
[ "$owner" = root:mosquitto:640 ] || die "the broker cannot read the password file: $owner"
sudo tee /etc/mosquitto/conf.d/newcomer.conf >/dev/null <<'CONF'
allow_anonymous false
password_file /etc/mosquitto/passwd
listener 1883
listener 9001
protocol websockets
listener 8883
certfile /etc/mosquitto/certs/ca.pem
keyfile /etc/mosquitto/certs/key.pem
CONF
sudo systemctl start mosquitto
for port in 1883 9001 8883; do
    for _ in {1..100}; do
        ! (exec 3<>/dev/tcp/localhost/$port) 2>/dev/null || continue 2
        sleep 0.1
    done
    sudo cat /var/log/mosquitto/mosquitto.log || true
    die "the broker does not listen on port $port"
done

export MQTT_PASSWORD=mot2passe
mqtt_pub -u sondes -t maison/salon/temp -r -m 21.5 -q 1
for url in mqtt://sondes@localhost ws://sondes@localhost:9001 mqtts://sondes@localhost:8883; do
    ca=()
    [[ $url != mqtts:* ]] || ca=(--cafile ca.pem)
    mqtt_pub "${ca[@]}" -L "$url/from/$port" -m hello -q 2 || die "mqtt_pub fails with $url"
    message=$(mqtt_sub "${ca[@]}" -L "$url/maison/salon/temp" -C 1 -W 20) || die "mqtt_sub fails with $url"
    [ "$message" = 21.5 ] || die "with $url mqtt_sub printed: $message"
    echo "$url: delivered"
done
message=$(mqtt_pub -t a -m b 2>&1) && die "a client without a password must be refused"
echo "$message"
message=$(mqtt_pub -L mqtts://sondes@localhost:8883/a -m b 2>&1) && die "an unknown certificate must be refused"
[[ $message == *certificate* ]] || die "no word of the certificate: $message"
echo "$message"
sudo mqtt_passwd --verify sondes --stdin /etc/mosquitto/passwd <<<mot2passe || die "mqtt_passwd cannot verify the password"

# The names of Mosquitto's programs, while its packages stay installed.
sudo apt-get -qq install ./debs/mqttc-mosquitto*.deb >/tmp/apt.log 2>&1 || { cat /tmp/apt.log; die "apt cannot install mqttc-mosquitto"; }
[ "$(mosquitto_sub -u sondes -P mot2passe -t maison/salon/temp -C 1 -W 20)" = 21.5 ] || die "mosquitto_sub does not receive"
[[ $(mosquitto_passwd --version) == "mosquitto_passwd (mqtt_passwd "* ]] || die "mosquitto_passwd is not ours"
[ -x /usr/bin/mosquitto_passwd.distrib ] || die "the broker's mosquitto_passwd was not renamed"
sudo apt-get -qq purge mqttc-mosquitto >/dev/null
[[ $(dpkg -S "$(command -v mosquitto_passwd)") == mosquitto:* ]] && [ ! -L /usr/bin/mosquitto_passwd ] || die "the broker's mosquitto_passwd has not its name back"

sudo systemctl stop mosquitto
packages=$(for deb in "${debs[@]}"; do dpkg-deb -f "$deb" Package; done)  # without /proc there is no <(...)
# shellcheck disable=SC2086
sudo apt-get -qq purge $packages >/dev/null
[ ! -e /usr/bin/mqtt_pub ] && [ ! -e /usr/share/doc/mqttc-doc ] || die "apt has not removed the packages"
