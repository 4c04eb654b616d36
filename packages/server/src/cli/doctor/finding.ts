/** One thing that was looked at, and how it is. */
export interface Finding {
  /** What it is about: `node`, `store`, `server`, `tool bwrap`, `provider anthropic`, `alias smart`, … */
  about: string;
  /** `missing`: Muster works without it, and less can be done. */
  state: "ok" | "missing" | "wrong";
  says: string;
  /** What to do; absent where nothing is to be done. */
  hint?: string;
}

export const fine = (about: string, says: string): Finding => ({ about, state: "ok", says });
export const missing = (about: string, says: string, hint: string): Finding => ({
  about,
  state: "missing",
  says,
  hint,
});
export const wrong = (about: string, says: string, hint: string): Finding => ({
  about,
  state: "wrong",
  says,
  hint,
});
