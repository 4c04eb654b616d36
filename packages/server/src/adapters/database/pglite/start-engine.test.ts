import { expect, it } from "vitest";
import { startEngineInWorker } from "./start-engine.ts";

/** A simple query as the wire protocol carries it. */
function simpleQuery(text: string): Uint8Array<ArrayBuffer> {
  const body = new TextEncoder().encode(`${text}\0`);
  const message = new Uint8Array(5 + body.length);
  message[0] = "Q".charCodeAt(0);
  new DataView(message.buffer).setUint32(1, 4 + body.length);
  message.set(body, 5);
  return message;
}

it("takes an engine that stopped answering for broken", async () => {
  let broke: (error: Error) => void = () => {};
  const broken = new Promise<Error>((resolve) => {
    broke = resolve;
  });
  const engine = await startEngineInWorker({ folder: null }, { reply() {}, broken: (e) => broke(e) }, 300);
  engine.send(simpleQuery("do $$ begin loop end loop; end $$"));
  expect((await broken).message).toContain("did not answer for 300 ms");
  await expect(engine.close()).rejects.toThrow("has ended");
});

it("says what PostgreSQL says when it can't be opened", async () => {
  const events = { reply() {}, broken() {} };
  const archive = new TextEncoder().encode("no archive at all");
  await expect(startEngineInWorker({ folder: null, archive }, events)).rejects.toThrow();
});
