import { Ajv2020 } from "ajv/dist/2020.js";
import addFormatsModule from "ajv-formats";
import { expect } from "vitest";
import type { Api } from "../api/create-api.ts";

const addFormats = addFormatsModule as unknown as typeof addFormatsModule.default;

export interface Call {
  method?: "GET" | "POST" | "DELETE" | "PUT" | "HEAD" | "PATCH" | "OPTIONS";
  url: string;
  as?: { authorization?: string };
  body?: unknown;
  headers?: Record<string, string>;
}

/** One request; whatever it answers must be what /openapi.json says of that address. */
export function caller(api: Api) {
  const ajv = new Ajv2020({ strict: false });
  addFormats(ajv);
  return async ({ method = "GET", url, as = {}, body, headers = {} }: Call) => {
    const response = await api.inject({
      method,
      url,
      headers: { ...as, ...headers },
      ...(body === undefined ? {} : { payload: body as object }),
    });
    const json = response.body === "" ? undefined : response.json();
    if (response.statusCode < 400 && method !== "HEAD")
      await mustMatchDocument(api, ajv, method, url, response.statusCode, json);
    else if (json !== undefined)
      expect(json).toMatchObject({ status: response.statusCode, code: expect.any(String) });
    return { status: response.statusCode, json, headers: response.headers };
  };
}

async function mustMatchDocument(
  api: Api,
  ajv: Ajv2020,
  method: string,
  url: string,
  status: number,
  json: unknown,
) {
  const document = (await api.inject("/openapi.json")).json();
  if (ajv.getSchema("document") === undefined) ajv.addSchema(document, "document");
  const path = Object.keys(document.paths)
    .sort((a, b) => a.split("{").length - b.split("{").length)
    .find((pattern) => new RegExp(`^${pattern.replace(/\{\w+\}/g, "[^/]+")}$`).test(url.split("?")[0] ?? ""));
  const pointer = [
    "paths",
    path,
    method.toLowerCase(),
    "responses",
    status,
    "content",
    "application/json",
    "schema",
  ]
    .map((part) => encodeURIComponent(String(part).replaceAll("~", "~0").replaceAll("/", "~1")))
    .join("/");
  const valid = ajv.validate(`document#/${pointer}`, json);
  expect(ajv.errors ?? [], `${method} ${url}`).toEqual([]);
  expect(valid).toBe(true);
}
