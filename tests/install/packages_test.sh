#!/bin/bash
# Builds the Debian packages of a release build, checks them with lintian, installs them, runs the programs, removes them.
#
# usage: packages_test.sh BUILD_DIRECTORY     exit code 77: skipped
. "$(dirname "$0")/../strict.sh"
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
die() { echo "packages_test.sh: $*" >&2; exit 1; }

(cd "$build" && cpack -G DEB -B "$work/deb") >"$work/cpack.log" 2>&1 || { cat "$work/cpack.log"; die "cpack failed"; }
debs=("$work"/deb/*.deb)
[ ${#debs[@]} -ge 5 ] || die "at least five packages are expected, not: ${debs[*]}"
"$here/judge.sh" "${debs[@]}" || die "the packages have errors"
of() { dpkg-deb -f "$work"/deb/$1_*.deb "$2"; }
for package in mqttc-clients "$(of libmqttc[0-9]* Package)"; do
    [[ $(of "$package" Depends) == *libc6* ]] || die "$package does not depend on its libraries: $(of "$package" Depends)"
done
# What needs libprotobuf is a package of its own, and only recommended.
if [ -e "$build/lib/mqttc/mqttc-protobuf.so" ]; then
    [[ $(of mqttc-clients Recommends) == *mqttc-protobuf* ]] || die "mqttc-clients does not recommend mqttc-protobuf"
    [[ $(of mqttc-clients Depends) != *protobuf* ]] || die "mqttc-clients depends on $(of mqttc-clients Depends)"
    [[ $(of mqttc-protobuf Depends) == *libprotobuf* ]] || die "mqttc-protobuf depends on $(of mqttc-protobuf Depends)"
fi
synopses=$(for deb in "${debs[@]}"; do dpkg-deb -W --showformat='${binary:Synopsis}\n' "$deb"; done)
[ -z "$(sort <<<"$synopses" | uniq -d)" ] || die "several packages have the same synopsis: $synopses"
# The manual in HTML: an index, which links to a file for each page.
dpkg-deb -x "$work"/deb/mqttc-doc_*.deb "$work/doc"
html=$work/doc/usr/share/doc/mqttc-doc/html
for page in "$here"/../../man/*.[1-8]; do
    page=$(basename "$page").html
    grep -q '<h1 class="Sh" id="DESCRIPTION">' "$html/$page" || die "mqttc-doc has no complete $page"
    grep -q "href=\"$page\"" "$html/index.html" || die "index.html of mqttc-doc does not link to $page"
done
grep -q 'href="mqtt_sub.1.html"' "$html/mqtt_pub.1.html" || die "mqtt_pub.1.html does not link to mqtt_sub.1.html"
for deb in "${debs[@]}"; do
    ! dpkg-deb -c "$deb" | grep testbroker || die "$deb contains mqtt_testbroker"
done
# Each shared library costs start-up time; TLS is a module that is loaded when needed.
for program in mqtt_pub mqtt_sub; do
    more=$(readelf -d "$build/bin/$program" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' |
        grep -vE '^(libc|ld-linux.*)\.so\.' || true)
    [ -z "$more" ] || die "$program is linked with unexpected libraries: $more"
done
# CLI11 needs iostreams, which bring 0.56 MB of locales. Each page that is loaded costs start-up time, so that the size as
# a whole is bounded.
for program in mqtt_pub mqtt_sub mqtt_passwd; do
    size=$(stat -c %s "$build/bin/$program")
    [ "$size" -le 3700000 ] || die "$program has $size bytes, more than 3700000"
done
if [ "$(id -u)" -ne 0 ]; then
    echo "skipped: only root can install packages"
    exit 77
fi
"$here/old_names.sh" "$work/deb" || die "mqttc-mosquitto and Mosquitto's packages cannot be installed together"
# Not the one that renames programs of this machine.
packages=() installed=()
for deb in "${debs[@]}"; do
    [[ $deb != *mqttc-mosquitto_* ]] || continue
    installed+=("$deb")
    packages+=("$(dpkg-deb -f "$deb" Package)")
done
for package in "${packages[@]}"; do
    if [[ $(dpkg-query -W -f='${Status}' "$package" 2>/dev/null) == *'ok installed'* ]]; then
        echo "skipped: $package is installed already, and this test would remove it"
        exit 77
    fi
done
trap 'dpkg -r "${packages[@]}" >/dev/null 2>&1; rm -rf "$work"' EXIT
apt-get -q -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "${installed[@]}" >"$work/apt.log" 2>&1 </dev/null ||
    { cat "$work/apt.log"; die "apt cannot install them"; }
for program in mqtt_pub mqtt_sub mqtt_passwd; do
    [ "$(command -v $program)" = "/usr/bin/$program" ] || die "$program is not in /usr/bin"
    [[ $(/usr/bin/$program --version) == mqtt* ]] || die "$program does not print its version"
done
/usr/bin/mqtt_passwd -b -c "$work/passwd" user secret 2>/dev/null
/usr/bin/mqtt_passwd --verify user --stdin "$work/passwd" <<<secret >/dev/null 2>&1 ||
    /usr/bin/mqtt_passwd --verify user "$work/passwd" <<<secret >/dev/null || die "the password cannot be verified"
if message=$(/usr/bin/mqtt_pub -p 1 -t a -m b --tls-use-os-certs 2>&1); then die "connecting to port 1 must fail"; fi
case $message in *module*) die "the TLS module was not found: $message" ;; esac
formats=(cbor)
[ ! -e "$build/lib/mqttc/mqttc-protobuf.so" ] || formats+=(sparkplug)
for format in "${formats[@]}"; do
    if message=$(/usr/bin/mqtt_pub -p 1 -t a -m '{}' --encode "$format" 2>&1); then die "connecting to port 1 must fail"; fi
    case $message in *connect*) ;; *) die "--encode $format: $message" ;; esac
done

# Each shell finds the completions by the name of the program.
for program in mqtt_pub mqtt_sub mqtt_passwd; do
    [[ $(bash --norc -c '. /usr/share/bash-completion/bash_completion; _completion_loader "$1"; complete -p "$1"' bash \
        $program 2>&1) == *"-F _$program "* ]] || die "bash does not complete $program"
    [ "$(zsh -f -c 'autoload -Uz compinit; compinit -u -D; print $_comps[$1]' zsh $program)" = _$program ] ||
        die "zsh does not complete $program"
    [[ $(HOME=$work fish -c "complete -C '$program --vers'") == --version* ]] || die "fish does not complete $program"
done

# The completions for Mosquitto's names, which need those installed.
dpkg-deb -x "$work"/deb/mqttc-mosquitto_*.deb "$work/names"
old=$work/names/usr/share
cp "$old"/bash-completion/completions/* "$work/"
ln -s /usr/share/bash-completion/completions/mqtt_* "$work/"
for name in pub sub rr passwd; do
    own=mqtt_${name/rr/pub} name=mosquitto_$name
    [[ $(bash --norc -c '. "$1"; complete -p "$2"' bash "$work/$name" $name 2>&1) == *"-F _$own "* ]] ||
        die "bash does not complete $name"
    [ "$(zsh -f -c 'fpath=("$2" $fpath); autoload -Uz compinit; compinit -u -D; print $_comps[$1]' zsh $name \
        "$old/zsh/vendor-completions")" = _$name ] || die "zsh does not complete $name"
    [[ $(HOME=$work fish -c "set -x PATH $work/names/usr/bin \$PATH; source $old/fish/vendor_completions.d/$name.fish
        complete -C '$name --vers'") == --version* ]] || die "fish does not complete $name"
done

# A program built from the examples of the development package.
cp -r /usr/share/doc/libmqttc-dev/examples "$work/own"
cmake -S "$work/own" -B "$work/own/build" >"$work/own.log" 2>&1 && cmake --build "$work/own/build" >>"$work/own.log" 2>&1 ||
    { cat "$work/own.log"; die "the examples cannot be built"; }
if message=$("$work/own/build/publish" mqtt://127.0.0.1:1 2>&1); then die "connecting to port 1 must fail"; fi
case $message in "publish: cannot connect to 127.0.0.1:1: "*) ;; *) die "unexpected message of the example: $message" ;; esac

trap 'rm -rf "$work"' EXIT
dpkg -r "${packages[@]}" >"$work/dpkg.log" 2>&1 || { cat "$work/dpkg.log"; die "dpkg cannot remove them"; }
[ ! -e /usr/bin/mqtt_pub ] || die "mqtt_pub was not removed"
echo "packages built, checked, installed, used, removed"
