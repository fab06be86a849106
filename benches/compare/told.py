#!/usr/bin/env python3
"""Times capture, sandbox, run, scan and warm verify, each beside a peer in the same run on the same machine.

usage: told.py --mcpsec BIN --shared DIR [--sandbox-bench BIN] [--scratch DIR] [--rounds N] [--only PART]

Needs the registries once, to lock five servers into a scratch store (kept with --scratch); after that everything is offline.
Every round runs each contender once, in turn, so that a slow moment of the machine hits all of them. Prints medians of wall
and CPU time (user + system, with all descendants) and ratios as a Markdown table. Nothing is asserted: these are measurements,
not tests.
"""
import argparse, json, os, pathlib, resource, shutil, statistics, subprocess, sys, tempfile, time

EVERYTHING = "@modelcontextprotocol/server-everything"
SERVERS = [
    ("everything", f"npm:{EVERYTHING}"),
    ("memory", "npm:@modelcontextprotocol/server-memory"),
    ("thinking", "npm:@modelcontextprotocol/server-sequential-thinking"),
    ("time", "pypi:mcp-server-time"),
    ("fetch", "pypi:mcp-server-fetch"),
]
HELLO = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "bare", "version": "1"}}
LISTS = [("tools", "tools/list", "tools"), ("prompts", "prompts/list", "prompts"), ("resources", "resources/list", "resources"),
         ("resources", "resources/templates/list", "resourceTemplates")]


