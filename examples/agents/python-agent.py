#!/usr/bin/env python3
"""An agent of Muster with Python's standard library: it offers `shout`, {"text": "hello"} -> {"text": "HELLO"}.
docs/agent-protocol.md explains every request.
MUSTER_URL=http://localhost:6878 MUSTER_API_KEY=... python3 examples/agents/python-agent.py"""
import contextlib, json, os, signal, sys, threading, time, urllib.error, urllib.request

URL, KEY = os.environ.get("MUSTER_URL", "http://localhost:6878"), os.environ["MUSTER_API_KEY"]
TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}}
CARD = {"name": "python-agent", "capabilities": [{"name": "shout", "inputSchema": TEXT, "outputSchema": TEXT}]}
agent, held = {}, []  # What registering gave; the lease in hand, which heartbeats keep alive.

def call(method, path, token, body=None):
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(URL + path.format(**agent), data, headers, method=method)
    with urllib.request.urlopen(request, timeout=40) as response:
        return json.load(response)

def operation(name, body):
    return call("POST", "/v1/agents/{agentId}/operations/" + name, agent["session"], body)

def register():
    known = {"id": agent["agentId"]} if agent else {}
    agent.update(call("POST", "/v1/agents", KEY, {**known, **CARD}))
    print(f"Registered as {agent['agentId']}.", flush=True)

def patiently(work):
    """Waits out a server that is away, and registers again with one that has forgotten us."""
    while True:
        try:
            return work()
        except urllib.error.HTTPError as error:
            if error.code == 409:  # lease_lost: another agent has the task now, so the result is dropped.
                return None
            if error.code in (401, 404) and agent and work is not register:
                patiently(register)
            elif error.code < 500 and error.code != 429:
                sys.exit(f"Refused: {error.read().decode()}")
        except OSError as error:
            print(f"Muster cannot be reached at {URL}: {error}", file=sys.stderr)
        time.sleep(1)

def heartbeats():
    while True:
        time.sleep(agent["heartbeatMs"] / 1000)
        with contextlib.suppress(OSError):  # The main loop sees to it.
            operation("heartbeat", {"tasks": list(held)})

signal.signal(signal.SIGINT, lambda *_: sys.exit())
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
try:
    patiently(register)
    threading.Thread(target=heartbeats, daemon=True).start()
    while True:
        inbox = patiently(lambda: call("GET", "/v1/agents/{agentId}/messages?waitMs=25000&max=1", agent["session"]))
        for task in [message["payload"] for message in inbox["messages"] if message["type"] == "task_request"]:
            held[:] = [{"taskId": task["taskId"], "leaseToken": task["leaseToken"]}]
            outcome = {"status": "completed", "output": {"text": task["input"]["text"].upper()}}
            patiently(lambda: operation("settle", {**held[0], "outcome": outcome}))
            held.clear()
finally:
    with contextlib.suppress(OSError, KeyError):  # Says goodbye, if there is anybody to say it to.
        operation("leave", {})
