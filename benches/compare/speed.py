#!/usr/bin/env python3
"""Times mcpsec beside npm, pnpm and uv on the same packages, paired: every round runs each contender once, in turn, so that
a slow minute of the network hits all of them. Prints medians, minima, maxima, peak memory and ratios as a Markdown table.

Each command gets a scratch home and, for "cold", empty caches. Nothing is asserted: these are measurements, not tests.
"""
import argparse, os, pathlib, shutil, statistics, subprocess, sys, tempfile, time

NPM_SERVER = "@modelcontextprotocol/server-filesystem"
PYPI_SERVER = "mcp-server-fetch"


def run(command, cwd, env):
    """Runs a command; gives (seconds, peak resident MiB of it and its children)."""
    start = time.perf_counter()
    child = subprocess.Popen(command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    output = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - start
    if child.returncode != 0:
        sys.exit(f"{' '.join(command)} exited {child.returncode}:\n{output.decode(errors='replace')}")
    return seconds, usage.ru_maxrss / 1024


class Scratch:
    """A folder with a home and caches of its own."""

    def __init__(self, root):
        self.root = pathlib.Path(tempfile.mkdtemp(dir=root))
        self.env = {key: value for key, value in os.environ.items() if not key.startswith(("npm_", "NPM_"))}
        self.env.update(
            HOME=str(self.root / "home"), XDG_CACHE_HOME=str(self.root / "cache"), XDG_DATA_HOME=str(self.root / "data"),
            XDG_STATE_HOME=str(self.root / "state"), XDG_CONFIG_HOME=str(self.root / "config"),
            npm_config_cache=str(self.root / "npm-cache"), npm_config_audit="false", npm_config_fund="false",
            npm_config_update_notifier="false", UV_CACHE_DIR=str(self.root / "uv-cache"), CI="1", NO_COLOR="1",
            npm_config_store_dir=str(self.root / "pnpm-store"),
        )
        (self.root / "home").mkdir()
        self.project = self.root / "project"
        self.project.mkdir()

    def drop(self):
        shutil.rmtree(self.root, ignore_errors=True)

    def package_json(self):
        (self.project / "package.json").write_text('{"name":"bench","version":"1.0.0","dependencies":{"%s":"latest"}}' % NPM_SERVER)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--mcpsec", required=True)
    parser.add_argument("--peers", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", help="a group: cold-npm, warm-npm, cold-pypi, verify")
    options = parser.parse_args()
    mcpsec = str(pathlib.Path(options.mcpsec).resolve())
    pnpm = str(pathlib.Path(options.peers).resolve() / "node_modules/.bin/pnpm")
    uv = str(pathlib.Path(options.peers).resolve() / "uv/bin/uv")
    python = shutil.which("python3")
    root = tempfile.mkdtemp(prefix="mcpsec-bench-")
    results = {}

    def record(group, name, measured):
        results.setdefault(group, {}).setdefault(name, []).append(measured)

    def wanted(group):
        return options.only in (None, group)

    def cold_npm():
        for name, command in [
            ("mcpsec add", [mcpsec, "-q", "add", f"npm:{NPM_SERVER}"]),
            ("npm install --ignore-scripts", ["npm", "install", "--ignore-scripts"]),
            ("pnpm install --ignore-scripts", [pnpm, "install", "--ignore-scripts", "--no-frozen-lockfile"]),
        ]:
            scratch = Scratch(root)
            if name != "mcpsec add":
                scratch.package_json()
            record("cold-npm", name, run(command, scratch.project, scratch.env))
            scratch.drop()

    def cold_pypi():
        # One target for mcpsec, since uv installs for one; and the default targets, for what a user gets.
        lock = Scratch(root)
        (lock.project / "in.txt").write_text(PYPI_SERVER + "\n")
        run([uv, "pip", "compile", "--quiet", "--generate-hashes", "-p", python, "in.txt", "-o", "out.txt"], lock.project, lock.env)
        requirements = (lock.project / "out.txt").read_text()
        lock.drop()
        minor = subprocess.run([python, "-c", "import sys;print('%d.%d'%sys.version_info[:2])"], capture_output=True, text=True).stdout.strip()
        scratch = Scratch(root)
        record("cold-pypi", "mcpsec add (all targets)", run([mcpsec, "-q", "add", f"pypi:{PYPI_SERVER}"], scratch.project, scratch.env))
        scratch.drop()
        scratch = Scratch(root)
        (scratch.project / "mcp.toml").write_text(f'[targets]\nplatforms = ["linux-x86_64-gnu"]\npython = ["{minor}"]\n')
        record("cold-pypi", "mcpsec add (one target)", run([mcpsec, "-q", "add", f"pypi:{PYPI_SERVER}"], scratch.project, scratch.env))
        scratch.drop()
        scratch = Scratch(root)
        (scratch.project / "in.txt").write_text(requirements)
        run([uv, "venv", "--quiet", "-p", python, "venv"], scratch.project, scratch.env)
        install = [uv, "pip", "install", "--quiet", "--require-hashes", "-p", "venv", "-r", "in.txt"]
        record("cold-pypi", "uv pip install --require-hashes (already resolved)", run(install, scratch.project, scratch.env))
        scratch.drop()
        scratch = Scratch(root)
        (scratch.project / "in.txt").write_text(PYPI_SERVER + "\n")
        run([uv, "venv", "--quiet", "-p", python, "venv"], scratch.project, scratch.env)
        record("cold-pypi", "uv pip install (resolve and install)", run([uv, "pip", "install", "--quiet", "-p", "venv", "-r", "in.txt"], scratch.project, scratch.env))
        scratch.drop()

    if wanted("cold-npm"):
        for _ in range(options.rounds):
            cold_npm()
    if wanted("cold-pypi"):
        for _ in range(options.rounds):
            cold_pypi()
    if wanted("warm-npm"):
        ours, peer = Scratch(root), Scratch(root)
        run([mcpsec, "-q", "add", f"npm:{NPM_SERVER}"], ours.project, ours.env)
        peer.package_json()
        run([pnpm, "install", "--lockfile-only", "--no-frozen-lockfile"], peer.project, peer.env)
        for _ in range(options.rounds):
            record("warm-npm", "mcpsec add (already locked)", run([mcpsec, "-q", "add", f"npm:{NPM_SERVER}"], ours.project, ours.env))
            record("warm-npm", "pnpm install --lockfile-only (already locked)", run([pnpm, "install", "--lockfile-only", "--no-frozen-lockfile"], peer.project, peer.env))
            for file in ["mcp.lock", "mcp.toml"]:
                (ours.project / file).unlink()
            (peer.project / "pnpm-lock.yaml").unlink()
            shutil.rmtree(peer.project / "node_modules", ignore_errors=True)
            record("warm-npm", "mcpsec add (no lock, warm cache and store)", run([mcpsec, "-q", "add", f"npm:{NPM_SERVER}"], ours.project, ours.env))
            record("warm-npm", "pnpm install --lockfile-only (no lock, warm cache)", run([pnpm, "install", "--lockfile-only", "--no-frozen-lockfile"], peer.project, peer.env))
    if wanted("verify"):
        both = Scratch(root)
        run([mcpsec, "-q", "add", f"npm:{NPM_SERVER}"], both.project, both.env)
        run([mcpsec, "-q", "add", f"pypi:{PYPI_SERVER}"], both.project, both.env)
        run([mcpsec, "-q", "add", "pypi:mcp-server-time"], both.project, both.env)
        for _ in range(options.rounds):
            record("verify", "mcpsec verify --offline (three servers)", run([mcpsec, "verify", "--offline"], both.project, both.env))

    for group, contenders in results.items():
        print(f"\n### {group}, {options.rounds} rounds\n\n| command | median s | min | max | peak MiB | ratio |\n|---|---|---|---|---|---|")
        base = None
        for name, runs in contenders.items():
            seconds = [second for second, _ in runs]
            median = statistics.median(seconds)
            base = base or median
            print(f"| {name} | {median:.3f} | {min(seconds):.3f} | {max(seconds):.3f} | {max(m for _, m in runs):.0f} | {median / base:.2f} |")
    shutil.rmtree(root, ignore_errors=True)


main()
