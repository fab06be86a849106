#!/usr/bin/env node
// A server whose one tool tries what its arguments say and tells how it went. For tests of the sandbox's rights.
import { createInterface } from "node:readline";
import { readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";

const answer = (id, result) => process.stdout.write(JSON.stringify({ jsonrpc: "2.0", id, result }) + "\n");
const text = (id, words) => answer(id, { content: [{ type: "text", text: words }] });
const tool = { name: "probe", description: "Tries one thing.", inputSchema: { type: "object" } };

function probe(id, { what, path, host, port }) {
  try {
    if (what === "read") return text(id, `read ${readFileSync(path, "utf8")}`);
    if (what === "write") return text(id, `wrote ${writeFileSync(path, "written") ?? path}`);
    if (what === "env") return text(id, `env ${Object.keys(process.env).sort().join(" ")}`);
    if (what === "value") return text(id, `value ${process.env[path]}`);
    if (what === "cwd") return text(id, `cwd ${process.cwd()}`);
    const socket = connect({ host, port, timeout: 5000 });
    socket.on("connect", () => (text(id, "connected"), socket.destroy()));
    socket.on("timeout", () => (text(id, "refused timeout"), socket.destroy()));
    socket.on("error", (error) => text(id, `refused ${error.code}`));
  } catch (error) {
    text(id, `refused ${error.code}`);
  }
}

createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) return;
  if (method === "initialize") {
    const serverInfo = { name: "prober", version: "1" };
    answer(id, { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo });
  } else if (method === "tools/list") answer(id, { tools: [tool] });
  else if (method === "tools/call") probe(id, params.arguments);
  else answer(id, {});
});
