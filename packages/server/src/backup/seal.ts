import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  hkdfSync,
  randomBytes,
  scrypt,
  timingSafeEqual,
} from "node:crypto";
import { MusterError } from "@muster/sdk/protocol";
import { createChunks } from "./chunks.ts";
import type { SealFacts } from "./manifest.ts";

/** Bytes that are encrypted and authenticated together. */
const chunkBytes = 64 * 1024;
const tagBytes = 16;
const keyBytes = 32;
const saltBytes = 16;
/** What guessing a passphrase costs: 64 MiB and some 100 ms each time. */
const scryptCost = { N: 2 ** 16, r: 8, p: 1, maxmem: 128 * 1024 * 1024 };
/** 32 bytes in hex are a key as they stand; anything else is a passphrase. */
const rawKey = /^[0-9a-fA-F]{64}$/;

/** Encrypts what goes into an archive and back, and signs its manifest. Without a key bytes pass as they are. */
export interface Seal {
  readonly facts: SealFacts;
  /** The chunks of a part, each authenticated together with the backup, the part, its place and whether it is the last. */
  close(part: number, plain: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
  /** The other way. `content_damaged` where a chunk is changed, missing or in another place. */
  open(part: number, sealed: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
  sign(text: string): string;
  /** Refuses a text that was not signed with this key. */
  check(text: string, mac: string): void;
}

/** The seal of a new archive: with a key where one is given. Each archive has keys of its own. */
export async function createSeal(id: string, key: string | undefined): Promise<Seal> {
  if (key === undefined) return openSeal;
  const salt = randomBytes(saltBytes);
  const derivation = rawKey.test(key) ? "hkdf-sha256" : "scrypt";
  const keys = await deriveKeys(key, derivation, salt);
  const encryption = {
    cipher: "aes-256-gcm",
    derivation,
    salt: salt.toString("hex"),
    keyCheck: keyCheckOf(keys),
  } as const;
  return sealWith(id, keys, { compression: "gzip", encryption });
}

/** The seal of an archive that exists. `forbidden` where it needs a key and this is none, or another. */
export async function findSeal(id: string, facts: SealFacts, key: string | undefined): Promise<Seal> {
  const { encryption } = facts;
  if (encryption === null) return openSeal;
  if (key === undefined)
    throw new MusterError("forbidden", `Backup ${id} is encrypted, and there is no key.`, {
      hint: "Set MUSTER_BACKUP_KEY or MUSTER_BACKUP_KEY_FILE to the key that it was made with.",
    });
  const keys = await deriveKeys(key, encryption.derivation, Buffer.from(encryption.salt, "hex"));
  if (!isEqual(keyCheckOf(keys), encryption.keyCheck))
    throw new MusterError("forbidden", `Backup ${id} was encrypted with another key.`, {
      hint: "Set MUSTER_BACKUP_KEY or MUSTER_BACKUP_KEY_FILE to the key that it was made with.",
    });
  return sealWith(id, keys, facts);
}

interface Keys {
  content: Buffer;
  manifest: Buffer;
}

async function deriveKeys(key: string, derivation: string, salt: Buffer): Promise<Keys> {
  const master = derivation === "scrypt" ? await stretch(key, salt) : Buffer.from(key, "hex");
  const part = (name: string) => Buffer.from(hkdfSync("sha256", master, salt, `muster ${name}`, keyBytes));
  return { content: part("backup content"), manifest: part("backup manifest") };
}

const stretch = (passphrase: string, salt: Buffer): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    scrypt(passphrase.normalize("NFKC"), salt, keyBytes, scryptCost, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });

const keyCheckOf = ({ manifest }: Keys): string =>
  createHmac("sha256", manifest).update("key check").digest("hex").slice(0, 32);

const isEqual = (one: string, other: string): boolean =>
  one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));

const openSeal: Seal = {
  facts: { compression: "gzip", encryption: null },
  close: (_part, plain) => plain,
  open: (_part, sealed) => sealed,
  sign: () => "none",
  check() {},
};

function sealWith(id: string, { content, manifest }: Keys, facts: SealFacts): Seal {
  const aad = Buffer.from(id);

  function encrypt(part: number, index: number, isLast: boolean, plain: Buffer): Buffer {
    const cipher = createCipheriv("aes-256-gcm", content, nonceOf(part, index, isLast)).setAAD(aad);
    return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  }

  function decrypt(part: number, index: number, isLast: boolean, sealed: Buffer): Buffer {
    const end = sealed.length - tagBytes;
    if (end < 0) throw changed(id, part);
    const nonce = nonceOf(part, index, isLast);
    const decipher = createDecipheriv("aes-256-gcm", content, nonce, { authTagLength: tagBytes }).setAAD(aad);
    decipher.setAuthTag(sealed.subarray(end));
    try {
      return Buffer.concat([decipher.update(sealed.subarray(0, end)), decipher.final()]);
    } catch {
      throw changed(id, part);
    }
  }

  return {
    facts,
    close: (part, plain) =>
      createChunks(plain, chunkBytes, (chunk, index, isLast) => encrypt(part, index, isLast, chunk)),
    open: (part, sealed) =>
      createChunks(sealed, chunkBytes + tagBytes, (chunk, index, isLast) =>
        decrypt(part, index, isLast, chunk),
      ),
    sign: (text) => createHmac("sha256", manifest).update(text).digest("hex"),
    check(text, mac) {
      if (isEqual(createHmac("sha256", manifest).update(text).digest("hex"), mac)) return;
      throw new MusterError(
        "content_damaged",
        `The manifest of backup ${id} was changed by somebody without its key.`,
        {
          hint: "Use another backup, and find out who can write where this one is kept.",
        },
      );
    },
  };
}

/** Never twice under one key: a part has its number, and a chunk its place in it. */
function nonceOf(part: number, index: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeUInt32BE(part, 0);
  nonce.writeUInt32BE(index, 4);
  nonce.writeUInt8(isLast ? 1 : 0, 11);
  return nonce;
}

const changed = (id: string, part: number): MusterError =>
  new MusterError(
    "content_damaged",
    `Part ${part} of backup ${id} was changed, cut or put in another place.`,
    {
      hint: "Use another backup: `muster backup list` shows them.",
    },
  );
