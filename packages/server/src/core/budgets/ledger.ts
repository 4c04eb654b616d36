import type { BudgetKind, OnReached, UsageAnswer } from "@muster/sdk/protocol";

/** Money in millionths, and tokens. */
export interface Amount {
  money: number;
  tokens: number;
}

/** One budget, as far as spending goes. */
export interface Account {
  readonly id: string;
  readonly on_reached: OnReached;
  readonly money_limit: number | null;
  readonly token_limit: number | null;
  money_spent: number;
  token_spent: number;
  money_reserved: number;
  token_reserved: number;
  reached: BudgetKind | null;
}

/** What is known of one call. `open`: reserved, and not yet settled. */
export interface Call extends Amount {
  open: boolean;
}

export interface Report {
  kind: "reserve" | "spent";
  amount: Amount;
}

export type Entry =
  | { answer: UsageAnswer; call: Call; fresh: boolean }
  /** The key was settled before: a second call can't be reserved under it. */
  | { answer: null };

/** When to ask again for what others may have left over. */
const askAgainMs = 500;
/** No counter grows beyond what a number holds exactly. */
const most = Number.MAX_SAFE_INTEGER;

/**
 * Enters a report into every account it belongs to, the nearest and all above, or into none. What is reserved counts
 * as spent until it is settled, so what is spent stays within each limit as long as calls cost no more than was
 * reserved for them. A report of money that is gone is always counted. `fresh`: the call has to be written down.
 */
export function enter(accounts: readonly Account[], known: Call | undefined, report: Report): Entry {
  return report.kind === "reserve"
    ? reserve(accounts, known, report.amount)
    : spend(accounts, known, report.amount);
}

function reserve(accounts: readonly Account[], known: Call | undefined, amount: Amount): Entry {
  if (known !== undefined) {
    if (!known.open) return { answer: null };
    return { answer: answerOf(accounts, true), call: known, fresh: false };
  }
  for (const account of accounts) account.reached ??= excess(account, amount);
  const stopped = accounts.some((account) => account.reached !== null);
  const crowded = accounts.some((account) => excess(withReserved(account), amount) !== null);
  const call = { ...amount, open: true };
  if (stopped || crowded) {
    const later = stopped ? {} : { retryAfterMs: askAgainMs };
    return { answer: { ...answerOf(accounts, false), ...later }, call, fresh: false };
  }
  for (const account of accounts) {
    account.money_reserved = sum(account.money_reserved, amount.money);
    account.token_reserved = sum(account.token_reserved, amount.tokens);
  }
  return { answer: answerOf(accounts, true), call, fresh: true };
}

function spend(accounts: readonly Account[], known: Call | undefined, amount: Amount): Entry {
  if (known !== undefined && !known.open)
    return { answer: answerOf(accounts, true), call: known, fresh: false };
  for (const account of accounts) {
    account.money_reserved = Math.max(0, account.money_reserved - (known?.money ?? 0));
    account.token_reserved = Math.max(0, account.token_reserved - (known?.tokens ?? 0));
    account.money_spent = sum(account.money_spent, amount.money);
    account.token_spent = sum(account.token_spent, amount.tokens);
    account.reached ??= usedUp(account);
  }
  return { answer: answerOf(accounts, true), call: { ...amount, open: false }, fresh: true };
}

const sum = (a: number, b: number): number => Math.min(most, a + b);

const withReserved = (account: Account): Account => ({
  ...account,
  money_spent: account.money_spent + account.money_reserved,
  token_spent: account.token_spent + account.token_reserved,
});

/** What of it goes beyond an account; null: it fits. */
function excess(account: Account, { money, tokens }: Amount): "money" | "tokens" | null {
  if (account.money_limit !== null && account.money_spent + money > account.money_limit) return "money";
  if (account.token_limit !== null && account.token_spent + tokens > account.token_limit) return "tokens";
  return null;
}

/** What of an account is used up; null: nothing. */
function usedUp(account: Account): "money" | "tokens" | null {
  if (account.money_limit !== null && account.money_spent >= account.money_limit) return "money";
  if (account.token_limit !== null && account.token_spent >= account.token_limit) return "tokens";
  return null;
}

function answerOf(accounts: readonly Account[], granted: boolean): UsageAnswer {
  const money = accounts.map(({ money_limit, money_spent, money_reserved }) =>
    left(money_limit, money_spent + money_reserved),
  );
  const tokens = accounts.map(({ token_limit, token_spent, token_reserved }) =>
    left(token_limit, token_spent + token_reserved),
  );
  return {
    granted,
    reached: accounts.find((account) => account.reached !== null)?.reached ?? null,
    left: { moneyMicros: least(money), tokens: least(tokens) },
  };
}

const left = (limit: number | null, used: number): number | null =>
  limit === null ? null : Math.max(0, limit - used);

function least(amounts: readonly (number | null)[]): number | null {
  const known = amounts.filter((amount) => amount !== null);
  return known.length === 0 ? null : Math.min(...known);
}
