/** Most bytes of one answer; the longest that a model gives have a few hundred thousand. */
const mostBytes = 64 * 1024 * 1024;

/**
 * How calls of models go out. A redirect is refused: it would carry the key, which is in a header of the provider's own,
 * to whatever address a server names. An answer without an end is cut off.
 */
export const guardedFetch: typeof fetch = async (input, init) => {
  const response = await fetch(input, { ...init, redirect: "error" });
  if (response.body === null) return response;
  let bytes = 0;
  const counted = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      bytes += chunk.byteLength;
      if (bytes > mostBytes) controller.error(new Error(`The answer has more than ${mostBytes} bytes.`));
      else controller.enqueue(chunk);
    },
  });
  const { status, statusText, headers } = response;
  return new Response(response.body.pipeThrough(counted), { status, statusText, headers });
};
