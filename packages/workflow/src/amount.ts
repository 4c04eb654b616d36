/** What money may look like where a file or a command says it: `2.50`, with up to six places. */
export const moneyPattern = "^\\d{1,10}(\\.\\d{1,6})?$";
/** What a count of tokens may look like: `5000`, `100k`, `1.5M`. */
export const tokensPattern = "^\\d{1,12}(\\.\\d{1,3})?[kM]?$";

/** Money in millionths. Undefined: it is no amount, or finer than a millionth. */
export function parseMoney(money: string | number): number | undefined {
  if (typeof money === "string" && !new RegExp(moneyPattern).test(money)) return undefined;
  const micros = Number(money) * 1_000_000;
  const whole = Math.round(micros);
  return Math.abs(micros - whole) < 1e-3 ? whole : undefined;
}

const unitOf: Record<string, number> = { k: 1_000, M: 1_000_000 };

export function parseTokens(tokens: string | number): number | undefined {
  if (typeof tokens === "number") return tokens;
  const [, count, unit] = /^([\d.]+)([kM]?)$/.exec(tokens) ?? [];
  if (count === undefined || !new RegExp(tokensPattern).test(tokens)) return undefined;
  const whole = Number(count) * (unitOf[unit ?? ""] ?? 1);
  return Math.abs(whole - Math.round(whole)) < 1e-6 ? Math.round(whole) : undefined;
}
