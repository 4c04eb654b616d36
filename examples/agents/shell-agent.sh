#!/usr/bin/env bash
# An agent of Muster in bash and curl: it offers `word_count`, {"text": "…"} → {"words": 3}. docs/agent-protocol.md
# explains every request.   MUSTER_URL=http://localhost:6878 MUSTER_API_KEY=… examples/agents/shell-agent.sh
set -uo pipefail
url=${MUSTER_URL:-http://localhost:6878}
key=${MUSTER_API_KEY:?Set MUSTER_API_KEY to a key that may register agents.}
id= session= beating=
inbox=$(mktemp) held=$(mktemp) # The message in hand, and the lease that heartbeats keep alive.
capability='{"name":"word_count","inputSchema":{"type":"object","required":["text"],
  "properties":{"text":{"type":"string"}},"additionalProperties":false}}'

call() { # call TOKEN METHOD PATH [BODY]; the token goes through a file, since everybody can see arguments.
  curl --silent --show-error --fail --max-time 40 --retry 3 --retry-connrefused --request "$2" \
    --header @<(echo "authorization: Bearer $1") --header "content-type: application/json" \
    ${4:+--data-binary "$4"} "$url$3"
}
operation() { call "$session" POST "/v1/agents/$id/operations/$1" "$2" >/dev/null; }
field() { grep -o "\"$1\":\"[^\"]*\"" "$2" | head -n 1 | cut -d '"' -f 4; } # The first text member of that name.

register() { # Also when the server has forgotten us: under the same id, with a new session.
  [ -z "$beating" ] || kill "$beating" 2>/dev/null
  until call "$key" POST /v1/agents "{${id:+\"id\":\"$id\",}\"name\":\"shell-agent\",\"capabilities\":[$capability]}" >"$inbox"
  do sleep 2; done
  id=$(field agentId "$inbox") session=$(field session "$inbox")
  local every=$(($(grep -o '"heartbeatMs":[0-9]*' "$inbox" | cut -d : -f 2) / 1000 + 1))
  while sleep "$every"; do operation heartbeat "{\"tasks\":[$(<"$held")]}"; done >/dev/null 2>&1 &
  beating=$!
  echo "Registered as $id."
}
leave() { kill "$beating" 2>/dev/null; operation leave '{}'; rm -f "$inbox" "$held"; exit 0; }
trap leave INT TERM

register
while true; do
  call "$session" GET "/v1/agents/$id/messages?waitMs=25000&max=1" >"$inbox" & # In the background, so that
  wait $! || { sleep 1; register; continue; }                                  # Ctrl-C need not wait for it.
  [ "$(field type "$inbox") $(field from "$inbox")" = "task_request orchestrator" ] || continue
  lease="\"taskId\":\"$(field taskId "$inbox")\",\"leaseToken\":\"$(field leaseToken "$inbox")\""
  echo "{$lease}" >"$held"
  text=$(sed -nE 's/.*"input":\{"text":"(([^"\\]|\\.)*)".*/\1/p' "$inbox")
  words=$(printf '%s' "$text" | sed -e 's/\\\\/_/g' -e 's/\\[nrtf]/ /g' | wc -w) # JSON writes a newline as \n.
  operation settle "{$lease,\"outcome\":{\"status\":\"completed\",\"output\":{\"words\":$((words))}}}"
  : >"$held"
done
