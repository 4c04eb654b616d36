import { Duplex } from "node:stream";
import type { Engine } from "./engine-options.ts";

/** AuthenticationOk and ReadyForQuery: all that `pg` needs to hear before its first query. */
const welcome = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0, 0x5a, 0, 0, 0, 5, 0x49]);

const query = 0x51;
const sync = 0x53;
const terminate = 0x58;

/** Bytes of a message's type and length. */
const headerBytes = 5;

/**
 * The socket that `pg` believes it speaks through. It answers the startup packet itself and passes everything
 * else to the engine, cut after the messages that PostgreSQL answers, so that one request is one answer.
 */
export class EngineStream extends Duplex {
  readonly #engine: Engine;
  #begun = false;
  #pending: Buffer<ArrayBufferLike> = Buffer.alloc(0);

  constructor(engine: Engine) {
    super();
    this.#engine = engine;
  }

  /** What the engine answers. */
  receive(bytes: Uint8Array): void {
    this.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  }

  connect(): this {
    process.nextTick(() => this.emit("connect"));
    return this;
  }

  // `pg` calls these on its socket.
  setNoDelay(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    this.#take(chunk);
    done();
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error) => void): void {
    this.#take(Buffer.concat(chunks.map(({ chunk }) => chunk)));
    done();
  }

  override _final(done: () => void): void {
    this.push(null);
    done();
  }

  #take(bytes: Buffer): void {
    if (!this.#begun) {
      this.#begun = true;
      this.push(welcome);
      return;
    }
    const whole = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes]);
    const end = endOfRequest(whole);
    this.#pending = whole.subarray(end);
    // Copied, because the memory moves to the engine's thread and `pg` writes from a shared buffer.
    if (end > 0) this.#engine.send(new Uint8Array(whole.subarray(0, end)));
  }
}

/** The offset behind the last whole message that PostgreSQL answers; 0 where there is none. */
function endOfRequest(bytes: Buffer): number {
  let end = 0;
  let offset = 0;
  while (offset + headerBytes <= bytes.length) {
    const type = bytes[offset];
    const next = offset + 1 + bytes.readInt32BE(offset + 1);
    if (next > bytes.length || type === terminate) break;
    if (type === query || type === sync) end = next;
    offset = next;
  }
  return end;
}
