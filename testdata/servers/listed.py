"""A server with one tool, for tests: lists it, and answers calls with the tool's name. Standard library only."""

import json
import sys


def main():
    for line in sys.stdin:
        message = json.loads(line)
        if "id" not in message:
            continue
        method, params = message["method"], message.get("params") or {}
        reply = {"jsonrpc": "2.0", "id": message["id"]}
        if method == "initialize":
            reply["result"] = {
                "protocolVersion": params["protocolVersion"],
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "listed", "version": "1"},
            }
        elif method == "tools/list":
            tool = {"name": "look", "description": "Looks up a word.", "inputSchema": {"type": "object"}}
            reply["result"] = {"tools": [tool]}
        elif method == "tools/call":
            reply["result"] = {"content": [{"type": "text", "text": "called " + params["name"]}]}
        else:
            reply["error"] = {"code": -32601, "message": "no such method"}
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
