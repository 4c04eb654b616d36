/** Bytes of one answer, a stream of events included. */
const mostBytes = 16 * 1024 * 1024;

/** Redirects that are followed, within one origin. */
const mostRedirects = 3;

/**
 * `fetch` whose answers break off when they get too large, and that goes nowhere else than it was told to: a person approved
 * an address, and another one would get the headers and the input.
 */
export async function boundedFetch(url: string | URL, init?: RequestInit): Promise<Response> {
  const response = await follow(new URL(url), init);
  if (response.body === null || !response.ok) return response;
  let bytes = 0;
  const counted = response.body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        bytes += chunk.byteLength;
        if (bytes > mostBytes)
          controller.error(new Error(`The server answered with more than ${mostBytes} bytes.`));
        else controller.enqueue(chunk);
      },
    }),
  );
  const { status, statusText, headers } = response;
  return new Response(counted, { status, statusText, headers });
}

async function follow(first: URL, init: RequestInit | undefined): Promise<Response> {
  let url = first;
  for (let left = mostRedirects; ; left--) {
    const response = await fetch(url, { ...init, redirect: "manual" });
    const location = response.headers.get("location");
    if (response.status < 300 || response.status > 399 || location === null) return response;
    await response.body?.cancel();
    const next = URL.canParse(location, url.href) ? new URL(location, url) : null;
    if (next === null || next.origin !== first.origin)
      throw new Error("The server redirects to another origin, which nobody approved.");
    // Any other status would turn a call into a request for a page.
    const keepsMethod = response.status === 307 || response.status === 308 || init?.method === "GET";
    if (left <= 0 || !keepsMethod) throw new Error(`The server redirects with ${response.status}.`);
    url = next;
  }
}