def timed(action):
    """Gives (wall seconds, CPU seconds of children that ended)."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    action()
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def run(command, env, cwd=None, codes=(0,), stdin=None):
    done = subprocess.run(command, env=env, cwd=cwd, capture_output=True, text=True, stdin=stdin or subprocess.DEVNULL)
    if done.returncode not in codes:
        sys.exit(f"{' '.join(map(str, command))} exited {done.returncode}:\n{done.stderr[-900:]}{done.stdout[-900:]}")
    return done.stdout


class Client:
    """The least that hears a server out: one process, one session, every list once."""

    def __init__(self, command, env, cwd=None):
        self.process = subprocess.Popen(command, env=env, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.id = 0

    def send(self, message):
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        self.process.stdin.flush()

    def ask(self, method, params):
        self.id += 1
        self.send({"id": self.id, "method": method, "params": params})
        for line in self.process.stdout:
            answer = json.loads(line)
            if answer.get("id") == self.id and "method" not in answer:
                return answer["result"]
        sys.exit(f"the server ended before it answered {method}")

    def greet(self):
        return self.ask("initialize", HELLO)

    def lists(self, capabilities):
        self.send({"method": "notifications/initialized"})
        for capability, method, key in LISTS:
            cursor = None
            while capability in capabilities:
                page = self.ask(method, {"cursor": cursor} if cursor is not None else {})
                cursor = page.get("nextCursor")
                if cursor is None:
                    break

    def kill(self):
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            stream.close()

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(2)
        except subprocess.TimeoutExpired:
            self.process.terminate()
            self.process.wait()
        self.process.stdout.close()


def hear(command, env):
    client = Client(command, env)
    client.lists(client.greet()["capabilities"])
    client.kill()


def greet(command, env, cwd=None, kill=True):
    """Seconds until the first answer; the end is not counted."""
    start = time.perf_counter()
    client = Client(command, env, cwd)
    client.greet()
    wall = time.perf_counter() - start
    client.kill() if kill else client.close()
    return wall


class Table:
    def __init__(self, rounds):
        self.rounds = rounds

    def group(self, title, contenders, warm=1):
        """Contenders: (name, function that gives (wall, cpu)); the first is the peer that others are compared with."""
        for _ in range(warm):
            for _, measure in contenders:
                measure()
        results = {name: [] for name, _ in contenders}
        for _ in range(self.rounds):
            for name, measure in contenders:
                results[name].append(measure())
        load = os.getloadavg()[0]
        print(f"\n### {title} ({self.rounds} rounds, load {load:.1f})\n")
        print("| contender | wall ms | min | max | CPU ms | wall ratio | wall over | CPU ratio |\n|---|---|---|---|---|---|---|---|")
        base = None
        for name, runs in results.items():
            walls, cpus = [wall for wall, _ in runs], [cpu for _, cpu in runs]
            wall, cpu = statistics.median(walls), statistics.median(cpus)
            base = base or (wall, cpu)
            ratio = f"{cpu / base[1]:.2f}" if base[1] else "-"
            print(f"| {name} | {wall * 1e3:.1f} | {min(walls) * 1e3:.1f} | {max(walls) * 1e3:.1f} | {cpu * 1e3:.1f} "
                  f"| {wall / base[0]:.2f} | {(wall - base[0]) * 1e3:+.1f} ms | {ratio} |", flush=True)


def manifest_of(corpora, path, count):
    """A manifest of `count` tools, made from the benign corpora, repeated under changed names."""
    tools, known = [], []
    for corpus in sorted(corpora.glob("*benign*.json")):
        for case in json.loads(corpus.read_text()).get("cases", []):
            if case.get("kind") == "tool" and case.get("description"):
                known.append({key: case[key] for key in ("name", "description", "inputSchema", "annotations") if case.get(key)})
    for number in range(count):
        tool = dict(known[number % len(known)])
        tool["name"] = f"{tool['name']}_{number}"
        tool["description"] = f"{tool['description']} ({number})"
        tools.append(tool)
    path.write_text(json.dumps({"tools": tools}))
    return path.stat().st_size, len(known)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mcpsec", required=True)
    parser.add_argument("--shared", required=True)
    parser.add_argument("--sandbox-bench", help="the bench `sandbox` of mcpsec-capture, as a program")
    parser.add_argument("--scratch", help="where the store is kept from run to run")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", help="capture, sandbox, verify, run or scan")
    args = parser.parse_args()
    mcpsec = str(pathlib.Path(args.mcpsec).resolve())
    scratch = pathlib.Path(args.scratch or tempfile.mkdtemp(prefix="told-")).resolve()
    home, project = scratch / "home", scratch / "project"
    for folder in (home, project):
        folder.mkdir(parents=True, exist_ok=True)
    npmrc = pathlib.Path.home() / ".npmrc"
    if npmrc.exists():
        shutil.copy(npmrc, home / ".npmrc")
    env = dict(os.environ, HOME=str(home), MCPSEC_STORE=str(scratch / "store"), MCPSEC_CACHE=str(scratch / "cache"),
               MCPSEC_TRUST_REFRESH="off")
    ours = [mcpsec, "--project", str(project)]
    table = Table(args.rounds)

    def wanted(part):
        return args.only in (None, part)

    if any(map(wanted, ("capture", "verify", "run"))):
        for name, spec in SERVERS:
            if f"[servers.{name}]" not in ((project / "mcp.toml").read_text() if (project / "mcp.toml").exists() else ""):
                run([*ours, "-q", "add", spec, "--name", name, "--yes"], env, codes=(0, 1))
        run([*ours, "verify", "--offline"], env, codes=(0, 1))
    node = shutil.which("node")

    def everything():
        found = sorted((scratch / "store" / "installed").glob(f"**/node_modules/{EVERYTHING}/dist/index.js"))
        if not found:
            sys.exit("server-everything is not installed in the scratch store")
        return str(found[0].resolve())

    if wanted("capture"):
        script = everything()
        peer = [node, script]

        def heard_later(command, env):
            client = Client(command, env)
            client.send({"id": 1, "method": "initialize", "params": HELLO})
            client.id = 1
            return client

        def three():
            clients = [heard_later(peer, env) for _ in range(3)]
            for client in clients:
                for line in client.process.stdout:
                    answer = json.loads(line)
                    if answer.get("id") == 1:
                        client.lists(answer["result"]["capabilities"])
                        break
            for client in clients:
                client.kill()

        table.group("capture of server-everything", [
            ("a bare client, one process, lists once", lambda: timed(lambda: hear(peer, env))),
            ("bare clients, three processes at once", lambda: timed(three)),
            ("mcpsec capture -- node SCRIPT", lambda: timed(lambda: run([*ours, "capture", "--read", str(scratch / "store"), "--", "node", script], env))),
            ("mcpsec verify --offline --recapture everything", lambda: timed(lambda: run([*ours, "verify", "--offline", "--recapture", "everything"], env, codes=(0, 1)))),
            ("mcpsec verify --offline everything (captured before)", lambda: timed(lambda: run([*ours, "verify", "--offline", "everything"], env, codes=(0, 1)))),
        ])
    if wanted("sandbox"):
        if args.sandbox_bench:
            for launcher, words in (([], "a small launcher"), ([mcpsec], "mcpsec as launcher")):
                print(f"\n### sandbox around /bin/true, {words} (load {os.getloadavg()[0]:.1f})\n")
                print(run([args.sandbox_bench, "--bench", *launcher], env))
        else:
            print("\nsandbox: give --sandbox-bench")
    if wanted("verify"):
        table.group(f"warm verify --offline of {len(SERVERS)} servers, captures cached", [
            ("mcpsec --version", lambda: timed(lambda: run([mcpsec, "--version"], env))),
            ("mcpsec verify --offline", lambda: timed(lambda: run([*ours, "verify", "--offline"], env, codes=(0, 1)))),
            ("the same, captures off", lambda: timed(lambda: run([*ours, "verify", "--offline"], dict(env, MCPSEC_CAPTURE="off"), codes=(0, 1)))),
        ])
    if wanted("run"):
        script = everything()
        table.group("until the first answer to initialize", [
            ("node SCRIPT", lambda: (greet([node, script], env), 0)),
            ("mcpsec run everything", lambda: (greet([*ours, "run", "everything"], env, str(project), kill=False), 0)),
        ])
    if wanted("scan"):
        for count in (1000,):
            path = scratch / f"manifest-{count}.json"
            size, known = manifest_of(pathlib.Path(args.shared) / "corpora", path, count)
            table.group(f"scan of {count} tools made from {known} benign ones, {size >> 10} KiB", [
                ("python3 json.load of the same file", lambda: timed(lambda: run(["python3", "-c", "import json,sys; json.load(open(sys.argv[1]))", str(path)], env))),
                ("mcpsec scan", lambda: timed(lambda: run([mcpsec, "scan", str(path)], env, cwd=str(scratch), codes=(0, 1)))),
            ])
    if not args.scratch:
        shutil.rmtree(scratch, ignore_errors=True)


main()
