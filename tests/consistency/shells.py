"""Asks bash, fish and zsh what they would offer for a command line that is not finished.

A question is a list of words, the last of which is being completed; an answer is the set of words offered.
"""

import os
import pty
import select
import shutil
import subprocess
import time

UNIT = "\x1f"
PATIENCE = 240  # seconds; only a failing test ever waits this long

# As bash-completion does it: the file that has the program's name, when the program is completed first.
BASH = r"""
while IFS= read -r line; do
    mapfile -d $'\x1f' -t COMP_WORDS < <(printf '%s' "$line")
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    COMP_LINE="${COMP_WORDS[*]}" COMP_POINT=${#COMP_LINE} COMPREPLY=()
    if [[ $COMP_WORDS != "$loaded" ]]; then
        complete -r
        source "$1/$COMP_WORDS"
        loaded=$COMP_WORDS
    fi
    read -r _ _ function _ < <(complete -p "${COMP_WORDS[0]}")
    "$function" "${COMP_WORDS[0]}" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
    printf '%s\x1f' "${COMPREPLY[@]}"
    echo
done
"""

FISH = r"""
set -g fish_complete_path $argv[1]
while read -l line
    echo (complete -C $line | string replace -r '\t.*' '' | string join \x1f)
end
"""

# compadd is what all completion functions end in: here it also writes down what it adds.
ZSH = r"""
unsetopt beep prompt_sp
PROMPT= RPROMPT=
fpath=("$ASK_COMPLETIONS" $fpath)
autoload -Uz compinit
compinit -u -D
zstyle ':completion:*' completer _complete
exec {ask}>"$ASK_ANSWERS"
compadd() {
    local argument
    local -a hits
    for argument; do
        case $argument in
            (-|--) break ;;
            (-O|-A|-D) builtin compadd "$@"; return ;;
        esac
    done
    builtin compadd -O hits "$@"
    (( $#hits )) && print -rn -u $ask -- ${(pj:\x1f:)hits}$'\x1f'
    builtin compadd "$@"
}
ask-widget() { _main_complete; compstate[insert]= compstate[list]=; print -u $ask }
zle -C ask complete-word ask-widget
bindkey '^I' ask
bindkey '^U' kill-whole-line
zle-line-init() { print -u $ask ready; zle -D zle-line-init }
zle -N zle-line-init
"""


def missing():
    """The shells that are not there."""
    return [shell for shell in ("bash", "fish", "zsh") if not shutil.which(shell)]


def environment(folder, programs, **more):
    return {"PATH": programs + ":" + os.environ["PATH"], "HOME": folder, "LC_ALL": "C.UTF-8", "TERM": "dumb", **more}


def answers_of(lines):
    return [{word for word in line.split(UNIT) if word} for line in lines]


def ask_bash(completions, programs, folder, questions):
    text = "".join("".join(word + UNIT for word in words) + "\n" for words in questions)
    done = subprocess.run(["bash", "--norc", "-c", BASH, "bash", os.path.join(completions, "bash")],
                          input=text, cwd=folder, env=environment(folder, programs), capture_output=True, text=True,
                          timeout=PATIENCE, check=True)
    if done.stderr:
        raise RuntimeError("bash: " + done.stderr)
    return answers_of(done.stdout.splitlines())


def ask_fish(completions, programs, folder, questions):
    text = "".join(" ".join(words) + "\n" for words in questions)
    done = subprocess.run(["fish", "--no-config", "-c", FISH, os.path.join(completions, "fish")], input=text,
                          cwd=folder, env=environment(folder, programs), capture_output=True, text=True, timeout=PATIENCE,
                          check=True)
    if done.stderr:
        raise RuntimeError("fish: " + done.stderr)
    return answers_of(done.stdout.splitlines())


class Zsh:
    """An interactive zsh on a terminal of its own, whose Tab key answers through a FIFO."""

    def __init__(self, completions, programs, folder):
        self.fifo = os.path.join(folder, ".answers")
        os.mkfifo(self.fifo)
        with open(os.path.join(folder, ".zshrc"), "w", encoding="utf-8") as file:
            file.write(ZSH)
        self.answers = os.open(self.fifo, os.O_RDWR | os.O_NONBLOCK)
        self.terminal, slave = pty.openpty()
        env = environment(folder, programs, ZDOTDIR=folder, ASK_ANSWERS=self.fifo, ASK_COMPLETIONS=os.path.join(completions, "zsh"))
        self.process = subprocess.Popen(["zsh", "-d", "-i"], stdin=slave, stdout=slave, stderr=slave, cwd=folder,
                                        env=env, start_new_session=True)
        os.close(slave)
        self.buffer = ""
        self.shown = ""
        self.line()

    def line(self):
        end = time.monotonic() + PATIENCE
        while "\n" not in self.buffer:
            ready, _, _ = select.select([self.answers, self.terminal], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                raise RuntimeError("zsh does not answer; its terminal shows: " + self.shown[-2000:])
            if self.terminal in ready:
                self.shown += os.read(self.terminal, 65536).decode(errors="replace")
            if self.answers in ready:
                self.buffer += os.read(self.answers, 65536).decode()
        line, _, self.buffer = self.buffer.partition("\n")
        return line

    def ask(self, words):
        os.write(self.terminal, b"\x15" + " ".join(words).encode() + b"\t")
        return self.line()

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.terminal)
        os.close(self.answers)
        os.unlink(self.fifo)


def ask_zsh(completions, programs, folder, questions):
    zsh = Zsh(completions, programs, folder)
    try:
        return answers_of([zsh.ask(words) for words in questions])
    finally:
        zsh.close()


ASK = {"bash": ask_bash, "fish": ask_fish, "zsh": ask_zsh}
