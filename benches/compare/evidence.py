#!/usr/bin/env python3
"""Times the verification of the same evidence by mcpsec and by the ecosystems' own verifiers, in one run on one machine.

usage: evidence.py --mcpsec BIN --fixture-registry BIN --shared DIR [--pypi-attestations BIN]

Prints medians of process times (user + system) and the ratios. The 1,000 packages are made here and signed by a key of the
loopback registry, so `verify --offline` hashes 1,000 artifacts and verifies 1,000 signatures.
"""
import argparse, io, json, os, resource, statistics, subprocess, sys, tarfile, tempfile, time


def cpu(command, env=None, runs=5):
    """Median CPU seconds and wall seconds of a process that must succeed."""
    cpus, walls = [], []
    for _ in range(runs):
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        done = subprocess.run(command, env=env, capture_output=True, text=True)
        walls.append(time.monotonic() - start)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode != 0:
            sys.exit(f"{command[0]} failed: {done.stderr[-600:]}{done.stdout[-600:]}")
        cpus.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(cpus), statistics.median(walls)


NODE = """
const { execSync } = require('child_process');
const base = execSync('npm root -g').toString().trim() + '/npm/node_modules/';
const { bundleFromJSON } = require(base + '@sigstore/bundle');
const { Verifier, toTrustMaterial, toSignedEntity } = require(base + '@sigstore/verify');
const { TrustedRoot } = require(base + '@sigstore/protobuf-specs');
const fs = require('fs');
const root = TrustedRoot.fromJSON(JSON.parse(fs.readFileSync(process.argv[1])));
const bundle = bundleFromJSON(JSON.parse(fs.readFileSync(process.argv[2])).attestations[1].bundle);
const verifier = new Verifier(toTrustMaterial(root));
const times = [];
for (let i = 0; i < 200; i++) {
  const start = process.cpuUsage();
  verifier.verify(toSignedEntity(bundle));
  const used = process.cpuUsage(start);
  times.push((used.user + used.system) / 1000);
}
times.sort((a, b) => a - b);
console.log(JSON.stringify({ first: times[times.length - 1], median: times[100] }));
"""


def tarball(folder, name, dependencies=None, command=False):
    manifest = {"name": name, "version": "1.0.0", "dependencies": dependencies or {}}
    if command:
        manifest["bin"] = {name: "index.js"}
    with tarfile.open(os.path.join(folder, f"{name}-1.0.0.tgz"), "w:gz") as tar:
        for path, text in [("package/package.json", json.dumps(manifest)), ("package/index.js", f"// {name}\n" * 40)]:
            info = tarfile.TarInfo(path)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--mcpsec", required=True)
    parser.add_argument("--fixture-registry", required=True)
    parser.add_argument("--shared", required=True)
    parser.add_argument("--pypi-attestations")
    parser.add_argument("--packages", type=int, default=1000)
    args = parser.parse_args()
    fixtures = os.path.join(args.shared, "fixtures")
    npm = os.path.join(fixtures, "npm-attestations", "server-filesystem")
    tgz = os.path.join(npm, "modelcontextprotocol-server-filesystem-2026.7.10.tgz")
    response = os.path.join(npm, "attestations.json")
    mine = [args.mcpsec, "verify-artifact"]
    purl = "pkg:npm/%40modelcontextprotocol/server-filesystem@2026.7.10"
    ours, wall = cpu(mine + [tgz, "--attestations", response, "--purl", purl], runs=15)
    print(f"mcpsec verify-artifact, npm response with 2 attestations: {ours * 1e3:.1f} ms CPU, {wall * 1e3:.1f} ms wall (process)")
    node = subprocess.run(["node", "-e", NODE, os.path.join(fixtures, "npm-signatures", "trusted_root.json"), response],
                          capture_output=True, text=True)
    print("npm's own verifier in node, provenance bundle, in process:", (node.stdout or node.stderr[-400:]).strip(), "ms CPU")

    dist = os.path.join(fixtures, "pypi-attestations", "pypi_attestations-0.0.19.tar.gz")
    ours, wall = cpu(mine + [dist, "--attestations", dist + ".provenance", "--purl", "pkg:pypi/pypi-attestations@0.0.19"], runs=15)
    print(f"mcpsec verify-artifact, PyPI provenance object: {ours * 1e3:.1f} ms CPU, {wall * 1e3:.1f} ms wall (process)")
    if args.pypi_attestations:
        with tempfile.TemporaryDirectory() as scratch:
            for suffix in ("", ".publish.attestation"):
                with open(dist + suffix, "rb") as source, open(os.path.join(scratch, os.path.basename(dist) + suffix), "wb") as target:
                    target.write(source.read())
            command = [args.pypi_attestations, "verify", "attestation", "--offline", "--identity",
                       "https://github.com/trailofbits/pypi-attestations/.github/workflows/release.yml@refs/tags/v0.0.19",
                       os.path.join(scratch, os.path.basename(dist))]
            try:
                theirs, their_wall = cpu(command, runs=3)
                print(f"pypi-attestations, one attestation: {theirs * 1e3:.0f} ms CPU, {their_wall * 1e3:.0f} ms wall (process); ratio {theirs / ours:.0f}")
            except SystemExit as error:
                print(f"pypi-attestations could not verify here: {str(error)[:300]}")

    with tempfile.TemporaryDirectory() as scratch:
        packages, project = os.path.join(scratch, "packages"), os.path.join(scratch, "project")
        os.makedirs(packages), os.makedirs(project)
        names = [f"dependency-{number:04}" for number in range(args.packages - 1)]
        tarball(packages, "big-server", {name: "1.0.0" for name in names}, command=True)
        for name in names:
            tarball(packages, name)
        registry = subprocess.Popen([args.fixture_registry, packages, "--npm", "--sign"], stdout=subprocess.PIPE,
                                    stderr=subprocess.DEVNULL, text=True)
        try:
            url = registry.stdout.readline().strip().split()[-1]
            env = dict(os.environ, HOME=scratch, MCPSEC_STORE=os.path.join(scratch, "store"), MCPSEC_CACHE=os.path.join(scratch, "cache"),
                       NPM_CONFIG_REGISTRY=url, MCPSEC_TRUST_REFRESH="off")
            subprocess.run([args.mcpsec, "--project", project, "add", "npm:big-server"], env=env, check=True, capture_output=True)
        finally:
            registry.terminate()
            registry.wait()
        used, wall = cpu([args.mcpsec, "--project", project, "verify", "--offline"], env=env)
        print(f"mcpsec verify --offline, {args.packages} artifacts with their registry signatures: {used:.2f} s CPU, {wall:.2f} s wall (process)")


main()
