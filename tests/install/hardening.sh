#!/bin/bash
# Reads the protections of the compiler and the linker back from every binary of a release build, of any architecture.
#
# usage: hardening.sh BUILD_DIRECTORY
. "$(dirname "$0")/../strict.sh"
export LC_ALL=C
build=$(cd "$1" && pwd)
source=$(cd "$(dirname "$0")/../.." && pwd)
failed=0
wrong() { echo "hardening.sh: $*" >&2; failed=1; }
# lacks FILE TEXT WHAT   reports WHAT unless a line of $about contains TEXT
lacks() { grep -qE "$2" <<<"$about" || wrong "${1#"$build"/} has no $3"; }

count=0
for file in "$build"/bin/mqtt_* "$build"/lib/libmqttc.so "$build"/lib/mqttc/*.so; do
    count=$((count + 1))
    about=$(readelf -W -h -l -d --dyn-syms "$file")
    lacks "$file" '^ *Type: +DYN ' 'position-independent code'
    lacks "$file" 'GNU_STACK .* RW +0x' 'stack that cannot be executed'
    lacks "$file" 'GNU_RELRO ' 'read-only relocations (-z relro)'
    lacks "$file" '\(FLAGS_1\).* NOW' 'binding at the start (-z now)'
    lacks "$file" ' UND __stack_chk_fail' 'stack protector'
    # The screen module calls no function that has a checked variant.
    [[ $file == */mqttc-screen.so ]] || lacks "$file" ' UND __[a-z_]+_chk(@|$)' 'checked function of _FORTIFY_SOURCE'
    for tag in TEXTREL RPATH RUNPATH; do
        ! grep -qF "($tag)" <<<"$about" || wrong "${file#"$build"/} has a $tag"
    done
done
[ "$count" -ge 5 ] || wrong "three programs, the library and the TLS module are expected in $build"

# The C start-up files of Debian 12 lack the note of control-flow protection, so that no linked binary can have it: only the
# objects show that ours are compiled with it.
case $(readelf -h "$build/bin/mqtt_pub" | sed -n 's/^ *Machine: *//p') in
    *X86-64*) note='IBT, SHSTK' ;;
    AArch64) note='BTI, PAC' ;;
    *) note= ;;
esac
# Not `find`: a build directory that was used before has objects of removed sources.
objects=$(sed -nE 's@^ *"command": "(.* -o ([^ ]+) -c [^ ]*/(libmqttc|apps)/.*)",?$@\1|\2@p' "$build/compile_commands.json")
while IFS='|' read -r command object; do
    count=$((count + 1))
    [[ $command == *" -D_FORTIFY_SOURCE="* ]] || wrong "$object is compiled without _FORTIFY_SOURCE"
    [ -z "$note" ] || readelf -n "$build/$object" | grep -F "feature: $note" >/dev/null ||
        wrong "$object is compiled without $note"
done <<<"$objects"
# How many objects there are depends on how many sources a unity build puts into one.
for directory in libmqttc "$source"/apps/*/; do
    directory=${directory#"$source"/}
    grep -F "|${directory%/}/" <<<"$objects" >/dev/null || wrong "no object of ${directory%/} was found in $build"
done
[ $failed -eq 0 ] && echo "hardening: $count programs, libraries and objects have all protections"
exit $failed
