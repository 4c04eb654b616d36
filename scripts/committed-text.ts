import type { Finding } from "./findings.ts";

interface Pattern {
  what: string;
  why: string;
  pattern: RegExp;
}

const machine = "It exists on one machine only. Use a relative path, or one made at run time.";
const secret = "What is committed is public for ever. Revoke it, and read it from the environment.";
const registry = "Which registry is used is a matter of each machine, not of the repository.";

const patterns: readonly Pattern[] = [
  { what: "a home folder", why: machine, pattern: /(?<![\w.-])\/(?:home|Users)\/[a-z][\w.-]*\//g },
  { what: "root's home folder", why: machine, pattern: /(?<![\w.-])\/root\/[\w.]/g },
  { what: "a working folder", why: machine, pattern: /(?<![\w.-])\/(?:work|workspaces?)\/[\w.]/g },
  { what: "a Windows home folder", why: machine, pattern: /[A-Z]:\\+Users\\+\w/g },
  { what: "the address of a registry", why: registry, pattern: /https?:\/\/(?:registry|npm)\.[\w.-]+/g },
  { what: "a private key", why: secret, pattern: /-----BEGIN [A-Z ]*PRIVATE KEY-----/g },
  { what: "an access key of AWS", why: secret, pattern: /\bAKIA[0-9A-Z]{16}\b/g },
  { what: "a token of GitHub", why: secret, pattern: /\b(?:gh[opsur]_\w{36}|github_pat_\w{40,})/g },
  { what: "a token of npm", why: secret, pattern: /\bnpm_[A-Za-z0-9]{36}\b|_authToken\s*=/g },
  { what: "a token of Slack", why: secret, pattern: /\bxox[abprs]-[\w-]{10,}/g },
  { what: "a key of a model provider", why: secret, pattern: /\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{24,}/g },
  { what: "a signed token", why: secret, pattern: /\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}/g },
  {
    what: "a password in an address",
    why: secret,
    pattern: /\b[a-z][a-z+]*:\/\/[^\s/:@"'`$<{]+:(?!(?:password|guest)@)[^\s/@"'`$<{]+@/g,
  },
];

/** Files in which one of these is meant. */
const exceptions = new Map<string, string>();

/** Secrets, addresses of registries and paths of one machine in a committed text. */
export function findPrivateText(file: string, text: string): Finding[] {
  if (exceptions.has(file)) return [];
  return patterns.flatMap(({ what, why, pattern }) =>
    [...text.matchAll(pattern)].map((match) => ({
      file,
      line: text.slice(0, match.index).split("\n").length,
      what: `holds ${what}`,
      why,
    })),
  );
}
