import { type LookupAddress, lookup as systemLookup } from "node:dns";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { promisify } from "node:util";
import { brotliDecompress, gunzip, inflate } from "node:zlib";
import { isPublicAddress } from "@muster/sdk";
import { ToolError } from "../tool-error.ts";

export interface FetchPageOptions {
  /** Hosts that may be at private addresses, as a URL writes them: `docs.internal`, `127.0.0.1:8080`. */
  privateHosts?: readonly string[];
  /** Finds the addresses of a host; the system's way by default. */
  resolve?: (host: string) => Promise<readonly LookupAddress[]>;
  mostBytes: number;
}

/** What a server answered. */
export type Page =
  | { kind: "page"; url: URL; status: number; type: string; body: Buffer }
  /** To another host, which is not followed. */
  | { kind: "redirect"; target: string };

const mostRedirects = 5;
const userAgent = "Muster-WebFetch/1.0";

/**
 * Gets a page of the internet. An address is checked when it is used, by the connection itself, so that a name can't stand
 * for one address when it is looked at and for another when it is used; each redirect is checked anew, and one to
 * another host is not followed. Throws a `ToolError` for everything that goes wrong.
 */
export async function fetchPage(
  address: string,
  options: FetchPageOptions,
  signal: AbortSignal,
): Promise<Page> {
  let url = checkedUrl(address);
  for (let left = mostRedirects; left > 0; left--) {
    const response = await get(url, options, signal);
    const { statusCode: status = 0, headers } = response;
    if (status < 300 || status > 399 || headers.location === undefined) {
      return {
        kind: "page",
        url,
        status,
        type: headers["content-type"] ?? "",
        body: await read(response, options),
      };
    }
    response.destroy();
    if (!URL.canParse(headers.location, url.href)) throw new ToolError("It redirects to what is no address.");
    const next = checkedUrl(new URL(headers.location, url).href);
    if (next.host !== url.host) return { kind: "redirect", target: next.href };
    if (url.protocol === "https:" && next.protocol !== "https:") {
      throw new ToolError("It redirects from https to http, which is not followed.");
    }
    url = next;
  }
  throw new ToolError(`It redirects more than ${mostRedirects} times.`);
}

/** The URL's own reading of an address: `http://2130706433` and `http://0x7f.1` are 127.0.0.1 then. */
export function checkedUrl(address: string): URL {
  if (!URL.canParse(address)) throw new ToolError(`${address.slice(0, 200)} is no URL.`);
  const url = new URL(address);
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new ToolError(`Only http and https can be fetched, not ${url.protocol.slice(0, 20)}`);
  }
  if (url.username !== "" || url.password !== "")
    throw new ToolError("A URL with a user or a password is not fetched.");
  return url;
}

function get(url: URL, options: FetchPageOptions, signal: AbortSignal): Promise<IncomingMessage> {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const mayBePrivate = options.privateHosts?.some((one) => one === url.host || one === url.hostname) ?? false;
  // For an address no name is looked up, so it is checked here.
  if (isIP(host) !== 0 && !mayBePrivate && !isPublicAddress(host)) throw refused(host);
  const request = url.protocol === "https:" ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      {
        signal,
        // A connection of its own: one that was kept would have been checked for another name.
        agent: false,
        lookup: checkedLookup(options.resolve ?? lookupAll, mayBePrivate),
        headers: {
          "user-agent": userAgent,
          accept: "text/html,text/plain,text/markdown,application/json,*/*;q=0.5",
          "accept-encoding": "gzip, deflate, br",
        },
      },
      resolve,
    );
    sent.on("error", (error) => reject(asToolError(error, url)));
    sent.end();
  });
}

const lookupAll = (host: string): Promise<LookupAddress[]> =>
  new Promise((resolve, reject) => {
    systemLookup(host, { all: true }, (error, addresses) =>
      error === null ? resolve(addresses) : reject(error),
    );
  });

/** Refuses a host if any of its addresses is private, so that it does not depend on luck which one is used. */
function checkedLookup(
  resolve: (host: string) => Promise<readonly LookupAddress[]>,
  mayBePrivate: boolean,
): LookupFunction {
  return (host, options, callback) => {
    resolve(host).then(
      (addresses) => {
        const [first] = addresses;
        if (first === undefined) callback(new ToolError(`${host} has no address.`), "", 4);
        else if (!mayBePrivate && !addresses.every((one) => isPublicAddress(one.address)))
          callback(refused(host), "", 4);
        else if (options.all === true) callback(null, [...addresses]);
        else callback(null, first.address, first.family);
      },
      (error: Error) => callback(error, "", 4),
    );
  };
}

const refused = (host: string): ToolError =>
  new ToolError(`${host} is not on the internet but at a private address, which is not fetched.`);

async function read(response: IncomingMessage, { mostBytes }: FetchPageOptions): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > mostBytes) throw tooLarge(mostBytes);
      chunks.push(chunk);
    }
    return await unpack(Buffer.concat(chunks), response.headers["content-encoding"], mostBytes);
  } catch (error) {
    throw error instanceof ToolError || (error as Error).name === "AbortError"
      ? error
      : new ToolError(`The answer broke off: ${(error as Error).message}`);
  } finally {
    response.destroy();
  }
}

const tooLarge = (bytes: number): ToolError => new ToolError(`The page has more than ${bytes} bytes.`);
const unpackers: Readonly<
  Record<string, (bytes: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>>
> = {
  gzip: promisify(gunzip) as never,
  "x-gzip": promisify(gunzip) as never,
  deflate: promisify(inflate) as never,
  br: promisify(brotliDecompress) as never,
};

/** A few bytes can unpack to gigabytes, so that has a bound, too. */
async function unpack(bytes: Buffer, encoding: string | undefined, mostBytes: number): Promise<Buffer> {
  const name = (encoding ?? "identity").trim().toLowerCase();
  if (name === "identity" || name === "") return bytes;
  if (!Object.hasOwn(unpackers, name))
    throw new ToolError(`The answer is packed as ${name}, which is not known.`);
  try {
    return await unpackers[name]!(bytes, { maxOutputLength: mostBytes });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") throw tooLarge(mostBytes);
    throw error;
  }
}

const asToolError = (error: Error, url: URL): Error =>
  error instanceof ToolError || error.name === "AbortError"
    ? error
    : new ToolError(`${url.host} could not be reached: ${error.message}`, { cause: error });
