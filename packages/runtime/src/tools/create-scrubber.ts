/** Takes secrets out of a text. */
export interface Scrub {
  (text: string): string;
  /** How many characters at the end of a text may be the beginning of a secret that is to be continued. */
  unsure?(text: string): number;
}

export interface ScrubberOptions {
  /** Values that must not be seen, such as API keys that this process knows. Shorter than 8 characters are ignored. */
  values?: readonly string[];
  /** Variables by name: those that sound like secrets are taken as values. */
  env?: Readonly<Record<string, string | undefined>>;
}

/** Shorter values are words that a text may hold by chance. */
const fewestChars = 8;
const mostValues = 1_000;
const removed = "[secret removed]";

/** Names of variables whose values are secrets. */
const secretName =
  /(?:^|_)(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|AUTH|DSN|COOKIE)(?:$|_)|(?:API|ACCESS|PRIVATE)_?KEY|PASSWORD|SECRET|TOKEN/i;

/**
 * Shapes of keys that are secret wherever they appear. Each begins with something fixed and has no nested repetition, so
 * none takes long on any text.
 */
const keyShapes: readonly RegExp[] = [
  /-----BEGIN (?:[A-Z]{2,12} ){0,3}PRIVATE KEY-----[\s\S]{0,20000}?(?:-----END (?:[A-Z]{2,12} ){0,3}PRIVATE KEY-----|$)/g,
  /\bsk-(?:ant-|proj-|or-|svcacct-)?[A-Za-z0-9_-]{20,}/g,
  /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g,
  /\bAIza[A-Za-z0-9_-]{30,}/g,
  /\bgh[pousr]_[A-Za-z0-9]{30,}/g,
  /\bgithub_pat_[A-Za-z0-9_]{30,}/g,
  /\bglpat-[A-Za-z0-9_-]{16,}/g,
  /\bnpm_[A-Za-z0-9]{30,}/g,
  /\bhf_[A-Za-z0-9]{30,}/g,
  /\bxox[abeoprs]-[A-Za-z0-9-]{10,}/g,
  /\b[sr]k_live_[A-Za-z0-9]{16,}/g,
  /\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}/g,
];
/** Secrets that something says of itself; what stands before the secret stays. */
const saidSecrets: readonly RegExp[] = [
  /(\b(?:authorization|proxy-authorization)["']?\s{0,4}[:=]\s{0,4}["']?(?:bearer|basic|token)\s{1,4})[^\s"',;]{8,}/gi,
  /(\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s:/@]{1,100}:)[^\s/@]{1,200}(?=@)/gi,
];

/**
 * Makes a function that takes known values and common shapes of keys out of texts, for what tools answer, logs, journal
 * and events. It also finds known values in the forms that URLs and JSON give them and in Base64. What else was done to a
 * secret, it can't see: that the tools never get one is the wall, this is the net below it.
 */
export function createScrubber(options: ScrubberOptions = {}): Scrub {
  const fromEnv = Object.entries(options.env ?? {})
    .filter(([name]) => secretName.test(name))
    .map(([, value]) => value ?? "");
  const values = [...new Set([...(options.values ?? []), ...fromEnv])]
    .filter((value) => value.trim().length >= fewestChars)
    .slice(0, mostValues);
  // The longest first: one may be the beginning of another.
  const forms = [...new Set(values.flatMap(formsOf))].sort((a, b) => b.length - a.length || (a < b ? -1 : 1));
  const scrub = (text: string): string => {
    let clean = text;
    for (const form of forms) if (clean.includes(form)) clean = clean.replaceAll(form, removed);
    for (const shape of keyShapes) clean = clean.replace(shape, removed);
    for (const shape of saidSecrets) clean = clean.replace(shape, `$1${removed}`);
    return clean;
  };
  // What has no blanks is known by that.
  const broken = forms.filter((form) => /[^!-~]/.test(form));
  return Object.assign(scrub, { unsure: (text: string) => unsureEnd(text, broken) });
}

/** A key that was begun, to its end or to the end of the text. */
const openKey =
  /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----(?![\s\S]*-----END [A-Z ]{0,40}PRIVATE KEY-----)[\s\S]*$|-----BEGIN[A-Z ]{0,52}-{0,5}$/;
/** What says that a secret follows. */
const openSaying =
  /\bauthorization["']?\s{0,4}[:=]?\s{0,4}["']?(?:bearer|basic|token)?\s{0,4}["']?[!-~]{0,2000}$/i;

/** A letter, digit or sign of ASCII: what keys are made of. */
const isPlain = (code: number): boolean => code > 0x20 && code < 0x7f;

function unsureEnd(text: string, broken: readonly string[]): number {
  let most = 0;
  while (most < text.length && isPlain(text.charCodeAt(text.length - 1 - most))) most++;
  for (const open of [openKey, openSaying]) most = Math.max(most, open.exec(text)?.[0].length ?? 0);
  for (const form of broken)
    for (let length = Math.min(form.length - 1, text.length); length > most; length--)
      if (text.endsWith(form.slice(0, length))) most = length;
  return most;
}

const formsOf = (value: string): string[] => [
  value,
  // Half a character is none, and has no form in a URL.
  encodeURIComponent(Buffer.from(value).toString()),
  JSON.stringify(value).slice(1, -1),
  // The last characters depend on what follows, so they are left away.
  Buffer.from(value)
    .toString("base64")
    .replace(/.{0,3}=*$/, ""),
];
