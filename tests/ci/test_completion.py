#!/usr/bin/env python3
"""Completion scripts in the real shells: test_completion.py BIN.

What a shell offers for a line is compared with the program's own help.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

BIN = os.path.abspath(sys.argv.pop(1))
PROGRAMS = ["derpmap", "derpverify"]

BASH = r"""
source "$1"
COMP_WORDS=("${@:2}")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
COMP_LINE="${COMP_WORDS[*]}"
COMP_POINT=${#COMP_LINE}
compopt() { printf 'compopt %s\n' "$*"; }
"_$2"
printf '%s\n' "${COMPREPLY[@]}"
"""

# A zsh in a terminal of its own; compadd says what would be offered.
ZSH = r"""
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z "PS1= PS2= RPS1= ; unsetopt zle_bracketed_paste beep; stty columns 200"
zpty -w z "fpath=(${(q)1} \$fpath); autoload -Uz compinit; compinit -u -d ${(q)1}/dump"
zpty -w z "cd ${(q)1}/files"
zpty -w z 'compadd() {
  if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then builtin compadd "$@"; return; fi
  typeset -a offered; builtin compadd -A offered "$@"
  (( $#offered )) && print -rl -- OFFER:${^offered}; builtin compadd "$@"
}'
zpty -w z 'offers() { print -n BE; print GIN; zle complete-word; print -n EN; print D }'
zpty -w z "zle -C complete-word complete-word _main_complete; bindkey '^I' complete-word"
zpty -w z 'finish() { print -n EN; print D; zle -I; exit }; zle -N finish; bindkey "^B" finish'
zpty -w z 'print -n REA; print DY'
zpty -r z line '*READY*'
zpty -n -w z "$2"$'\t'
sleep 1
zpty -n -w z $'\x02'
zpty -r z line '*END*' && print -r -- "$line"
zpty -d z
"""


def help_of(program, *words):
    return subprocess.run([f"{BIN}/{program}", *words, "--help"],
                          capture_output=True, text=True, timeout=120,
                          check=False).stdout


def commands_of(program):
    listed = help_of(program).split("commands:\n")[1].split("\n\n")[0]
    return re.findall(r"^  (\w+) ", listed, re.M)


def commands_of_relay():
    """Of derper, whose --help is about its flags."""
    text = subprocess.run([f"{BIN}/derper", "help"], capture_output=True,
                          text=True, timeout=120, check=True).stdout
    listed = text.split("commands:\n")[1].split("\n\n")[0]
    return re.findall(r"^  (\w+) ", listed, re.M) + ["help"]


def options_of(program, command):
    names = re.findall(r"^  -(\S+)(?: \S+)?\n    \t", help_of(program, command),
                       re.M)
    return {("--" if len(n) > 1 else "-") + n for n in names} | {"--help"}


def choices_of(program, command):
    """Options that take one of some names, with the names."""
    found = {}
    for name, names, last in re.findall(
            r"^  -(\S+) [^\s=]+\n    \t.*?: ([a-z0-9., ]+) or ([a-z0-9.]+)"
            r"(?: \(default .*)?$",
            help_of(program, command), re.M):
        found[name] = {*names.split(", "), last}
    return found


@unittest.skipUnless(all(map(shutil.which, ("bash", "zsh", "fish"))),
                     "bash, zsh and fish are needed")
class Completion(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.holder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.holder.cleanup)
        cls.folder = pathlib.Path(cls.holder.name)
        (cls.folder / "files/sub").mkdir(parents=True)
        (cls.folder / "files/map.yaml").write_text("")
        for program in PROGRAMS:
            for shell, name in (("bash", f"{program}.bash"),
                                ("zsh", f"_{program}"),
                                ("fish", f"{program}.fish")):
                done = subprocess.run([f"{BIN}/{program}", "completion", shell],
                                      capture_output=True, timeout=120,
                                      check=True)
                (cls.folder / name).write_bytes(done.stdout)
        for shell, name in (("bash", "derper.bash"), ("zsh", "_derper"),
                            ("fish", "derper.fish")):
            done = subprocess.run([f"{BIN}/derper", "-completion", shell],
                                  capture_output=True, timeout=120, check=True)
            (cls.folder / name).write_bytes(done.stdout)

    def run_in(self, *command):
        env = {**os.environ, "HOME": str(self.folder), "LC_ALL": "C.UTF-8",
               "XDG_DATA_HOME": str(self.folder), "TERM": "vt100",
               "XDG_CONFIG_HOME": str(self.folder)}
        done = subprocess.run(command, cwd=self.folder / "files", env=env,
                              capture_output=True, text=True, timeout=60,
                              check=False)
        return done.stdout.replace("\r", "").splitlines()

    def bash(self, *words):
        lines = self.run_in("bash", "-c", BASH, "bash",
                            str(self.folder / f"{words[0]}.bash"), *words)
        return [x for x in lines if x]

    def fish(self, line):
        program = line.split()[0]
        lines = self.run_in("fish", "-c", f"source {self.folder}/{program}.fish;"
                            f" complete -C '{line}'")
        return [x.split("\t")[0] for x in lines]

    def zsh(self, line):
        lines = self.run_in("zsh", "-f", "-c", ZSH, "zsh", str(self.folder),
                            line)
        return [x.split("OFFER:")[1] for x in lines if "OFFER:" in x]

    def test_the_scripts_are_well_formed(self):
        for program in [*PROGRAMS, "derper"]:
            for command in (["bash", "-n", f"{program}.bash"],
                            ["zsh", "-n", f"_{program}"],
                            ["fish", "-n", f"{program}.fish"]):
                done = subprocess.run(command, cwd=self.folder, timeout=120,
                                      capture_output=True, check=False)
                self.assertEqual((done.returncode, done.stderr), (0, b""),
                                 command)

    def test_flags_of_the_relay(self):
        text = subprocess.run([f"{BIN}/derper", "-h"], capture_output=True,
                              text=True, timeout=120, check=True).stdout
        want = {"-" + x for x in re.findall(r"^  -(\S+)", text, re.M)} | {"-h"}
        self.assertIn("-verify-config", want)
        commands = set(commands_of_relay())
        self.assertEqual(commands, {"close", "doctor", "drain", "reload", "status", "help"})
        self.assertEqual(set(self.bash("derper", "")) - {"compopt +o default"},
                         want | commands)
        self.assertEqual(set(self.bash("derper", "-dev", "")) - {"compopt +o default"},
                         want)
        self.assertEqual(set(self.fish("derper ")), commands)
        self.assertEqual(set(self.zsh("derper dr")), {"drain"})
        self.assertEqual(set(self.zsh("derper do")), {"doctor"})
        for command in commands - {"help"}:
            options = options_of("derper", command)
            self.assertEqual(set(self.bash("derper", command, "")) - {"compopt +o default"},
                             options)
        self.assertEqual(self.bash("derper", "status", "--order", ""), ["traffic", "key"])
        self.assertEqual(self.zsh("derper drain --wit"), ["--within"])
        self.assertEqual(set(self.fish("derper -")), want)
        self.assertEqual(self.bash("derper", "-verify-config", ""), [])
        for words in (["-certdir", ""], ["--certdir", "="]):
            self.assertEqual(self.bash("derper", *words),
                             ["compopt -o dirnames +o default"])
        self.assertEqual(self.bash("derper", "-max-connections", ""),
                         ["compopt +o default"])
        self.assertEqual(self.fish("derper -verify-config "),
                         ["map.yaml", "sub/"])
        self.assertEqual(self.zsh("derper -verify-conf"), ["-verify-config"])
        wrong = subprocess.run([f"{BIN}/derper", "-completion", "tcsh"],
                               capture_output=True, text=True, timeout=120,
                               check=False)
        self.assertEqual((wrong.returncode, wrong.stdout), (1, ""))
        self.assertIn("neither bash nor zsh nor fish", wrong.stderr)

    def test_commands(self):
        for program in PROGRAMS:
            want = set(commands_of(program)) | {"help"}
            self.assertIn("completion", want)
            self.assertEqual(set(self.bash(program, "")),
                             want | {"--help", "--version",
                                     "compopt +o default"})
            self.assertEqual(set(self.fish(f"{program} ")), want)
            self.assertEqual(set(self.bash(program, "help", "")) - {"compopt +o default"},
                             want - {"help"})
            self.assertEqual(set(self.fish(f"{program} help ")), want - {"help"})

    def test_options(self):
        for program in PROGRAMS:
            for command in commands_of(program):
                with self.subTest(f"{program} {command}"):
                    want = options_of(program, command)
                    self.assertEqual(set(self.bash(program, command, "-")),
                                     want)
                    # fish offers long options after two dashes, short ones
                    # after one
                    got = set(self.fish(f"{program} {command} --")) | set(
                        self.fish(f"{program} {command} -"))
                    self.assertEqual({x for x in got if x.startswith("-")},
                                     want)

    def test_values(self):
        seen = 0
        for program in PROGRAMS:
            for command in commands_of(program):
                for name, names in choices_of(program, command).items():
                    with self.subTest(f"{program} {command} --{name}"):
                        seen += 1
                        option = f"--{name}"
                        for words in ([option, ""], [option, "=", ""],
                                      [option, "="], [f"-{name}", ""]):
                            self.assertEqual(
                                set(self.bash(program, command, *words)), names)
                        self.assertEqual(
                            set(self.fish(f"{program} {command} {option} ")),
                            names)
        self.assertGreaterEqual(seen, 15)

    def test_beginnings(self):
        self.assertEqual(self.bash("derpmap", "lint", "--format", "s"),
                         ["sarif"])
        self.assertEqual(self.bash("derpmap", "lint", "--min"),
                         ["--min-client"])
        self.assertEqual(self.bash("derpmap", "completion", "z")[-1:], ["zsh"])
        self.assertEqual(self.fish("derpmap completion z"), ["zsh"])
        self.assertEqual(self.fish("derpmap lint --format s"), ["sarif"])

    def test_files(self):
        # bash completes files when a function offers nothing
        self.assertEqual(self.bash("derpmap", "lint", ""), [])
        self.assertEqual(self.bash("derpmap", "convert", "--into", ""), [])
        self.assertEqual(self.bash("derpmap", "generate", "--certdir", ""),
                         ["compopt -o dirnames +o default"])
        self.assertEqual(self.bash("derpmap", "generate", "--ipv4", ""),
                         ["compopt +o default"])
        for line in ("derpmap lint ", "derpmap convert --into ",
                     "derpverify list "):
            self.assertEqual(self.fish(line), ["map.yaml", "sub/"], line)
        self.assertEqual(self.fish("derpmap generate --certdir "), ["sub/"])
        self.assertEqual(self.fish("derpmap generate "), [])

    def test_zsh(self):
        """Each line starts a shell: a few that go through all of the script."""
        self.assertEqual(set(self.zsh("derpmap ")) & set(commands_of("derpmap")),
                         set(commands_of("derpmap")))
        self.assertEqual(set(self.zsh("derpmap lint --format ")),
                         choices_of("derpmap", "lint")["format"])
        self.assertEqual(set(self.zsh("derpmap merge --to=")),
                         choices_of("derpmap", "merge")["to"])
        self.assertEqual(set(self.zsh("derpmap completion ")),
                         {"bash", "zsh", "fish"})
        got = {x.split(":")[0].rstrip("=") for x in self.zsh("derpmap merge -")}
        self.assertEqual(got, options_of("derpmap", "merge"))
        self.assertIn("map.yaml", self.zsh("derpmap lint "))


if __name__ == "__main__":
    unittest.main()
