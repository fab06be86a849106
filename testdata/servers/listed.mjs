#!/usr/bin/env node
// A server that tells what `told.json` beside it holds, in pages, and answers calls with the tool's name. For tests.
import { createInterface } from "node:readline";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const told = JSON.parse(readFileSync(join(dirname(fileURLToPath(import.meta.url)), "told.json"), "utf8"));
const answer = (id, body) => process.stdout.write(JSON.stringify({ jsonrpc: "2.0", id, ...body }) + "\n");

createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) return;
  if (method === "initialize") {
    answer(id, {
      result: {
        protocolVersion: params.protocolVersion,
        capabilities: { tools: {} },
        serverInfo: told.serverInfo ?? { name: "listed", version: "1" },
        instructions: told.instructions,
      },
    });
  } else if (method === "tools/list") {
    // Page 2 stands behind an empty cursor, which is a valid one.
    const second = params?.cursor === "";
    const result = { tools: second ? told.second : told.tools };
    if (!second && told.second) result.nextCursor = "";
    answer(id, { result });
  } else if (method === "tools/call") {
    answer(id, { result: { content: [{ type: "text", text: `called ${params.name}` }] } });
  } else if (method === "ping") {
    answer(id, { result: {} });
  } else {
    answer(id, { error: { code: -32601, message: "no such method" } });
  }
});
