type Json = Record<string, unknown>;

/** A call of the HTTP+JSON binding of 1.0 in the words of JSON-RPC; null: there is no such place. */
export function readRestCall(
  method: string,
  url: string,
  body: Json | undefined,
): { method: string; params: Json } | null {
  const { pathname } = new URL(url, "http://host");
  const [, id = "", verb] = /^\/rpc\/tasks\/([^/:]+)(:cancel)?$/.exec(pathname) ?? [];
  if (method === "GET" && pathname === "/rpc/tasks") return { method: "ListTasks", params: {} };
  if (method === "GET" && id !== "" && verb === undefined) return { method: "GetTask", params: { id } };
  if (method === "POST" && id !== "" && verb === ":cancel") return { method: "CancelTask", params: { id } };
  if (method !== "POST" || body === undefined) return null;
  if (pathname === "/rpc/message:send") return { method: "SendMessage", params: body };
  return pathname === "/rpc/message:stream" ? { method: "SendStreamingMessage", params: body } : null;
}

/** How that binding words an error of the protocol. */
export function restFault([code, message]: [number, string]): { status: number; body: Json } {
  const isLost = code === -32001;
  const reason = isLost ? "TASK_NOT_FOUND" : "REQUEST_MALFORMED";
  const details = [
    { "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason, domain: "a2a-protocol.org" },
  ];
  const status = isLost ? 404 : 400;
  const word = isLost ? "NOT_FOUND" : "INVALID_ARGUMENT";
  return { status, body: { error: { code: status, status: word, message, details } } };
}
