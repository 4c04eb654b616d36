import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { expect, it, onTestFinished } from "vitest";
import { benchOf } from "../test/bench.ts";
import { createWebFetchTool, type WebFetchOptions } from "./web-fetch-tool.ts";

const bench = (options: WebFetchOptions = {}) => {
  const { call } = benchOf([createWebFetchTool(options)], {}, { workspace: "/workspace" });
  return (url: string, prompt?: string) => call("WebFetch", prompt === undefined ? { url } : { url, prompt });
};

/** A server on this machine; counts who came. */
async function serve(answer: RequestListener) {
  let requests = 0;
  const server = createServer((request, response) => {
    requests += 1;
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { port, host: `127.0.0.1:${port}`, url: `http://127.0.0.1:${port}`, requests: () => requests };
}
const page =
  (text: string, headers: Record<string, string> = { "content-type": "text/plain" }): RequestListener =>
  (_, response) => {
    response.writeHead(200, headers).end(text);
  };

it("answers a page as text", async () => {
  const html =
    "<title>T</title><h1>Head &amp; more</h1><p>Some <b>bold</b>\n text<script>bad()</script> <a href='/x'>link</a></p><pre>a\n  b</pre>";
  const { host, url } = await serve(page(html, { "content-type": "text/html; charset=utf-8" }));
  expect((await bench({ privateHosts: [host] })(url)).content).toBe(
    `T\n\n# Head & more\n\nSome bold text link (${url}/x)\n\na\n  b`,
  );
});

it("lets another read the page for the model, where there is one", async () => {
  const { host, url } = await serve(page("The answer is 42."));
  const summarize: WebFetchOptions["summarize"] = async ({ text, prompt }) => `${prompt} ${text.length}`;
  expect(await bench({ privateHosts: [host], summarize })(url, "How long?")).toEqual({
    content: "How long? 17",
  });
});

it.each([
  "http://127.0.0.1:PORT/",
  "http://localhost:PORT/",
  "http://localhost.:PORT/",
  "http://2130706433:PORT/",
  "http://0x7f.1:PORT/",
  "http://0177.0.0.1:PORT/",
  "http://127.1:PORT/",
  "http://0:PORT/",
  "http://[::1]:PORT/",
  "http://[::ffff:127.0.0.1]:PORT/",
  "http://[::ffff:7f00:1]:PORT/",
  "http://[::127.0.0.1]:PORT/",
  "http://[64:ff9b::7f00:1]:PORT/",
  "http://[2002:7f00:1::]:PORT/",
  "http://①②⑦.0.0.1:PORT/",
  "http://10.1.2.3/",
  "http://169.254.169.254/latest/meta-data/",
  "http://[fe80::1]/",
  "http://[fd00:ec2::254]/",
  "http://100.64.0.1/",
])("refuses %s", async (address) => {
  const { port, requests } = await serve(page("private"));
  const outcome = await bench()(address.replace("PORT", String(port)));
  // Some systems do not know `localhost.` at all.
  expect(outcome).toMatchObject({
    isError: true,
    content: expect.stringMatching(/private address|ENOTFOUND localhost\.$/),
  });
  expect(requests()).toBe(0);
});

it.each([
  "file:///etc/passwd",
  "ftp://example.com/",
  "javascript:alert(1)",
  "data:text/plain,x",
  `http://user:${"pass"}@example.com/`,
  "nothing",
])("refuses %s", async (address) => {
  expect(await bench()(address)).toMatchObject({ isError: true });
});

it("refuses a name that stands for a private address, also beside public ones", async () => {
  const { port, requests } = await serve(page("private"));
  for (const addresses of [["127.0.0.1"], ["93.184.216.34", "127.0.0.1"], ["::ffff:127.0.0.1"]]) {
    const resolve = async () =>
      addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
    expect(await bench({ resolve })(`http://pages.example:${port}/`)).toMatchObject({
      isError: true,
      content: expect.stringContaining("private address"),
    });
  }
  expect(requests()).toBe(0);
});

it("looks a name up once for each connection, and connects to what it looked at", async () => {
  const { port, requests } = await serve(page("private"));
  let lookups = 0;
  // First a public address, afterwards a private one: whoever asks twice is led inside.
  const resolve = async () => {
    lookups += 1;
    return [lookups === 1 ? { address: "192.0.2.1", family: 4 } : { address: "127.0.0.1", family: 4 }];
  };
  const outcome = await bench({ resolve, timeoutMs: 300 })(`http://rebind.example:${port}/`);
  expect(outcome.isError).toBe(true);
  expect(lookups).toBe(1);
  expect(requests()).toBe(0);
});

it("follows a redirect on the same host, checks it, and only names one to another host", async () => {
  const inside = await serve(page("private"));
  let target = "/there";
  const { host, url, port } = await serve((request, response) => {
    if (request.url === "/there") response.end("arrived");
    else response.writeHead(302, { location: target }).end();
  });
  const fetch = bench({ privateHosts: [host] });
  expect(await fetch(url)).toEqual({ content: "arrived" });
  for (const away of [inside.url, `http://localhost:${port}/there`, "http://169.254.169.254/"]) {
    target = away;
    expect((await fetch(url)).content).toContain("It redirects to another host: http");
  }
  target = "file:///etc/passwd";
  expect(await fetch(url)).toMatchObject({ isError: true });
  target = "/again";
  expect(await fetch(url)).toMatchObject({
    isError: true,
    content: expect.stringContaining("more than 5 times"),
  });
  expect(inside.requests()).toBe(0);
});

it("limits size, packed size and time, and refuses what is no text", async () => {
  const answers: Record<string, RequestListener> = {
    "/large": page("x".repeat(200_000)),
    "/packed": (_, response) => {
      response
        .writeHead(200, { "content-type": "text/plain", "content-encoding": "gzip" })
        .end(gzipSync("x".repeat(5_000_000)));
    },
    "/gzip": (_, response) => {
      response
        .writeHead(200, { "content-type": "text/plain", "content-encoding": "gzip" })
        .end(gzipSync("small"));
    },
    "/slow": () => undefined,
    "/image": page("\0\0", { "content-type": "image/png" }),
    "/missing": (_, response) => {
      response.writeHead(404, { "content-type": "text/plain" }).end("no such page");
    },
  };
  const { host, url } = await serve((request, response) => answers[request.url!]!(request, response));
  const fetch = bench({ privateHosts: [host], mostBytes: 100_000, timeoutMs: 1_000 });
  expect((await fetch(`${url}/large`)).content).toContain("more than 100000 bytes");
  expect((await fetch(`${url}/packed`)).content).toContain("more than 100000 bytes");
  expect((await fetch(`${url}/gzip`)).content).toBe("small");
  expect((await fetch(`${url}/slow`)).content).toContain("longer than 1000 ms");
  expect((await fetch(`${url}/image`)).content).toContain("image/png, not text");
  expect(await fetch(`${url}/missing`)).toEqual({
    content: "The server answered 404.\nno such page",
    isError: true,
  });
});
