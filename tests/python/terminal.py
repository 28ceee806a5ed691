"""What a program says at a terminal: `terminal.py WORD PROGRAM ARGUMENT...` runs it at one until a line has the word, interrupts
it, and prints what it said, as one JSON line."""

import json
import os
import pty
import signal
import sys

word, *program = sys.argv[1:]
child, terminal = pty.fork()
if child == 0:
    os.execv(program[0], program)
said = b""
interrupted = False
while True:
    try:
        read = os.read(terminal, 65536)
    except OSError:
        break
    if not read:
        break
    said += read
    if word.encode() in said and not interrupted:
        interrupted = True
        os.kill(child, signal.SIGINT)
os.waitpid(child, 0)
print(json.dumps({"said": said.decode()}))
