#!/bin/bash
# What install.sh does with packages that were changed in the registry; npm and chromium are replaced by scripts.
. "$(dirname "$0")/../../strict.sh"
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
die() { echo "install_test.sh: $*" >&2; exit 1; }

mkdir -p "$work/bin" "$work/package/dist"
echo 'alert("changed")' >"$work/package/dist/mqtt.min.js"
tar -czf "$work/changed.tgz" -C "$work" package
printf '#!/bin/sh\n' >"$work/bin/chromium"
# `npm pack --pack-destination DIRECTORY ...` and `npm install --prefix DIRECTORY ...`
cat >"$work/bin/npm" <<SH
#!/bin/sh
mkdir -p "\$3/node_modules/mqtt"
cp "$work/changed.tgz" "\$3" && tar -xzf "$work/changed.tgz" -C "\$3/node_modules/mqtt" --strip-components=1
echo changed.tgz
SH
chmod +x "$work"/bin/*

for existing in no yes; do
    [ $existing = no ] || { mkdir -p "$work/browser/node_modules/mqtt"; cp -r "$work/package/dist" "$work/browser/node_modules/mqtt"; }
    if output=$(PATH=$work/bin:$PATH "$here/install.sh" "$work/browser" 2>&1); then die "a changed package is accepted (existing: $existing)"; fi
    case $output in *"another sha512 than expected: the test with the browser will be skipped") ;; *) die "it prints: $output" ;; esac
    [ ! -e "$work/browser/node_modules/mqtt/dist/mqtt.min.js" ] || die "the changed file was left for the test (existing: $existing)"
done
echo "a changed package of MQTT.js is not used"
